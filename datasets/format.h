// Export formats: one file each in datasets/formats/, which defines `Format make()`.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "datasets/store.h"

namespace assay {

// Everything a row may carry. Only certified, sound tasks reach a format.
struct ExportItem {
  const Task& task;
  const Environment& environment;
  const Certificate& certificate;
  const Rollout* rollout = nullptr;   // for formats made of rollouts; scored
  std::string split = "train";
  int64_t number = 0;                 // of the row within its split
};

using FormatFiles = std::vector<std::pair<std::string, std::string>>;   // path relative to the dataset's folder -> text

struct Format {
  std::string name;
  std::string summary;            // one line for `assay list formats`
  std::string extension;          // "jsonl"; always one object a line
  bool per_rollout = false;       // one row a rollout, or one a task
  std::function<bool(const Task&)> takes;   // others are left out, and counted; null: it takes every task
  std::string usage;              // Markdown for the card: the columns, and how a trainer reads them
  std::function<Result<OrderedJson>(const ExportItem&)> row;
  // Further files of a row; null: none. They stand before the rows do.
  std::function<Result<FormatFiles>(const ExportItem&)> row_files;
  // Further files of the dataset, e.g. reward.py. "@STORE@", quotes included, becomes the
  // path of the store from the folder, as a string literal of JSON and Python.
  std::function<FormatFiles()> files;
};

namespace formats {
std::span<const Format> all();  // generated from the folder
}

// ---- What formats share ----

OrderedJson public_tools_json(const Environment& environment);
// The system message, if there is one, and the user message that an attempt starts from.
OrderedJson opening_json(const Task& task);
// The claims that a trainer filters by; the whole certificate stays in the store.
OrderedJson certificate_summary(const Certificate& certificate);
// The name of the tool that submits, or "".
std::string submit_tool(const Environment& environment);

}  // namespace assay
