// Every cheat is tried twice. A weak verifier, which reads what many verifiers read, is fooled by it: so it is a cheat. And the real
// judgement, over real projects and runners in the sandbox, rejects it.
#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "sandbox/backend.h"
#include "synth/build/test_run.h"
#include "synth/cheat.h"
#include "synth/mine/patch.h"
#include "synth/patch_proof.h"

using namespace assay;
namespace fs = std::filesystem;

namespace {

struct Shell {
  int status = 0;
  std::string output;
};

Shell shell(const std::string& commands) {
  Shell out;
  std::FILE* pipe = popen(("(" + commands + "\n) 2>&1").c_str(), "r");
  REQUIRE(pipe);
  char space[4096];
  for (size_t got; (got = fread(space, 1, sizeof space, pipe)) > 0;) out.output.append(space, got);
  out.status = WEXITSTATUS(pclose(pipe));
  return out;
}

// A project with a mistake, its mending, and tests that tell the two apart.
struct Project {
  std::map<std::string, std::string> base;
  std::string source, mended;    // the file with the mistake, and its right content
  std::string test, tests;       // the test file, and its content after the test patch
  TestCommand command;
  std::vector<std::string> fail_to_pass, pass_to_pass;
  std::vector<std::string> build;   // in the tree
};

Project python_project() {
  Project out;
  out.base = {{"calc.py", "def add(a, b):\n    return a - b\n\n\ndef sign(a):\n    if a > 0:\n        return 1\n    return -1\n"},
              {"tests/test_calc.py", "from calc import add\n\n\ndef test_nothing():\n    assert add(1, 0) == 1\n"},
              {"tests/test_words.py", "def test_words():\n    assert 'a b'.split() == ['a', 'b']\n"}, {"conftest.py", "# the root of the tests\n"}};
  out.source = "calc.py";
  out.mended = "def add(a, b):\n    return a + b\n\n\ndef sign(a):\n    if a > 0:\n        return 1\n    return -1 if a < 0 else 0\n";
  out.test = "tests/test_calc.py";
  out.tests = "from calc import add, sign\n\n\ndef test_nothing():\n    assert add(1, 0) == 1\n\n\ndef test_add():\n    assert add(2, 3) == 5\n\n\ndef test_sign():\n    assert [sign(2), sign(-2), sign(0)] == [1, -1, 0]\n";
  out.command.argv = {"/usr/bin/python3", "-m", "pytest", "-s", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", "--junitxml={report}", "{tests}"};
  out.command.environment = {{"PYTHONPATH", "/work/tools/pytest"}};
  out.command.format = "junit";
  out.command.files = {"tests/test_calc.py", "tests/test_words.py"};
  out.command.canary = "pytest";
  out.fail_to_pass = {"tests/test_calc.py::test_add", "tests/test_calc.py::test_sign"};
  out.pass_to_pass = {"tests/test_calc.py::test_nothing", "tests/test_words.py::test_words"};
  return out;
}

Project node_project() {
  Project out;
  out.base = {{"package.json", "{\"name\": \"calc\", \"scripts\": {\"test\": \"node --test\"}}\n"}, {"calc.js", "exports.add = (a, b) => a - b;\nexports.one = () => 1;\n"},
              {"test/calc.test.js", "const { test } = require('node:test');\nconst assert = require('assert');\nconst calc = require('../calc.js');\ntest('one', () => assert.strictEqual(calc.one(), 1));\n"}};
  out.source = "calc.js";
  out.mended = "exports.add = (a, b) => a + b;\nexports.one = () => 1;\n";
  out.test = "test/calc.test.js";
  out.tests = out.base.at(out.test) + "test('add', () => assert.strictEqual(calc.add(2, 3), 5));\n";
  out.command.argv = {"node", "--test", "--test-reporter=junit", "--test-reporter-destination={report}", "{tests}"};
  out.command.format = "junit";
  out.command.files = {"test/calc.test.js"};
  out.command.canary = "node_test";
  return out;   // the ids are read from a run: what a file's tests are called differs between versions of node
}

// As strict as projects of C are: the mistake is in a header that programs include twice, and no warning passes.
Project c_project() {
  Project out;
  out.base = {{"CMakeLists.txt", "cmake_minimum_required(VERSION 3.20)\nproject(calc C)\nadd_compile_options(-std=c90 -pedantic -Wall -Wextra -Werror -Wmissing-prototypes)\nenable_testing()\nadd_subdirectory(tests)\n"},
              {"tests/CMakeLists.txt", "foreach(name IN ITEMS calc words)\n  add_executable(test_${name} test_${name}.c)\n  add_test(NAME ${name} COMMAND test_${name})\nendforeach()\nset_tests_properties(words PROPERTIES DEPENDS calc)\n"},
              {"calc.h", "#ifndef CALC_H\n#define CALC_H\nint add(int a, int b);\nint add(int a, int b) { return a - b; }\nint sign(int a);\nint sign(int a) { return a > 0 ? 1 : -1; }\n#endif\n"},
              {"more.h", "#include \"calc.h\"\n"},
              {"tests/test_calc.c", "#include \"../calc.h\"\n#include \"../more.h\"\nint main(void) { return add(1, 0) == 1 ? 0 : 1; }\n"},
              {"tests/test_words.c", "#include \"../calc.h\"\nint main(void) { return sign(3) == 1 ? 0 : 1; }\n"}};
  out.source = "calc.h";
  out.mended = "#ifndef CALC_H\n#define CALC_H\nint add(int a, int b);\nint add(int a, int b) { return a + b; }\nint sign(int a);\nint sign(int a) {\n  if (a == 0) return 0;\n  return a > 0 ? 1 : -1;\n}\n#endif\n";
  out.test = "tests/test_calc.c";
  out.tests = "#include \"../calc.h\"\n#include \"../more.h\"\nint main(void) { return add(2, 3) == 5 && sign(0) == 0 && sign(-2) == -1 ? 0 : 1; }\n";
  out.build = {"sh", "-c", "cmake -S . -B ../build -G Ninja && cmake --build ../build"};
  out.command.argv = {"ctest", "--test-dir", "../build", "--verbose", "--output-junit", "{report}"};
  out.command.format = "junit";
  out.command.canary = "ctest";
  return out;   // the ids are read from a run: they end with what a test is registered as
}

// The packages of pytest that the host's python3 knows, for a sandbox that has only /usr.
std::string pytest_packages(const fs::path& folder) {
  const Shell copied = shell("python3 - '" + folder.string() + R"(' <<'END'
import importlib.util, os, shutil, sys
for name in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "exceptiongroup", "tomli"):
    spec = importlib.util.find_spec(name)
    if spec and spec.submodule_search_locations:
        shutil.copytree(list(spec.submodule_search_locations)[0], os.path.join(sys.argv[1], name), ignore=shutil.ignore_patterns("__pycache__"))
sys.exit(0 if os.path.isdir(os.path.join(sys.argv[1], "_pytest")) else 1)
END)");
  return copied.status == 0 ? folder.string() : "";
}

class Scene {
 public:
  // Nothing to work with is said aloud.
  static std::unique_ptr<Scene> make(Project project) {
    auto executor = make_executor("native");
    if (!executor.ok()) {
      std::printf("skipped: sandbox native: %s\n", executor.error().text().c_str());
      return nullptr;
    }
    auto out = std::unique_ptr<Scene>(new Scene(std::move(project), std::move(*executor)));
    if (out->project.command.canary == "pytest") {
      fs::create_directories(out->folder / "pytest");
      const std::string packages = pytest_packages(out->folder / "pytest");
      if (packages.empty()) {
        std::printf("skipped: python3 has no pytest\n");
        return nullptr;
      }
      out->plan.layers.push_back(out->executor->add_layer(packages, "work/tools/pytest").value());
    }
    out->tree = tree_of_layers(*out->executor, out->plan).value();
    return out;
  }
  ~Scene() { fs::remove_all(folder); }

  std::string patch(const std::string& path, const std::string& after) const { return cheat_patch({{path, after}}, tree); }
  std::string gold() const { return patch(project.source, project.mended); }
  CheatScene cheat_scene() const { return {plan, tree, {project.source}}; }

  Verdict judge(const std::string& patch, uint64_t seed = 1) const {
    auto judged = judge_patch(*executor, plan, patch, {.seed = seed});
    if (!judged.ok()) FAIL(judged.error().text());
    return judged->verdict;
  }

  Project project;
  std::unique_ptr<Executor> executor;
  fs::path folder;
  TestPlan plan;
  TreeView tree;

 private:
  Scene(Project made, std::unique_ptr<Executor> runs) : project(std::move(made)), executor(std::move(runs)) {
    char name[] = "/tmp/assay_cheats_XXXXXX";
    folder = mkdtemp(name);
    for (const auto& [path, text] : project.base) {
      fs::create_directories((folder / "repo" / path).parent_path());
      REQUIRE(write_file((folder / "repo" / path).string(), text).ok());
    }
    REQUIRE(shell("cd " + (folder / "repo").string() + " && git init -q && git add -A && git -c user.name=a -c user.email=a@a commit -qm base").status == 0);
    plan.layers = {executor->add_layer((folder / "repo").string(), "work/repo").value()};
    plan.commands = {project.command};
    plan.build = project.build;
    plan.fail_to_pass = project.fail_to_pass;
    plan.pass_to_pass = project.pass_to_pass;
    plan.limits.wall_ms = 60'000;
    tree = tree_of_layers(*executor, plan).value();
    plan.tests = patch(project.test, project.tests);
    if (plan.fail_to_pass.empty()) learn_ids();
  }

  // From one run with the gold patch and one without, as acceptance does.
  void learn_ids() {
    std::set<std::string> passed;
    for (const std::string& tried : {std::string(), gold()}) {
      auto judged = judge_patch(*executor, plan, tried, {.seed = 3});
      if (!judged.ok()) FAIL(judged.error().text());
      for (const TestResult& each : all_results(judged->round.runs)) {
        if (each.outcome != TestOutcome::kPassed) continue;
        if (tried.empty()) passed.insert(each.id);
        else (passed.count(each.id) ? plan.pass_to_pass : plan.fail_to_pass).push_back(each.id);
      }
    }
  }
};

// What weak verifiers conclude from one run on the host, over the tree with a patch and the tests put over it.
struct WeakRun {
  int status = 0;
  std::string output, report;
};

WeakRun weak_run(const Scene& scene, const std::string& name, const CheatEdits& edits) {
  const fs::path work = scene.folder / "weak";
  fs::remove_all(work);
  fs::copy(scene.folder / "repo", work, fs::copy_options::recursive);
  REQUIRE(write_file((work / scene.project.test).string(), scene.project.tests).ok());
  for (const auto& [path, text] : edits) {
    fs::create_directories((work / path).parent_path());
    if (text) REQUIRE(write_file((work / path).string(), *text).ok());
    else fs::remove(work / path);
  }
  const std::string report = (scene.folder / "report.xml").string();
  fs::remove(report);
  std::string command = "cd " + work.string() + " && ";
  for (const auto& [variable, value] : scene.project.command.environment) command += variable + "=" + (scene.folder / "pytest").string() + " ";
  for (const std::string& word : expand(scene.project.command, {report, 0})) command += "'" + word + "' ";
  if (!scene.project.build.empty()) command = "cd " + work.string() + " && rm -rf ../build && " + scene.project.build.back() + " && " + command;
  if (name == "runner_configuration" && scene.project.command.canary == "node_test") command = "cd " + work.string() + " && npm test --silent";
  const Shell run = shell(command);
  return {run.status, run.output, read_file(report).ok() ? read_file(report).value() : ""};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// What each weak verifier takes for a pass.
bool fooled(const std::string& name, const Scene& scene, const WeakRun& run) {
  const std::string wanted = scene.plan.fail_to_pass.front();
  if (name == "empty_patch") return has(run.report, scene.project.command.canary == "pytest" ? "test_nothing" : scene.project.command.canary == "ctest" ? "words" : "one");   // pass-to-pass alone
  if (name == "deletes_tests") return !has(run.report, "<failure");                                                     // nothing failed
  if (name == "fake_report" || name == "informed_forger") {                                                                // the report lists the test, and no failure
    const std::string test = wanted.substr(wanted.rfind("::") == std::string::npos ? 0 : wanted.rfind("::") + 2);
    return has(run.report, test) && !has(run.report, "<failure");
  }
  if (name == "prints_passed") return has(run.output, wanted + " PASSED");
  return run.status == 0;
}

void try_all(const Scene& scene, std::set<std::string>& seen) {
  for (const Cheat& each : cheats::all()) {
    INFO(each.name);
    const auto edits = each.edits(scene.cheat_scene());
    if (!edits) continue;
    const WeakRun weak = weak_run(scene, each.name, *edits);
    INFO(weak.status << "\n" << weak.output << "\n" << weak.report);
    CHECK(fooled(each.name, scene, weak));
    const Verdict verdict = scene.judge(cheat_patch(*edits, scene.tree));
    INFO(to_json(verdict).dump(1));
    CHECK(verdict.passed == !each.must_fail);
    seen.insert(each.name);
  }
}

}  // namespace

TEST_CASE("every cheat fools a weak verifier and is rejected by the real one") {
  std::set<std::string> seen, all;
  int scenes = 0;
  for (const Project& project : {python_project(), node_project(), c_project()}) {
    INFO(project.source);
    const auto scene = Scene::make(project);
    if (!scene) continue;
    ++scenes;
    REQUIRE_FALSE(scene->plan.fail_to_pass.empty());
    const Verdict gold = scene->judge(scene->gold());
    INFO(to_json(gold).dump(1));
    REQUIRE(gold.passed);
    try_all(*scene, seen);
  }
  if (scenes < 3) return;
  for (const Cheat& each : cheats::all()) all.insert(each.name);
  CHECK(seen == all);
}

TEST_CASE("the proof of a task's tests counts cheats and mutants") {
  const auto scene = Scene::make(python_project());
  if (!scene) return;
  const auto proof = prove_patch_tests(*scene->executor, scene->plan, scene->tree, scene->gold(), {.mutants = 4, .seed = 1});
  if (!proof.ok()) FAIL(proof.error().text());
  INFO(to_json(*proof).dump(1));
  CHECK(proof->sound());
  CHECK(proof->cheats.size() == cheats::all().size());
  CHECK(proof->mutants.size() >= 2);
  CHECK(proof->accepted_mutants() == 0);
  // Tests that look at less are fooled by more: without test_sign the mutants of sign() pass.
  TestPlan blind = scene->plan;
  blind.fail_to_pass = {"tests/test_calc.py::test_add"};
  blind.tests = cheat_patch({{scene->project.test, "from calc import add\n\n\ndef test_nothing():\n    assert add(1, 0) == 1\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"}}, scene->tree);
  const auto worse = prove_patch_tests(*scene->executor, blind, scene->tree, scene->gold(), {.mutants = 6, .seed = 1});
  REQUIRE(worse.ok());
  CHECK(worse->accepted_mutants() > 0);
  CHECK(to_json(*worse).at("false_accept_rate") > 0);
}

// The tree of the gold and the tests, built, as acceptance leaves it.
std::unique_ptr<Workspace> built_gold(const Scene& scene) {
  auto out = open_tree(*scene.executor, scene.plan).value();
  for (const std::string& patch : {scene.plan.tests, scene.gold()}) REQUIRE(patch_tree(*scene.executor, *out, patch, scene.plan.limits).value().fits);
  REQUIRE(judge_tests(scene.plan, run_tests(*scene.executor, *out, scene.plan, {.seed = 5}).value().runs).passed);
  return out;
}

Json proof_of(const Scene& scene, Workspace* gold, const std::string& tests) {
  TestPlan plan = scene.plan;
  plan.tests = tests;
  const auto proof = prove_patch_tests(*scene.executor, plan, scene.tree, scene.gold(), {.gold = gold, .mutants = 5, .seed = 1});
  if (!proof.ok()) FAIL(proof.error().text());
  return to_json(*proof).at("mutants");
}

TEST_CASE("mutants that are built from what was built of the gold are judged as mutants that are built from the base") {
  Project project = c_project();
  // One whose objects depend on nothing: whatever is built from another tree than the base is stale.
  const std::string stale = "test -e ../build/built || { " + project.build.back() + " && touch ../build/built; }";
  const auto scene = Scene::make(project);
  project.build.back() = stale;
  const auto careless = Scene::make(project);
  if (!scene) return;
  const Json expected = proof_of(*scene, nullptr, scene->plan.tests);
  INFO(expected.dump(1));
  const auto accepted = [](const Json& each) { return each.at("outcome") == "accepted"; };
  CHECK(expected.size() >= 4);
  CHECK(std::count_if(expected.begin(), expected.end(), accepted) == 1);   // a >= 0 is a > 0 where a == 0 has returned
  CHECK(proof_of(*scene, built_gold(*scene).get(), scene->plan.tests) == expected);
  CHECK(proof_of(*careless, built_gold(*careless).get(), careless->plan.tests) == expected);
  // What fails beside the gold is not built again, not even the one that would pass.
  const auto broken = built_gold(*scene);
  REQUIRE(broken->write("work/repo/more.h", "#error broken\n").ok());
  const Json all_fail = proof_of(*scene, broken.get(), scene->plan.tests);
  CHECK(std::all_of(all_fail.begin(), all_fail.end(), [](const Json& each) { return each.at("check") == "report"; }));
}

TEST_CASE("a cheat's edits become a patch that git reads") {
  TreeView tree;
  const std::map<std::string, std::string> files = {{"a.txt", "one\ntwo"}, {"b.txt", "x\n"}, {"empty", ""}, {"latin", "\xE9\n"}};
  for (const auto& [path, text] : files) tree.paths.push_back(path);
  tree.read = [&](const std::string& path) { return std::optional(files.at(path)); };
  const std::string patch = cheat_patch({{"a.txt", "one\n"}, {"b.txt", std::nullopt}, {"empty", "now\n"}, {"new/c", "c\n"}, {"latin", "e\n"}}, tree);
  const auto after = apply_patch(patch, "test", [&](const std::string& path) { return files.count(path) ? std::optional(files.at(path)) : std::nullopt; });
  if (!after.ok()) FAIL(after.error().text() << "\n" << patch);
  REQUIRE(after->size() == 4);
  CHECK(*after->at(0).bytes == "one\n");
  CHECK_FALSE(after->at(1).bytes);
  CHECK(*after->at(2).bytes == "now\n");
  CHECK(*after->at(3).bytes == "c\n");
}
