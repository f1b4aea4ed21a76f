#include "synth/mine/miner.h"

namespace assay {
namespace {

// The change's two patches as files; the error says why there are none.
struct Reading {
  SplitChange split;
  std::optional<Loss> loss;
};

Reading lost(std::string reason, std::string detail) { return {{}, Loss{std::move(reason), std::move(detail)}}; }

FileReader reader_of(const GitRepository* clone, const std::string& commit) {
  return [clone, commit](const std::string& path) -> std::optional<std::string> {
    if (!clone || commit.empty()) return std::nullopt;
    Result<std::optional<std::string>> content = clone->read(commit, path);
    return content.ok() ? std::move(*content) : std::nullopt;
  };
}

Reading read_change(const MinedChange& change, const GitRepository* clone) {
  const Candidate& c = change.candidate;
  const std::string where = "#" + std::to_string(c.pull);
  if (!c.gold.empty() || !c.tests.empty()) {
    Result<std::vector<FilePatch>> gold = parse_patch(c.gold, where + ": gold"), tests = parse_patch(c.tests, where + ": tests");
    if (!gold.ok()) return lost("malformed_patch", gold.error().text());
    if (!tests.ok()) return lost("malformed_patch", tests.error().text());
    return {{std::move(*gold), std::move(*tests)}, std::nullopt};
  }
  std::string patch = change.patch;
  if (clone && !c.base.empty() && !c.head.empty()) {
    Result<std::string> diff = clone->diff(c.base, c.head);
    // What the source brought is as good, but for binary files.
    if (!diff.ok() && patch.empty()) return lost(git_reason(diff.error()), diff.error().text());
    if (diff.ok()) patch = std::move(*diff);
  } else if (patch.empty()) {
    return lost("no_clone", "");
  }
  Result<std::vector<FilePatch>> files = parse_patch(patch, where);
  if (!files.ok()) return lost("malformed_patch", files.error().text());
  return {split_change(std::move(*files), reader_of(clone, c.base), reader_of(clone, c.head)), std::nullopt};
}

// What a merge was made on is its first parent, where the source knows only the merge.
void find_base(MinedChange& change, const GitRepository* clone) {
  Candidate& c = change.candidate;
  if (!c.base.empty() || !change.merged || change.lost) return;
  if (clone && !c.head.empty())
    if (const Result<Commit> head = clone->commit(c.head); head.ok() && !head->parents.empty()) c.base = head->parents[0];
  if (c.base.empty()) change.lost = Loss{"no_base", clone ? "the clone does not have " + c.head : "without a clone it is not to be found"};
}

}  // namespace

Mined mine_change(MinedChange change, const GitRepository* clone, const FilterOptions& options) {
  Mined out;
  find_base(change, clone);
  out.loss = judge_words(change, options);
  if (!out.loss) {
    Reading reading = read_change(change, clone);
    out.loss = std::move(reading.loss);
    Candidate& c = change.candidate;
    if (!out.loss && clone && c.licence.empty() && !c.base.empty())
      if (Result<std::string> licence = clone->licence(c.base); licence.ok()) c.licence = std::move(*licence);
    if (!out.loss) out.loss = judge_change(c, reading.split, options);
    if (!out.loss) {
      c.gold = patch_text(reading.split.gold);
      c.tests = patch_text(reading.split.tests);
      c.id = candidate_id(c);
    }
  }
  out.candidate = std::move(change.candidate);
  return out;
}

}  // namespace assay
