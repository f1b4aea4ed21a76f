// What recipes are told from trees, without running any.
#include <catch2/catch.hpp>

#include <algorithm>

#include "synth/build/recipe.h"

namespace assay {
namespace {

TreeView tree_of(std::map<std::string, std::string> files) {
  TreeView out;
  for (const auto& [path, text] : files) out.paths.push_back(path);
  out.read = [files = std::move(files)](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
  return out;
}

Recipe recipe_of(const std::string& language, std::map<std::string, std::string> files) {
  auto proposal = propose_recipe(tree_of(std::move(files)), language, "2024-05-02T12:00:00Z");
  REQUIRE(proposal);
  // What a recipe is survives being written down.
  CHECK(to_json(recipe_from_json(to_json(proposal->recipe), "recipe").value()) == to_json(proposal->recipe));
  return proposal->recipe;
}

std::string text_of(const std::vector<std::string>& argv) {
  std::string out;
  for (const std::string& each : argv) out += (out.empty() ? "" : " ") + each;
  return out;
}

std::string steps_of(const Recipe& recipe, const std::string& stage) {
  std::string out;
  for (const RecipeStage& each : recipe.stages)
    if (each.name == stage)
      for (const RecipeStep& step : each.steps) out += text_of(step.argv) + "\n";
  return out;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("a Python project's requirements come from where it declares them") {
  const std::string tests = "import hypothesis\n\ndef test_x(mocker): pass\n";
  const Recipe modern = recipe_of("python", {{"tests/test_x.py", tests},
                                             {"pyproject.toml", "[build-system]\nrequires = [\"hatchling\"]\n[project]\nname = \"x\"\n[project.optional-dependencies]\ntests = [\"a\"]\ndocs = [\"b\"]\n[dependency-groups]\ndev = [\"c\"]\n"}});
  const std::string steps = steps_of(modern, "dependencies");
  for (const char* part : {"-r pyproject.toml", "--extra tests", "--group dev", "--exclude-newer 2024-05-02T12:00:00Z", "hatchling", " hypothesis", " pytest-mock"}) {
    INFO(part);
    CHECK(has(steps, part));
  }
  CHECK_FALSE(has(steps, "docs"));
  CHECK(modern.prepare.size() == 1);
  CHECK_FALSE(modern.prepare[0].network);
  CHECK(modern.stages[1].inputs == std::vector<std::string>{"pyproject.toml"});

  const std::string older = steps_of(recipe_of("python", {{"test_x.py", ""}, {"setup.py", "setup(extras_require={'test': ['a']})"}, {"requirements/dev.txt", "b"}, {"tox.ini", "[testenv]\ndeps =\n  c\n"}}), "dependencies");
  CHECK(has(older, "-r setup.py --extra test"));
  CHECK(has(older, "-r requirements/dev.txt"));
  const std::string tox = steps_of(recipe_of("python", {{"test_x.py", ""}, {"setup.py", "setup()"}, {"tox.ini", "[testenv]\ndeps =\n    pytest-cov>=2\n    py39: dropped\n    {[base]deps}\ncommands = pytest\n"}}), "dependencies");
  CHECK(has(tox, " pytest-cov>=2"));
  CHECK_FALSE(has(tox, "dropped"));
  CHECK_FALSE(has(tox, "commands"));

  // With nothing to install there is nothing to reach.
  for (const RecipeStage& stage : recipe_of("python", {{"a.py", ""}, {"tests/test_a.py", tests}}).stages)
    for (const RecipeStep& step : stage.steps) CHECK_FALSE(step.network);
  CHECK_FALSE(propose_recipe(tree_of({{"a.py", ""}}), "python", ""));
}

TEST_CASE("a Node project is installed by the tool that wrote its lock file, and tested by its own runner") {
  const std::string jest = R"({"devDependencies":{"jest":"1"}})";
  CHECK(has(steps_of(recipe_of("javascript", {{"package.json", jest}, {"package-lock.json", ""}}), "dependencies"), "npm ci"));
  CHECK(has(steps_of(recipe_of("javascript", {{"package.json", jest}, {"yarn.lock", ""}}), "dependencies"), "yarn@1.22.22 install --frozen-lockfile"));
  CHECK(has(steps_of(recipe_of("typescript", {{"package.json", jest}, {"pnpm-lock.yaml", ""}}), "dependencies"), "pnpm@8.15.9 install --frozen-lockfile"));
  CHECK(has(steps_of(recipe_of("javascript", {{"package.json", jest}}), "dependencies"), "--before=2024-05-02T12:00:00Z"));
  for (const auto& [package, canary] : {std::pair(jest, "jest"), std::pair(std::string(R"({"devDependencies":{"vitest":"1"}})"), "vitest"),
                                        std::pair(std::string(R"({"devDependencies":{"mocha":"1"},"scripts":{"test":"mocha --require ./setup.js test"}})"), "mocha"),
                                        std::pair(std::string(R"({"scripts":{"test":"node --test"}})"), "node_test"), std::pair(std::string(R"({"devDependencies":{"tape":"1"}})"), "tape")})
    CHECK(recipe_of("javascript", {{"package.json", package}}).commands[0].canary == canary);
  CHECK(has(text_of(recipe_of("javascript", {{"package.json", R"({"devDependencies":{"mocha":"1"},"scripts":{"test":"mocha --require ./setup.js test"}})"}}).commands[0].argv), "--require ./setup.js"));
  CHECK(recipe_of("javascript", {{"package.json", R"({"scripts":{"test":"node --test"}})"}}).stages.empty());
  CHECK_FALSE(propose_recipe(tree_of({{"package.json", "{"}}), "javascript", ""));
}

TEST_CASE("each build system is told from its own files") {
  for (const auto& [language, files, ecosystem] : std::vector<std::tuple<std::string, std::map<std::string, std::string>, std::string>>{
           {"cpp", {{"CMakeLists.txt", "option(X_TESTS \"\" OFF)\nenable_testing()"}}, "cmake"}, {"cpp", {{"meson.build", "test('a', exe)"}, {"Makefile", "test:\n\tmeson test"}}, "meson"},
           {"c", {{"Makefile", "CC := cc\ntest: all\n\t./t\n"}}, "make_tool"}, {"c", {{"configure.ac", ""}, {"t/Makefile.am", "check_PROGRAMS = a\nTESTS = a\n"}}, "make_tool"},
           {"java", {{"pom.xml", ""}}, "maven"}, {"java", {{"build.gradle.kts", ""}}, "gradle"}, {"go", {{"go.mod", "module x\n"}}, "go"},
           {"rust", {{"Cargo.toml", "[package]"}}, "rust"}, {"php", {{"composer.json", "{}"}}, "php"}}) {
    INFO(ecosystem);
    const Recipe recipe = recipe_of(language, files);
    CHECK(recipe.ecosystem == ecosystem);
    CHECK_FALSE(recipe.programs.empty());
    for (const TestCommand& command : recipe.commands) CHECK((command.report == "output" || has(text_of(command.argv), "{report}")));
  }
  CHECK_FALSE(propose_recipe(tree_of({{"Makefile", "all: x\ntesting := 1\ntest := 2\n"}}), "c", ""));
  const Recipe autotools = recipe_of("c", {{"configure.ac", ""}, {"configure", ""}, {"Makefile.am", ""}, {"t/Makefile.am", "TESTS = a\n"}});
  CHECK(autotools.commands[0].argv.back() == "/work/build/t");
  CHECK(autotools.prepare[0].argv[0] == "sh");
  CHECK(has(text_of(recipe_of("cpp", {{"CMakeLists.txt", "option(X_TESTS \"\" OFF)\noption(X_FUZZ_TEST \"\" OFF)\nenable_testing()"}}).prepare[0].argv), "-DX_TESTS=ON"));
  CHECK(recipe_of("rust", {{"Cargo.toml", "[dependencies]\nserde = \"1\""}, {"Cargo.lock", "source = \"registry\""}}).stages.at(0).inputs == std::vector<std::string>{"Cargo.lock", "Cargo.toml"});
  CHECK_FALSE(propose_recipe(tree_of({{"CMakeLists.txt", "add_library(x x.cc)"}}), "cpp", ""));
  CHECK_FALSE(propose_recipe(tree_of({{"go.mod", "module x\n"}}), "fortran", ""));
  const Recipe go = recipe_of("go", {{"go.mod", "module x\nrequire example.org/y v1\n"}});
  CHECK(go.stages.at(0).steps.at(0).environment.at("GO111MODULE") == "off");
  CHECK(go.stages.at(1).steps.at(0).network);
}

TEST_CASE("a change of fixtures runs the tests that name them, or all") {
  const TreeView tree = tree_of({{"package.json", R"({"scripts":{"test":"node --test"}})"}, {"lib/a.js", "range-in"}, {"test/a.js", "require('./fixtures/range-in.js')"},
                                 {"test/b.js", ""}, {"test/fixtures/range-in.js", ""}, {"test/fixtures/other.json", ""}});
  const Ecosystem& node = *propose_recipe(tree, "javascript", "")->ecosystem;
  using Paths = std::vector<std::string>;
  CHECK(reached_tests(tree, node, {"test/fixtures/range-in.js"}) == Paths{"test/a.js"});
  CHECK(reached_tests(tree, node, {"test/fixtures/other.json"}) == Paths{"test/a.js", "test/b.js"});
  CHECK(reached_tests(tree, node, {"test/fixtures/range-in.js", "test/a.js"}).empty());
  CHECK(reached_tests(tree, node, {"test/b.js"}).empty());
}

TEST_CASE("a recipe that is not one is refused with its place") {
  const Recipe good = recipe_of("rust", {{"Cargo.toml", "[dependencies]\n"}});
  Json json = to_json(good);
  json["stages"][0]["steps"][0]["argv"] = Json::array();
  CHECK(has(recipe_from_json(json, "r.json").error().text(), "$.stages[0].steps[0].argv"));
  json = to_json(good);
  json["more"] = 1;
  CHECK_FALSE(recipe_from_json(json, "r.json").ok());
}

}  // namespace
}  // namespace assay
