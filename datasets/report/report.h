// One self-contained HTML file from a store: figures, every attempt in a grid, and trajectories, with no network at all. What a store
// holds is hostile: it reaches the page as compressed JSON and only ever becomes text there, under a content security policy that
// names our own script and style by their hashes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "datasets/store.h"

namespace assay {

struct ReportOptions {
  std::string title;                   // as text
  std::vector<std::string> policies;   // descriptors; empty: every policy
  // The file's size. Figures and the list of attempts are always whole, about 25 bytes an attempt; trajectories are kept while they
  // fit: failures before successes, each task's first before any task's second. The page says how many are missing.
  int64_t bytes = 5'000'000;
};

struct Report {
  std::string html;
  OrderedJson figures;                 // datasets/report/figures.h
  int64_t attempts = 0, whole = 0;     // all, and those whose trajectory is in the file
};

// The same store and options give the same bytes. `step` is called for each task and rollout that was read; its error ends it. Fails
// where nothing is left to show.
Result<Report> make_report(Store& store, const std::vector<TaskRow>& tasks, const ReportOptions& options, const std::function<Status()>& step);

}  // namespace assay
