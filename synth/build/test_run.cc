#include "synth/build/test_run.h"

#include <algorithm>
#include <set>

#include "envs/base/hash.h"
#include "synth/mine/patch.h"
#include "verifiers/canary.h"

namespace assay {
namespace {

constexpr int64_t kReportBytes = int64_t{64} << 20;

// The same for every run: what tests read of the world and no patch may depend on.
const std::map<std::string, std::string>& pins() {
  static const std::map<std::string, std::string> all = {
      {"TZ", "UTC"}, {"LC_ALL", "C.UTF-8"}, {"LANG", "C.UTF-8"}, {"PYTHONHASHSEED", "0"}, {"PYTHONDONTWRITEBYTECODE", "1"},
      {"SOURCE_DATE_EPOCH", "1577836800"}, {"CI", "1"}, {"NO_COLOR", "1"}, {"GIT_CONFIG_NOSYSTEM", "1"}};
  return all;
}

RunRequest request_in_tree(std::vector<std::string> argv, const RunLimits& limits, const std::string& log) {
  RunRequest out{.argv = std::move(argv), .environment = pins(), .directory = kTestDirectory, .limits = limits};
  out.log = log;
  return out;
}

// A report that is not there, is no file or is too large is the program's own doing; a workspace that cannot say so is not.
Result<std::optional<std::string>> read_report(Workspace& workspace, const std::string& path) {
  if (auto bytes = workspace.read(path, kReportBytes); bytes.ok()) return std::optional(std::move(*bytes));
  ASSAY_ASSIGN(const auto changes, workspace.changes());
  for (const Workspace::Change& each : changes)
    if (each.path == path && each.kind != Workspace::Change::Kind::kRemoved && each.type == 'f' && each.bytes <= kReportBytes)
      return make_error(Boundary::kSandbox, "a report that is there cannot be read", path);
  return std::optional<std::string>();
}

TestReport no_report(const std::string& why) {
  TestReport out;
  out.truncated = true;
  out.notes.push_back(why);
  return out;
}

std::string inside(const std::string& path) { return path.starts_with("/") ? path.substr(1) : std::string(kTestDirectory).substr(1) + "/" + path; }

Status lay_out(Workspace& workspace, const Canary& canary) {
  for (const auto& [path, bytes] : canary.files) ASSAY_TRY(workspace.write(inside(path), bytes));
  for (const auto& [path, bytes] : canary.appended) {
    ASSAY_ASSIGN(const auto before, read_report(workspace, inside(path)));
    ASSAY_TRY(workspace.write(inside(path), before.value_or("") + bytes));
  }
  return {};
}

struct CommandRun {
  TestRun run;
  RunResult result;
};

Result<std::optional<std::string>> report_of(const TestCommand& command, const RunResult& result, Workspace& workspace, const std::string& place) {
  if (command.report == "output") return std::optional(result.out.text());
  return read_report(workspace, place);
}

Result<CommandRun> run_command(Executor& executor, Workspace& built, const TestPlan& plan, size_t index, const TestRound& round) {
  const TestCommand& command = plan.commands[index];
  ASSAY_ASSIGN(const std::unique_ptr<Workspace> workspace, built.fork());
  const uint64_t seed = Rng(round.seed, "test_run", index).next();
  ASSAY_ASSIGN(const Canary canary, make_canary(command, seed));
  ASSAY_TRY(lay_out(*workspace, canary));
  const std::string place = "tmp/" + sha256_hex("report " + std::to_string(seed)).substr(0, 20);
  RunRequest request = request_in_tree(expand(canary.command, {"/" + place, round.seed}), plan.limits, round.log.empty() ? "" : round.log + "." + std::to_string(index));
  for (const auto& [name, value] : canary.command.environment) request.environment[name] = value;
  if (command.report == "output") request.limits.kept_bytes = request.limits.output_bytes + 1;   // all of it is wanted
  ASSAY_ASSIGN(RunResult result, executor.run(request, *workspace));
  ASSAY_ASSIGN(const ReportParser* parser, find_report_parser(command.format));
  ASSAY_ASSIGN(const auto bytes, report_of(command, result, *workspace, place));
  TestReport report = bytes ? parser->parse(*bytes) : no_report("the runner left no report");
  TestRun run = TestRun::of(result, std::move(report), canary.passes, canary.fails);
  return CommandRun{std::move(run), std::move(result)};
}

}  // namespace

Json pinned_of_runs() {
  return {{"environment", pins()}, {"network", "none"},
          {"clock", "the machine's: Linux has no namespace for the time of day, and a library that stands before the C library's reaches neither Go's nor other static programs"}};
}

Result<std::unique_ptr<Workspace>> open_tree(Executor& executor, const TestPlan& plan) {
  return executor.workspace({.layers = plan.layers, .limits = plan.limits});
}

Result<PatchFit> patch_tree(Executor& executor, Workspace& workspace, std::string_view patch, const RunLimits& limits, PatchDirection direction) {
  if (patch.empty()) return PatchFit{};
  RunRequest request = request_in_tree({"git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"}, limits, "");
  if (direction == PatchDirection::kBack) request.argv.push_back("--reverse");
  request.input = patch;
  ASSAY_ASSIGN(const RunResult result, executor.run(request, workspace));
  return PatchFit{result.succeeded(), result.succeeded() ? "" : result.err.text()};
}

Result<TestRoundResult> run_tests(Executor& executor, Workspace& workspace, const TestPlan& plan, const TestRound& round) {
  TestRoundResult out;
  if (!plan.build.empty()) {
    ASSAY_ASSIGN(RunResult result, executor.run(request_in_tree(plan.build, plan.limits, round.log.empty() ? "" : round.log + ".build"), workspace));
    out.wall_us += result.wall_us;
    out.built = result.succeeded();
    for (size_t i = 0; !out.built && i < plan.commands.size(); ++i) out.runs.push_back(TestRun::of(result, no_report("the build failed"), "", ""));
    out.details.push_back(std::move(result));
  }
  for (size_t i = 0; out.built && i < plan.commands.size(); ++i) {
    ASSAY_ASSIGN(CommandRun done, run_command(executor, workspace, plan, i, round));
    out.wall_us += done.result.wall_us;
    out.runs.push_back(std::move(done.run));
    out.details.push_back(std::move(done.result));
  }
  return out;
}

Result<std::vector<std::string>> test_paths(const TestPlan& plan) {
  ASSAY_ASSIGN(const auto files, parse_patch(plan.tests, "the test patch"));
  std::set<std::string> out;
  for (const FilePatch& file : files)
    for (const std::string& path : {file.old_path, file.new_path})
      if (!path.empty()) out.insert(path);
  return std::vector<std::string>(out.begin(), out.end());
}

Result<PatchJudgement> judge_patch(Executor& executor, const TestPlan& plan, std::string_view patch, const TestRound& round) {
  PatchJudgement out;
  const auto refuse = [&](const std::string& why) {
    out.verdict = {.reward = 0, .passed = false, .checks = {{"patch", false, why.substr(0, 1000)}}, .verifier = kTestVerifierName};
    return out;
  };
  ASSAY_ASSIGN(const auto tests, test_paths(plan));
  auto files = parse_patch(patch, "the patch");
  if (!files.ok()) return refuse(files.error().text());
  std::erase_if(*files, [&](const FilePatch& file) {
    return std::binary_search(tests.begin(), tests.end(), file.old_path) || std::binary_search(tests.begin(), tests.end(), file.new_path);
  });
  ASSAY_ASSIGN(const std::unique_ptr<Workspace> workspace, open_tree(executor, plan));
  ASSAY_ASSIGN(const PatchFit fit, patch_tree(executor, *workspace, patch_text(*files), plan.limits));
  if (!fit.fits) return refuse(fit.why);
  ASSAY_ASSIGN(const PatchFit own, patch_tree(executor, *workspace, plan.tests, plan.limits));
  if (!own.fits) return refuse("the tests do not fit on the patched tree: " + own.why);
  ASSAY_ASSIGN(out.round, run_tests(executor, *workspace, plan, round));
  out.verdict = judge_tests(plan, out.round.runs);
  return out;
}

}  // namespace assay
