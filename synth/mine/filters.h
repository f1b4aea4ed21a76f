// Which changes make a task, each loss with a reason code. Filters are asked in the order of filter_reasons(), the cheap ones first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "synth/mine/source.h"
#include "synth/mine/split.h"

namespace assay {

struct FilterOptions {
  std::string since;                              // merged on this day or later, "2023-01-01"; empty: ever
  std::vector<std::string> statements{"issue"};   // kinds of statement that count: "issue", "pull_request", "commit"
  int64_t statement_words = 15;                   // of prose, at least; half of that for statements that are no issue's
  int64_t statement_bytes = 20'000;               // at most
  int64_t gold_files = 20, gold_lines = 1'000;    // changed, at most
  int64_t test_files = 50, test_lines = 5'000;
  std::vector<std::string> languages;             // empty: every one that path_language names
  std::vector<std::string> licences;              // SPDX identifiers; empty: any, and none
};

struct FilterReason {
  std::string code;
  std::string meaning;     // "was not merged"
};

// Every reason there is, in the order in which they are looked for; "kept" is none of them.
std::span<const FilterReason> filter_reasons();

// What a change says of itself, before its patch is read.
std::optional<Loss> judge_words(const MinedChange& change, const FilterOptions& options);

// What it changes. Sets candidate.language.
std::optional<Loss> judge_change(Candidate& candidate, const SplitChange& split, const FilterOptions& options);

// How many candidates each filter left.
class MiningFunnel {
 public:
  void add(const std::optional<Loss>& loss, const Candidate& candidate);

  int64_t changes() const { return changes_; }
  int64_t kept() const { return kept_; }

  struct Row {
    FilterReason reason;
    int64_t lost = 0, left = 0;      // left: after this filter
    std::string example;             // "#12: 3 words" of the first one lost
  };
  std::vector<Row> rows() const;     // of reasons that lost any
  std::map<std::string, int64_t> languages;   // of those kept

 private:
  int64_t changes_ = 0, kept_ = 0;
  std::map<std::string, std::pair<int64_t, std::string>> lost_;   // code -> count, example
};

// {"changes","kept","lost":{code: count},"languages":{…}}, codes in the order of the filters.
OrderedJson to_json(const MiningFunnel& funnel);

}  // namespace assay
