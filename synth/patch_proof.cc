#include "synth/patch_proof.h"

#include <algorithm>
#include <memory>

#include "synth/build/test_run.h"
#include "synth/cheat.h"
#include "synth/mine/patch.h"
#include "synth/patch_mutants.h"

namespace assay {
namespace {

constexpr int64_t kFileBytes = 2 << 20;   // of a file that a cheat changes
constexpr int64_t kListBytes = 64 << 20;

void set_outcome(const Verdict& verdict, PatchTrial& trial) {
  const auto failed = std::find_if(verdict.checks.begin(), verdict.checks.end(), [](const Check& check) { return !check.passed; });
  trial.outcome = verdict.passed ? "accepted" : "rejected";
  trial.check = failed != verdict.checks.end() ? failed->name : "";
}

Status judge(Executor& executor, const TestPlan& plan, std::string_view patch, uint64_t seed, PatchTrial& trial, int64_t& wall_us) {
  ASSAY_ASSIGN(const PatchJudgement judged, judge_patch(executor, plan, patch, {.seed = seed}));
  wall_us += judged.round.wall_us;
  set_outcome(judged.verdict, trial);
  return {};
}

// Of `files`, those that `others` do not have in just this way.
std::string patch_without(const std::vector<FilePatch>& files, const std::vector<FilePatch>& others) {
  std::string out;
  for (const FilePatch& file : files) {
    const std::string text = patch_text(file);
    if (std::none_of(others.begin(), others.end(), [&](const FilePatch& other) { return patch_text(other) == text; })) out += text;
  }
  return out;
}

// Whether the tests fail on a mutant that is built from what was built of the gold.
Result<bool> fails_beside_gold(Executor& executor, const TestPlan& plan, const std::string& gold, const std::string& mutant, const PatchProofOptions& options, PatchTrial& trial, int64_t& wall_us) {
  ASSAY_ASSIGN(const auto golds, parse_patch(gold, "the gold patch"));
  ASSAY_ASSIGN(const auto mutants, parse_patch(mutant, "a mutant"));
  ASSAY_ASSIGN(const std::unique_ptr<Workspace> workspace, options.gold->fork());
  ASSAY_ASSIGN(const PatchFit back, patch_tree(executor, *workspace, patch_without(golds, mutants), plan.limits, PatchDirection::kBack));
  if (!back.fits) return false;
  ASSAY_ASSIGN(const PatchFit forth, patch_tree(executor, *workspace, patch_without(mutants, golds), plan.limits));
  if (!forth.fits) return false;
  ASSAY_ASSIGN(const TestRoundResult round, run_tests(executor, *workspace, plan, {.seed = options.seed}));
  wall_us += round.wall_us;
  set_outcome(judge_tests(plan, round.runs), trial);
  return trial.outcome == "rejected";
}

Result<std::vector<std::string>> changed_sources(const std::string& gold, const TreeView& tree) {
  ASSAY_ASSIGN(const std::vector<FilePatch> files, parse_patch(gold, "the gold patch"));
  std::vector<std::string> out;
  for (const FilePatch& file : files)
    if (tree.has(file.old_path)) out.push_back(file.old_path);
  return out;
}

Json trials(const std::vector<PatchTrial>& all, bool cheats) {
  Json out = Json::array();
  for (const PatchTrial& each : all) {
    Json json = {{"outcome", each.outcome}, {"check", each.check}, {cheats ? "name" : "kind", each.name}};
    if (cheats) json["must_fail"] = each.must_fail;
    else json["what"] = each.detail;
    out.push_back(std::move(json));
  }
  return out;
}

}  // namespace

bool PatchProof::sound() const {
  return std::none_of(cheats.begin(), cheats.end(), [](const PatchTrial& each) { return each.must_fail && each.outcome == "accepted"; });
}

int64_t PatchProof::accepted_mutants() const {
  return std::count_if(mutants.begin(), mutants.end(), [](const PatchTrial& each) { return each.outcome == "accepted"; });
}

Result<PatchProof> prove_patch_tests(Executor& executor, const TestPlan& plan, const TreeView& tree, const std::string& gold, const PatchProofOptions& options) {
  PatchProof out;
  ASSAY_ASSIGN(std::vector<std::string> sources, changed_sources(gold, tree));
  const CheatScene scene{plan, tree, std::move(sources)};
  for (const Cheat& cheat : cheats::all()) {
    PatchTrial trial{.name = cheat.name, .outcome = "inapplicable", .must_fail = cheat.must_fail};
    if (const auto edits = cheat.edits(scene)) ASSAY_TRY(judge(executor, plan, cheat_patch(*edits, tree), options.seed, trial, out.wall_us));
    out.cheats.push_back(std::move(trial));
  }
  ASSAY_ASSIGN(const std::vector<PatchMutant> mutants, patch_mutants(gold, "the gold patch", options.mutants, options.seed));
  for (const PatchMutant& mutant : mutants) {
    PatchTrial trial{.name = mutant.kind, .detail = mutant.where};
    bool fails = false;
    if (options.gold) {
      ASSAY_ASSIGN(fails, fails_beside_gold(executor, plan, gold, mutant.patch, options, trial, out.wall_us));
    }
    if (!fails) ASSAY_TRY(judge(executor, plan, mutant.patch, options.seed, trial, out.wall_us));
    out.mutants.push_back(std::move(trial));
  }
  return out;
}

Json to_json(const PatchProof& proof) {
  const Json rate = proof.mutants.empty() ? Json() : Json(static_cast<double>(proof.accepted_mutants()) / static_cast<double>(proof.mutants.size()));
  return {{"cheats", trials(proof.cheats, true)}, {"mutants", trials(proof.mutants, false)}, {"mutants_accepted", proof.accepted_mutants()}, {"false_accept_rate", rate}};
}

Result<TreeView> tree_of_layers(Executor& executor, const TestPlan& plan) {
  ASSAY_ASSIGN(std::unique_ptr<Workspace> opened, open_tree(executor, plan));
  const std::shared_ptr<Workspace> workspace = std::move(opened);
  RunRequest request{.argv = {"git", "-c", "safe.directory=*", "ls-files", "-z", "-s"}, .directory = kTestDirectory, .limits = plan.limits};
  request.limits.output_bytes = request.limits.kept_bytes = kListBytes;
  ASSAY_ASSIGN(const RunResult listed, executor.run(request, *workspace));
  if (!listed.succeeded()) return make_error(Boundary::kSandbox, "git cannot list the tree: " + listed.err.first_line(), kTestDirectory);
  TreeView out;
  const std::string& list = listed.out.head;
  for (size_t begin = 0, end; (end = list.find('\0', begin)) != std::string::npos; begin = end + 1) {
    const std::string entry = list.substr(begin, end - begin);   // MODE OBJECT STAGE TAB PATH
    if (entry.starts_with("100")) out.paths.push_back(entry.substr(entry.find('\t') + 1));
  }
  std::sort(out.paths.begin(), out.paths.end());
  out.read = [workspace](const std::string& path) -> std::optional<std::string> {
    auto bytes = workspace->read("work/repo/" + path, kFileBytes);
    return bytes.ok() ? std::optional(std::move(*bytes)) : std::nullopt;
  };
  return out;
}

}  // namespace assay
