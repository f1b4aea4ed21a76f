#include "synth/build/repair_task.h"

#include <stdlib.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "synth/mine/patch.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
constexpr size_t kViewBytes = 2 << 20;   // of one file that a recipe reads
constexpr const char* kBaseMessage = "The tree as it was when the issue was open\n";

// A directory of the host, gone with its owner.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> make() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "assay-tree-XXXXXX").string();
    if (!mkdtemp(name.data())) return make_error(Boundary::kSandbox, "a temporary folder cannot be made", name, "room there, or another folder: TMPDIR");
    return TemporaryDirectory(std::move(name));
  }
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ~TemporaryDirectory() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

int64_t unix_seconds(const std::string& iso8601) {
  std::tm time{};
  return strptime(iso8601.c_str(), "%Y-%m-%dT%H:%M:%S", &time) ? timegm(&time) : 0;
}

ToolSpec tool(const char* name, const char* description, const char* kind, Json parameters, ToolEffect effect, Json body) {
  return {name, description, kind, std::move(parameters), effect, std::move(body), {}};
}

Json object_schema(const std::vector<std::pair<const char*, std::pair<const char*, const char*>>>& properties, const std::vector<const char*>& needed) {
  Json out = {{"type", "object"}, {"properties", Json::object()}, {"required", needed}, {"additionalProperties", false}};
  for (const auto& [name, about] : properties) out["properties"][name] = {{"type", about.first}, {"description", about.second}};
  return out;
}

std::string prompt_of(const Candidate& candidate) {
  return "The directory " + std::string(kTestDirectory) + " holds the source of " + candidate.repository +
         " as it was when the following issue was open. Change the source so that the issue is resolved. Tests that you do not see will judge the result; tests that you change or "
         "add do not count. There is no network. When you are done, call submit.\n\n" + candidate.statement + "\n";
}

// What makes the task again, without the patches, which stand in it already.
Json origin_of(const Candidate& candidate) {
  Json issues = Json::array();
  for (const Issue& issue : candidate.issues) issues.push_back({{"number", issue.number}, {"url", issue.url}, {"created", issue.created}});
  return {{"candidate", candidate.id}, {"repository", candidate.repository}, {"source", candidate.source}, {"pull", candidate.pull}, {"base", candidate.base}, {"head", candidate.head},
          {"merged", candidate.merged}, {"issues", issues}, {"statement_from", candidate.statement_from}, {"licence", candidate.licence}, {"language", candidate.language},
          {"statement", candidate.statement}};
}

class Making {
 public:
  Making(Executor& executor, Builder& builder, const GitRepository& repository, const Candidate& candidate, const RepairOptions& options)
      : executor_(executor), builder_(builder), repository_(repository), candidate_(candidate), options_(options) {}

  Result<Possible<RepairTask>> run() {
    const auto view = tree_view(repository_, candidate_.base);
    if (!view.ok()) return reject("tree:" + git_reason(view.error()), view.error().text());
    auto tree = base_layer();
    if (!tree.ok() && tree.error().boundary == Boundary::kSandbox) return tree.error();
    if (!tree.ok()) return reject("tree:" + git_reason(tree.error()), tree.error().text());
    out_.tree_bytes = tree->bytes;

    std::optional<Proposal> proposal;
    Possible<RepairTask> made = Rejection{"no_recipe", "nothing in the tree says how tests of a project in " + candidate_.language + " are run"};
    for (const std::string& date : package_dates()) {
      auto dated = propose_recipe(view.value(), candidate_.language, date);
      if (!dated) break;
      if (proposal && to_json(dated->recipe).at("stages") == to_json(proposal->recipe).at("stages")) continue;
      proposal = std::move(dated);
      ASSAY_ASSIGN(made, attempt(view.value(), *tree, *proposal));
      if (made.value || made.rejection.reason != "dependencies_failed") break;
    }
    for (size_t i = 0; !made.value && proposal && options_.recipes && is_of_recipe(made.rejection.reason); ++i) {
      ASSAY_ASSIGN(auto other, options_.recipes->after({candidate_, view.value(), proposal->recipe, made.rejection}, i));
      if (!other) break;
      proposal->recipe = std::move(*other);
      ASSAY_ASSIGN(made, attempt(view.value(), *tree, *proposal));
      if (made.value) made.value->found = true;
    }
    return made;
  }

 private:
  static Result<Possible<RepairTask>> reject(std::string reason, std::string detail) { return Possible<RepairTask>(Rejection{std::move(reason), std::move(detail)}); }

  // As of when packages are taken; the recipe keeps which. Tasks of one month share a layer, of its first day, unless one asks for something
  // newer; a registry that does not know when packages came out has none of any day.
  std::vector<std::string> package_dates() const {
    if (candidate_.merged.size() < 7) return {""};
    return {candidate_.merged.substr(0, 7) + "-01T00:00:00Z", candidate_.merged, ""};
  }

  Result<Possible<RepairTask>> attempt(const TreeView& view, const BuiltLayer& tree, const Proposal& proposal) {
    request_ = {};
    const auto plan = plan_tests(view, proposal);
    if (!plan.ok()) return reject("patch_malformed", plan.error().text());
    if (!has_tests(proposal)) return reject("no_tests", "the test patch changes no file that the runner takes");
    ASSAY_ASSIGN(auto built, builder_.build(*proposal.ecosystem, proposal.recipe, view, tree));
    if (!built.value) return Possible<RepairTask>(std::move(built.rejection));
    out_.built = std::move(*built.value);
    out_.recipe = proposal.recipe;
    request_.plan.layers = out_.built.identities();
    ASSAY_ASSIGN(auto accepted, accept(executor_, request_));
    if (!accepted.value) return Possible<RepairTask>(std::move(accepted.rejection));
    out_.acceptance = std::move(*accepted.value);
    ASSAY_TRY(finish(view));
    return Possible<RepairTask>(std::move(out_));
  }

  Result<BuiltLayer> base_layer() {
    ASSAY_ASSIGN(const TemporaryDirectory directory, TemporaryDirectory::make());
    ASSAY_ASSIGN(const WrittenTree written, repository_.write_repository(candidate_.base, directory.path() + "/repo", kBaseMessage, unix_seconds(candidate_.merged)));
    ASSAY_ASSIGN(std::string identity, executor_.add_layer(directory.path() + "/repo", "work/repo"));
    return BuiltLayer{"tree", std::move(identity), written.bytes, false};
  }

  Status plan_tests(const TreeView& view, const Proposal& proposal) {
    ASSAY_ASSIGN(const auto files, parse_patch(candidate_.tests, "the test patch"));
    std::vector<std::string> after, changed;
    for (const FilePatch& file : files) {
      if (!file.is_deleted()) after.push_back(file.new_path);
      changed.push_back(file.is_deleted() ? file.old_path : file.new_path);
    }
    const std::vector<std::string> reached = reached_tests(view, *proposal.ecosystem, changed);
    after.insert(after.end(), reached.begin(), reached.end());
    request_.plan.build = proposal.recipe.build;
    request_.plan.tests = candidate_.tests;
    request_.plan.limits = options_.limits;
    request_.gold = candidate_.gold;
    request_.rounds = options_.rounds;
    for (TestCommand command : proposal.recipe.commands) {
      for (auto& [commands, given] : {std::pair(&request_.plan.commands, after), std::pair(&request_.base_commands, existing(view, after))}) {
        TestFiles tests = proposal.ecosystem->tests_of(given);
        command.files = std::move(tests.arguments);
        command.beside = std::move(tests.beside);
        commands->push_back(command);
      }
    }
    return {};
  }

  static std::vector<std::string> existing(const TreeView& view, const std::vector<std::string>& files) {
    std::vector<std::string> out;
    for (const std::string& file : files)
      if (view.has(file)) out.push_back(file);
    return out;
  }

  // Runners that take files must be given some.
  bool has_tests(const Proposal& proposal) const {
    for (const TestCommand& command : request_.plan.commands) {
      const auto& argv = command.argv;
      if (command.files.empty() && std::find(argv.begin(), argv.end(), "{tests}") != argv.end()) return false;
    }
    return !proposal.recipe.commands.empty();
  }

  Status finish(const TreeView& view) {
    Environment environment;
    environment.domain = candidate_.repository;
    environment.tools = repair_tools();
    ASSAY_ASSIGN(out_.environment, finish_environment(std::move(environment)));

    TestPlan& plan = request_.plan;
    if (!out_.acceptance.shuffled)
      for (TestCommand& command : plan.commands) command = in_own_order(std::move(command));
    plan.fail_to_pass = out_.acceptance.fail_to_pass;
    plan.pass_to_pass = out_.acceptance.pass_to_pass;
    plan.ignored = out_.acceptance.flaky;
    Task& task = out_.task;
    task.environment = out_.environment->id;
    task.archetype = kRepairArchetype;
    task.system = "You are a programmer who works on a repository through tools.";
    task.prompt = prompt_of(candidate_);
    task.constraints = Json::array();
    task.tests = to_json(plan);
    task.gold = candidate_.gold;
    task.provenance.kind = "mined";
    task.provenance.domain = candidate_.repository;
    task.provenance.origin = origin_of(candidate_);
    seal_task(task);
    const std::unique_ptr<Workspace> gold = std::move(out_.acceptance.gold);
    ASSAY_ASSIGN(out_.proof, prove_patch_tests(executor_, plan, view, candidate_.gold, {.gold = gold.get(), .mutants = options_.mutants}));
    ASSAY_TRY(search_leaks());
    certify();
    return {};
  }

  // In the tree and its repository, and in every layer above it: installed packages and their caches.
  Status search_leaks() {
    ASSAY_ASSIGN(const TemporaryDirectory directory, TemporaryDirectory::make());
    const std::string base = directory.path() + "/repo";
    ASSAY_TRY(repository_.write_repository(candidate_.base, base, kBaseMessage, unix_seconds(candidate_.merged)));
    ASSAY_ASSIGN(const LeakProbe probe, LeakProbe::make(candidate_.gold, base, "the gold patch"));
    ASSAY_ASSIGN(out_.leaks, find_leaks(probe, base));
    const std::vector<std::string> layers = out_.built.identities();
    for (size_t i = 1; i < layers.size(); ++i) {
      if (options_.layers.empty()) {
        ++out_.leaks.unsearched_count;
        out_.leaks.unsearched.push_back("layer " + layers[i]);
        continue;
      }
      ASSAY_ASSIGN(const LeakSearch found, find_leaks(probe, options_.layers + "/" + layers[i]));
      out_.leaks.add(found);
    }
    return {};
  }

  void certify() {
    Certificate& c = out_.certificate;
    c.task = out_.task.id;
    c.versions = "assay; archetype repair " + std::to_string(kRepairVersion) + "; recipe " + out_.recipe.ecosystem;
    c.gold_passes = true;
    c.trivial_fail = true;
    for (const auto& runs : out_.acceptance.states[2].rounds) c.gold_passes = c.gold_passes && judge_tests(request_.plan, runs).passed;
    for (const auto& runs : out_.acceptance.states[1].rounds) c.trivial_fail = c.trivial_fail && !judge_tests(request_.plan, runs).passed;
    if (!c.gold_passes) c.problems.push_back("the change itself does not pass its own tests");
    if (!c.trivial_fail) c.problems.push_back("the tree without the change passes");
    if (!out_.proof.sound()) c.problems.push_back("its tests accept a cheat");
    c.no_leak = out_.leaks.leak_count == 0;
    if (!c.no_leak) c.problems.push_back("the change can be found in its environment");
    c.acceptance = to_json(out_.acceptance);
    c.acceptance["pinned"] = pinned_of_runs();
    c.acceptance["proof"] = to_json(out_.proof);
    c.acceptance["leaks"] = to_json(out_.leaks);
    c.acceptance["recipe"] = to_json(out_.recipe);
    c.sound = c.problems.empty();
    seal_certificate(c);
  }

  Executor& executor_;
  Builder& builder_;
  const GitRepository& repository_;
  const Candidate& candidate_;
  const RepairOptions& options_;
  AcceptanceRequest request_;
  RepairTask out_;
};

}  // namespace

std::vector<ToolSpec> repair_tools() {
  return {tool("bash", "Runs commands with bash in the repository. Each call is a shell of its own: files last, variables and processes do not.", "bash",
               object_schema({{"command", {"string", "What to run"}}}, {"command"}), ToolEffect::kWrite, {{"parameter", "command"}}),
          tool("read_file", "Shows lines of a text file, with their numbers.", "read_file",
               object_schema({{"path", {"string", "From the repository's root"}}, {"first_line", {"integer", "From 1"}}, {"lines", {"integer", "How many at most"}}}, {"path"}), ToolEffect::kRead, Json::object()),
          tool("edit_file", "Replaces one piece of a text file, or writes a new file.", "edit_file",
               object_schema({{"path", {"string", "From the repository's root"}}, {"old", {"string", "What stands in the file exactly once; empty for a new file"}}, {"new", {"string", "What is to stand there"}}},
                             {"path", "old", "new"}), ToolEffect::kWrite, Json::object()),
          tool("search_files", "Finds lines that match an extended regular expression.", "search_files",
               object_schema({{"pattern", {"string", "What to look for"}}, {"path", {"string", "A file or directory; default: everywhere"}}}, {"pattern"}), ToolEffect::kRead, Json::object()),
          tool("submit", "Ends the work: the repository as it is now is judged.", "submit",
               object_schema({{"summary", {"string", "What was changed, and why"}}}, {"summary"}), ToolEffect::kSubmit, {{"parameter", "summary"}})};
}

Conversation repair_gold(const Task& task) {
  const std::string file = ".gold.patch";
  const std::vector<std::pair<const char*, Json>> calls = {{"edit_file", {{"path", file}, {"old", ""}, {"new", task.gold}}},
                                                           {"bash", {{"command", "git -c core.autocrlf=false apply --whitespace=nowarn " + file + " && rm " + file}}},
                                                           {"submit", {{"summary", "The gold patch."}}}};
  Conversation out;
  for (const auto& [name, arguments] : calls) out.push_back({Role::kAssistant, "", "", {{"gold" + std::to_string(out.size()), name, canonical_json(arguments)}}, ""});
  return out;
}

Result<TreeView> tree_view(const GitRepository& repository, const std::string& commit) {
  ASSAY_ASSIGN(const auto entries, repository.list(commit));
  TreeView out;
  for (const TreeEntry& entry : entries)
    if (entry.mode == 0100644 || entry.mode == 0100755) out.paths.push_back(entry.path);
  std::sort(out.paths.begin(), out.paths.end());
  out.read = [&repository, commit](const std::string& path) -> std::optional<std::string> {
    auto bytes = repository.read(commit, path, kViewBytes);
    return bytes.ok() ? std::move(bytes.value()) : std::nullopt;
  };
  return out;
}

Result<Possible<RepairTask>> make_repair_task(Executor& executor, Builder& builder, const GitRepository& repository, const Candidate& candidate, const RepairOptions& options) {
  return Making(executor, builder, repository, candidate, options).run();
}

}  // namespace assay
