// Export formats: one file each in datasets/formats/, which defines `Format make()`.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "datasets/content.h"
#include "datasets/store.h"
#include "datasets/token_sequence.h"

namespace assay {

// What a row is made of. Rollouts are scored ones.
enum class RowUnit {
  kTask,
  kRollout,
  kPair,       // two rollouts of a task by one policy that differ in reward (datasets/preference_pairs.h)
  kSequence,   // of each rollout one for each sequence of recorded tokens (datasets/token_sequence.h), or one without tokens
};

// The tools of an environment as models see them: made once, for all rows of its tasks.
struct PublicTools {
  OrderedJson json;   // public_tool_json of each
  // The same as one text. Readers of columns (Arrow) make one struct of all tools' schemas if they are objects, which adds null
  // members to each.
  std::string text;
};
PublicTools public_tools(const Environment& environment);

// Everything a row may carry. Only certified, sound tasks reach a format.
struct ExportItem {
  const Task& task;
  const Environment& environment;
  const Certificate& certificate;
  const PublicTools& tools;
  const Rollout* rollout = nullptr;    // but for kTask; of a pair the better one
  const Rollout* rejected = nullptr;   // of a pair the other one
  // Where the format carries tokens: of `rollout`; empty where none were recorded.
  std::span<const TokenSequence> sequences;
  const TokenSequence* sequence = nullptr;   // for kSequence the one that the row is made of, if there is one
  std::string split = "train";
  int64_t number = 0, group = 0;       // of the row and of its task within their split
};

using FormatFiles = std::vector<std::pair<std::string, std::string>>;   // path relative to the dataset's folder -> text
using RowFiles = std::map<std::string, std::string>;                    // split -> path of its rows, relative to the dataset's folder

struct Format {
  std::string name;
  std::string summary;            // one line for `assay list formats`
  std::string rows = "data/{split}.jsonl";   // path of a split's rows, one JSON object a line
  RowUnit unit = RowUnit::kTask;
  std::set<Content> carries;      // of what rollouts hold
  bool all_outcomes = false;      // made of attempts that passed and of attempts that did not; else of those that passed, unless asked
  // JSON Pointer to the object of each row that says where it comes from (put_origin, or columns of the format's own); null: the
  // consumer refuses columns that it does not know.
  std::optional<std::string> origin = "";
  std::function<bool(const Task&)> takes;   // others are left out, and counted; null: it takes every task
  std::function<bool(const Rollout&)> takes_rollout;   // likewise
  std::string usage;              // Markdown for the card: the columns, and how a trainer reads them
  std::function<Result<OrderedJson>(const ExportItem&)> row;
  // Further files of a row; null: none. They stand before the rows do.
  std::function<Result<FormatFiles>(const ExportItem&)> row_files;
  // Further files of the dataset, e.g. reward.py; null: none. "@STORE@", quotes included, becomes the
  // path of the store from the folder, as a string literal of JSON and Python.
  std::function<FormatFiles(const RowFiles&)> files;
};

namespace formats {
std::span<const Format> all();  // generated from the folder
}

Result<const Format*> find_format(const std::string& name);

// ---- What formats share ----

// The system message, if there is one, and the user message that an attempt starts from.
OrderedJson opening_json(const Task& task);
// The claims that a trainer filters by; the whole certificate stays in the store.
OrderedJson certificate_summary(const Certificate& certificate);
// The name of the tool that submits, or "".
std::string submit_tool(const Environment& environment);
// "answer" or "state": what reward.py asks the verifier about.
const char* judged_by(const Task& task);
// reward.py, which scores completions with the verifier.
FormatFiles reward_files(const RowFiles& rows);

// Columns that say where a row comes from and what became of it: task_id, environment_id, domain, difficulty, seed, index, split and
// certificate; of rollouts rollout_id, policy, rollout_seed, sample, reward and passed; of pairs both rewards and rejected_id.
void put_origin(OrderedJson& row, const ExportItem& item);

}  // namespace assay
