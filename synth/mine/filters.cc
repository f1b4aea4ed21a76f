#include "synth/mine/filters.h"

#include <algorithm>
#include <set>

#include "synth/mine/links.h"
#include "synth/mine/paths.h"

namespace assay {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 32);
  return out;
}

bool holds(const std::vector<std::string>& list, const std::string& word) { return std::find(list.begin(), list.end(), word) != list.end(); }

std::string count_of(int64_t count, const char* what) { return std::to_string(count) + " " + what; }

bool is_bot(const MinedChange& change) {
  const std::string author = lower(change.candidate.author);
  if (change.bot || author.ends_with("[bot]")) return true;
  for (std::string_view name : {"dependabot", "dependabot-preview", "renovate", "renovate-bot", "greenkeeper", "greenkeeperio-bot", "pre-commit-ci", "pyup-bot", "pyup.io bot", "snyk-bot",
                                "github-actions", "github actions", "allcontributors", "imgbot", "mergify", "release-please", "bors", "weblate"})
    if (author == name) return true;
  return false;
}

// What the title says it is, where that is nothing to solve.
std::optional<std::string> chore_of(const std::string& given) {
  const std::string title = lower(given);
  if (title.starts_with("revert ") || title.starts_with("revert:") || title.starts_with("\"revert")) return "revert";
  for (std::string_view begin : {"bump ", "build(deps", "chore(deps", "fix(deps", "deps:", "[pre-commit.ci]", "update dependency", "upgrade dependency", "update dependencies", "release ",
                                 "prepare release", "prepare for release", "chore: release", "chore(release", "chore(main): release", "version bump", "pin dependencies", "lock file maintenance"})
    if (title.starts_with(begin)) return "bump";
  for (std::string_view begin : {"merge branch", "merge remote", "merge master", "merge main", "merge develop", "backport ", "[backport", "sync with", "sync upstream", "merge upstream", "merge tag"})
    if (title.starts_with(begin)) return "merge";
  return std::nullopt;
}

struct Prose {
  int64_t words = 0;           // of two letters and more, links and paths left out
  int64_t code_bytes = 0, bytes = 0;
};

Prose prose_measure(const std::string& statement) {
  const std::string prose = prose_of(statement, TextKind::kMarkdown);
  Prose out;
  for (size_t i = 0; i < prose.size(); ++i) {
    out.bytes += statement[i] > ' ' || statement[i] < 0;
    out.code_bytes += (statement[i] > ' ' || statement[i] < 0) && prose[i] == ' ';
  }
  for (size_t at = 0; at < prose.size();) {
    const size_t begin = prose.find_first_not_of(" \t\r\n", at);
    if (begin == prose.npos) break;
    const size_t end = std::min(prose.find_first_of(" \t\r\n", begin), prose.size());
    const std::string_view word = std::string_view(prose).substr(begin, end - begin);
    const auto letters = std::count_if(word.begin(), word.end(), [](char c) { return (c | 32) >= 'a' ? (c | 32) <= 'z' : c < 0; });
    const bool other = word.find("://") != word.npos || word[0] == '#' || word[0] == '@' || word.find("[x]") != word.npos;
    out.words += letters >= 2 && 2 * letters > static_cast<long>(word.size()) && !other;
    at = end;
  }
  return out;
}

std::optional<Loss> judge_statement(const Candidate& candidate, const FilterOptions& options) {
  if (!holds(options.statements, candidate.statement_from))
    return Loss{"not_linked", candidate.issues.empty() ? "no issue is linked" : "an issue is linked, but its text is not there"};
  const auto size = static_cast<int64_t>(candidate.statement.size());
  if (size > options.statement_bytes) return Loss{"statement_too_long", count_of(size, "bytes")};
  const Prose prose = prose_measure(candidate.statement);
  const int64_t wanted = candidate.statement_from == "issue" ? options.statement_words : options.statement_words / 2;
  if (prose.words < wanted) return Loss{"statement_too_short", count_of(prose.words, "words")};
  if (prose.code_bytes * 20 > prose.bytes * 19) return Loss{"statement_unclear", "nearly all of it is code or quoted"};
  // A form that nobody filled in: headings and nothing between them.
  int64_t headings = 0, lines = 0;
  for (size_t at = 0; at < candidate.statement.size();) {
    const size_t end = std::min(candidate.statement.find('\n', at), candidate.statement.size());
    const std::string_view line = std::string_view(candidate.statement).substr(at, end - at);
    headings += line.starts_with('#') || line.starts_with("**") || line.starts_with("- [ ]");
    lines += line.find_first_not_of(" \t\r") != line.npos;
    at = end + 1;
  }
  if (headings > 3 && headings * 4 > lines * 3) return Loss{"statement_unclear", "a form that nobody filled in"};
  return std::nullopt;
}

// What a patched symbolic link points to; of one that only becomes a link nothing is known.
std::string link_target(const FilePatch& file) {
  for (const Hunk& hunk : file.hunks)
    for (const PatchLine& line : hunk.lines)
      if (line.kind == '+') return line.text;
  return "";
}

// Whether the statement holds lines of the gold patch that are long enough to be no accident.
bool tells_solution(const Candidate& candidate, const SplitChange& split) {
  std::set<std::string> told;
  for (const FilePatch& file : split.gold) {
    if (path_role(file.path()) != PathRole::kSource) continue;
    for (const Hunk& hunk : file.hunks)
      for (const PatchLine& line : hunk.lines) {
        if (line.kind != '+') continue;
        const size_t begin = line.text.find_first_not_of(" \t"), end = line.text.find_last_not_of(" \t\r");
        if (begin == line.text.npos || end - begin < 24) continue;
        const std::string said = line.text.substr(begin, end - begin + 1);
        if (candidate.statement.find(said) != std::string::npos) told.insert(said);
      }
  }
  return told.size() >= 2;
}

}  // namespace

std::span<const FilterReason> filter_reasons() {
  static const std::vector<FilterReason> reasons{
      {"unreadable", "could not be read from its source"},
      {"api_malformed", "the server's answer about it is not of the form that it documents"},
      {"api_failed", "the server did not answer about it"},
      {"needs_container", "its tree stands in a container's image only"},
      {"not_merged", "was not merged"},
      {"too_old", "was merged before --since"},
      {"bot", "was made by a program"},
      {"revert", "reverts another change"},
      {"bump", "is a release or changes versions of dependencies"},
      {"merge", "merges branches or ports a change back"},
      {"no_base", "the tree before it is unknown"},
      {"not_linked", "has no statement of a kind that was asked for (--statements)"},
      {"statement_too_long", "its statement is too long"},
      {"statement_too_short", "its statement has too few words"},
      {"statement_unclear", "its statement does not describe anything"},
      {"no_clone", "its patch is not there and neither is a clone (--clone)"},
      {"missing_object", "the repository lacks an object of it"},
      {"corrupt_object", "an object of it is broken"},
      {"too_large", "it changes more than is looked at"},
      {"malformed_patch", "its patch cannot be read"},
      {"binary_missing", "its patch leaves a binary file out"},
      {"submodule", "it changes a submodule"},
      {"lfs_pointer", "it changes a file that the repository only points to"},
      {"symlink_leaves_tree", "it makes a link that leads out of the tree"},
      {"no_tests", "it changes no tests"},
      {"no_source", "it changes no source"},
      {"language", "its language was not asked for"},
      {"gold_too_large", "its solution is too large"},
      {"tests_too_large", "its tests change too much"},
      {"tells_solution", "its statement holds lines of the solution"},
      {"licence", "its licence was not asked for"},
      {"duplicate", "the same solution was kept already"},
      {"older", "there are enough newer ones (--newest)"},
      {"judged_unclear", "a model finds the statement unclear (--judge)"},
      {"judge_failed", "the model that judges statements gave no answer"},
  };
  return reasons;
}

std::optional<Loss> judge_words(const MinedChange& change, const FilterOptions& options) {
  if (change.lost && change.lost->reason != "no_base") return change.lost;
  if (!change.merged) return Loss{"not_merged", ""};
  if (change.candidate.merged < options.since && !change.lost) return Loss{"too_old", change.candidate.merged};
  if (is_bot(change)) return Loss{"bot", change.candidate.author};
  if (const auto chore = chore_of(change.candidate.title)) return Loss{*chore, change.candidate.title};
  if (change.lost) return change.lost;
  return judge_statement(change.candidate, options);
}

std::optional<Loss> judge_change(Candidate& candidate, const SplitChange& split, const FilterOptions& options) {
  std::map<std::string, int64_t> bytes;   // of source, by language
  int64_t gold_lines = 0, test_lines = 0;
  for (const std::vector<FilePatch>* side : {&split.gold, &split.tests})
    for (const FilePatch& file : *side) {
      if (file.old_mode == 0160000 || file.new_mode == 0160000) return Loss{"submodule", file.path()};
      if (file.binary && file.binary_text.empty()) return Loss{"binary_missing", file.path()};
      for (const Hunk& hunk : file.hunks)
        for (const PatchLine& line : hunk.lines)
          if (line.text.starts_with("version https://git-lfs.github.com/spec/")) return Loss{"lfs_pointer", file.path()};
      if (file.new_mode == 0120000 && !link_stays_inside(file.path(), link_target(file))) return Loss{"symlink_leaves_tree", file.path()};
      const PatchStats stats = patch_stats(file);
      const PathRole role = path_role(file.path());
      // What machines write says nothing about how much there is to do.
      if (role != PathRole::kGenerated) (side == &split.gold ? gold_lines : test_lines) += stats.added + stats.removed;
      if (side == &split.gold && role == PathRole::kSource) bytes[path_language(file.path())] += std::max<int64_t>(stats.bytes, 1);
    }
  if (split.tests.empty()) return Loss{"no_tests", ""};
  if (bytes.empty()) return Loss{"no_source", ""};
  // Headers of C look like those of C++.
  if (bytes.contains("c") && bytes.contains("cpp")) bytes.erase(bytes["c"] > bytes["cpp"] ? "cpp" : "c");
  candidate.language = std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->first;
  if (!options.languages.empty() && !holds(options.languages, candidate.language)) return Loss{"language", candidate.language};
  if (static_cast<int64_t>(split.gold.size()) > options.gold_files) return Loss{"gold_too_large", count_of(static_cast<int64_t>(split.gold.size()), "files")};
  if (gold_lines > options.gold_lines) return Loss{"gold_too_large", count_of(gold_lines, "lines")};
  if (static_cast<int64_t>(split.tests.size()) > options.test_files) return Loss{"tests_too_large", count_of(static_cast<int64_t>(split.tests.size()), "files")};
  if (test_lines > options.test_lines) return Loss{"tests_too_large", count_of(test_lines, "lines")};
  if (tells_solution(candidate, split)) return Loss{"tells_solution", ""};
  if (!options.licences.empty() && !holds(options.licences, candidate.licence)) return Loss{"licence", candidate.licence.empty() ? "none" : candidate.licence};
  return std::nullopt;
}

void MiningFunnel::add(const std::optional<Loss>& loss, const Candidate& candidate) {
  ++changes_;
  if (!loss) {
    ++kept_;
    ++languages[candidate.language];
    return;
  }
  auto& [count, example] = lost_[loss->reason];
  if (count++ == 0) {
    example = candidate.pull > 0 ? "#" + std::to_string(candidate.pull) : candidate.title;
    if (!loss->detail.empty()) example += ": " + loss->detail;
  }
}

std::vector<MiningFunnel::Row> MiningFunnel::rows() const {
  std::vector<Row> out;
  int64_t left = changes_;
  for (const FilterReason& reason : filter_reasons()) {
    const auto it = lost_.find(reason.code);
    if (it == lost_.end()) continue;
    left -= it->second.first;
    out.push_back({reason, it->second.first, left, it->second.second});
  }
  ASSAY_ASSERT(left == kept_);   // every code is listed
  return out;
}

OrderedJson to_json(const MiningFunnel& funnel) {
  OrderedJson lost = OrderedJson::object();
  for (const MiningFunnel::Row& row : funnel.rows()) lost[row.reason.code] = row.lost;
  return {{"changes", funnel.changes()}, {"kept", funnel.kept()}, {"lost", std::move(lost)}, {"languages", funnel.languages}};
}

}  // namespace assay
