#include "synth/mine/source.h"

#include <algorithm>
#include <ctime>

namespace assay {

Result<const MiningSource*> find_source(const std::string& argument) {
  std::vector<const MiningSource*> kinds;
  for (const MiningSource& kind : sources::all()) kinds.push_back(&kind);
  std::sort(kinds.begin(), kinds.end(), [](const MiningSource* a, const MiningSource* b) { return a->order < b->order; });
  std::string forms;
  for (const MiningSource* kind : kinds) {
    if (kind->takes(argument)) return kind;
    forms += (forms.empty() ? "" : "; ") + kind->summary;
  }
  return input_error("nothing to mine from", argument, forms);
}

Result<std::unique_ptr<ChangeSource>> open_source(const SourceOptions& options) {
  ASSAY_ASSIGN(const MiningSource* const kind, find_source(options.argument));
  return kind->open(options);
}

std::string iso_time(int64_t unix_s) {
  // Four digits of a year; commits may claim any time.
  const std::time_t time = std::clamp<int64_t>(unix_s, 0, 253'402'300'799);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

std::string without_trailers(const std::string& message) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < message.size();) {
    const size_t end = std::min(message.find('\n', at), message.size());
    std::string line = message.substr(at, end - at);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t')) line.pop_back();
    at = end + 1;
    bool is_trailer = line.starts_with("(cherry picked from commit ") || line.starts_with("git-svn-id: ");
    for (const char* word : {"Signed-off-by", "Co-authored-by", "Co-Authored-By", "Reviewed-by", "Acked-by", "Tested-by", "Change-Id", "Reviewed-on", "PR-URL", "Cc",
                             "Reviewed-By", "Approved-by", "Suggested-by", "Reported-by", "Pull-Request", "Differential Revision"})
      is_trailer |= line.starts_with(std::string(word) + ": ");
    if (!is_trailer) lines.push_back(std::move(line));
  }
  while (!lines.empty() && (lines.back().empty() || lines.back() == "---------")) lines.pop_back();
  std::string out;
  for (const std::string& line : lines)
    if (!out.empty() || !line.empty()) out += (out.empty() ? "" : "\n") + line;
  return out;
}

std::string statement_of(const std::string& title, const std::string& body) {
  return title + (title.empty() || body.empty() ? "" : "\n\n") + body;
}

void set_statement(Candidate& candidate, const std::string& otherwise) {
  candidate.statement.clear();
  for (const Issue& issue : candidate.issues) {
    if (issue.title.empty() && issue.body.empty()) continue;
    candidate.statement += (candidate.statement.empty() ? "" : "\n\n---\n\n") + statement_of(issue.title, issue.body);
  }
  candidate.statement_from = candidate.statement.empty() ? otherwise : "issue";
  if (candidate.statement.empty()) candidate.statement = statement_of(candidate.title, candidate.body);
}

}  // namespace assay
