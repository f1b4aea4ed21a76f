// Python: requirements as pyproject.toml, setup.py, setup.cfg, requirements files and tox.ini declare them, resolved by uv into a
// virtual environment as of the recipe's date, which PyPI's upload times make possible; tests by pytest.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <regex>
#include <set>

#include "synth/build/recipe.h"

namespace assay::ecosystems::python {
namespace {

constexpr size_t kMostTestFiles = 500;    // that are read for what they import
const std::string kUv = std::string(kTools) + "/uv/bin/uv";
const std::string kPython = std::string(kDependencies) + "/venv/bin/python";
const std::string kPlugins = std::string(kTools) + "/pytest";

// pytest has no order of its own: modules, then tests within each, so that what a module sets up is set up once.
constexpr const char* kOrderPlugin = R"(import random


def pytest_addoption(parser):
    parser.addoption("--order-seed", type=int, default=0)


def pytest_collection_modifyitems(config, items):
    if config.getoption("--order-seed") == 0:
        return
    modules = {}
    for item in items:
        modules.setdefault(item.nodeid.split("::")[0], []).append(item)
    draw = random.Random(config.getoption("--order-seed"))
    names = sorted(modules)
    draw.shuffle(names)
    for name in names:
        draw.shuffle(modules[name])
    items[:] = [item for name in names for item in modules[name]]
)";

// What tests use without their project saying so anywhere a program could read.
const std::vector<std::pair<std::string, std::string>> kUsed = {
    {R"(\bimport hypothesis|from hypothesis)", "hypothesis"}, {R"(^\s*import mock\b|^\s*from mock )", "mock"}, {R"(freezegun)", "freezegun"},
    {R"(^\s*(import|from) responses\b)", "responses"}, {R"(\bmocker\b)", "pytest-mock"}, {R"(mark\.asyncio|pytest_asyncio)", "pytest-asyncio"},
    {R"(pytest_httpbin|\bhttpbin\b)", "pytest-httpbin"}, {R"(mark\.timeout)", "pytest-timeout"}, {R"(\bbenchmark\()", "pytest-benchmark"},
    {R"(from parameterized)", "parameterized"}, {R"(^\s*(import|from) numpy\b)", "numpy"}, {R"(^\s*(import|from) attrs?\b)", "attrs"}};

bool is_test_name(const std::string& name) {
  static const std::set<std::string> names = {"test", "tests", "testing", "dev", "develop", "development", "unittest", "ci"};
  return names.count(name) > 0;
}

// What a tree declares that its tests need.
struct Declared {
  bool package = false;                     // it can be installed itself
  std::vector<std::string> inputs;
  std::vector<std::string> arguments;       // of `uv pip install`
  std::vector<std::string> build;           // what installing it needs
};

void add_once(std::vector<std::string>& list, const std::string& one) {
  if (std::find(list.begin(), list.end(), one) == list.end()) list.push_back(one);
}

void read_pyproject(const TreeView& tree, Declared& out) {
  const std::string text = tree.text("pyproject.toml");
  if (text.empty()) return;
  add_once(out.inputs, "pyproject.toml");
  const toml::parse_result parsed = toml::parse(std::string_view(text));
  if (!parsed) return;
  const toml::table& root = parsed.table();
  if (const auto* requires_ = root.at_path("build-system.requires").as_array())
    for (const auto& each : *requires_)
      if (const auto name = each.value<std::string>()) out.build.push_back(*name);
  const auto keys = [&](const std::string& path) {
    std::vector<std::string> names;
    if (const auto* table = root.at_path(path).as_table())
      for (const auto& [key, value] : *table) names.emplace_back(key.str());
    return names;
  };
  const bool project = root.at_path("project").is_table(), poetry = root.at_path("tool.poetry").is_table();
  out.package = out.package || project || poetry || root.at_path("tool.flit").is_table();
  if (project || poetry) out.arguments.insert(out.arguments.end(), {"-r", "pyproject.toml"});
  for (const char* table : {"project.optional-dependencies", "tool.poetry.extras"})
    for (const std::string& name : keys(table))
      if (is_test_name(name)) out.arguments.insert(out.arguments.end(), {"--extra", name});
  for (const std::string& name : keys("dependency-groups"))
    if (is_test_name(name)) out.arguments.insert(out.arguments.end(), {"--group", name});
  std::vector<std::string> groups = {"tool.poetry.dev-dependencies"};
  for (const std::string& name : keys("tool.poetry.group"))
    if (is_test_name(name)) groups.push_back("tool.poetry.group." + name + ".dependencies");
  for (const std::string& group : groups)
    for (const std::string& name : keys(group))
      if (name != "python") out.arguments.push_back(name);
}

void read_setup(const TreeView& tree, Declared& out) {
  for (const char* file : {"setup.py", "setup.cfg"}) {
    const std::string text = tree.text(file);
    if (text.empty()) continue;
    const bool package = std::string(file) == "setup.py" || text.find("[metadata]") != std::string::npos;
    add_once(out.inputs, file);
    if (!package) continue;
    if (!out.package) out.arguments.insert(out.arguments.end(), {"-r", file});
    out.package = true;
    const size_t extras = text.find("extras_require");
    if (extras == std::string::npos) continue;
    static const std::regex name(R"(['"]?([A-Za-z_]+)['"]?\s*[:=])");
    const std::string rest = text.substr(extras);
    for (std::sregex_iterator it(rest.begin(), rest.end(), name), end; it != end; ++it)
      if (is_test_name((*it)[1])) {
        out.arguments.insert(out.arguments.end(), {"--extra", (*it)[1]});
        break;
      }
  }
}

// Pinned files (.txt) before the ones they were made from (.in).
void read_requirements(const TreeView& tree, Declared& out) {
  static const std::regex wanted(R"((requirements/|(requirements[-_.]?))?(dev|test|tests|testing|develop|ci)([-_]?requirements)?\.(txt|in))", std::regex::icase);
  std::set<std::string> stems;
  for (const char* extension : {".txt", ".in"})
    for (const std::string& path : tree.paths) {
      if (!path.ends_with(extension) || !std::regex_match(path, wanted)) continue;
      if (!stems.insert(path.substr(0, path.rfind('.'))).second) continue;
      add_once(out.inputs, path);
      out.arguments.insert(out.arguments.end(), {"-r", path});
    }
  if (tree.has("requirements.txt")) {
    add_once(out.inputs, "requirements.txt");
    if (!out.package) out.arguments.insert(out.arguments.end(), {"-r", "requirements.txt"});
  }
}

// deps of [testenv], where nothing else says what tests need.
void read_tox(const TreeView& tree, Declared& out) {
  const std::string text = tree.text("tox.ini");
  static const std::regex section(R"(\[testenv\][^\[]*?\ndeps\s*=([^\n]*(\n[ \t]+[^\n]*)*))");
  std::smatch found;
  if (!std::regex_search(text, found, section)) return;
  add_once(out.inputs, "tox.ini");
  static const std::regex requirement(R"(^\s*(-r\s*)?([A-Za-z0-9][A-Za-z0-9_./\[\]-]*([<>=!~]=?[^\s#;]*)?)\s*(#.*)?$)");
  std::string deps = found[1];
  for (size_t at = 0; at < deps.size();) {
    const size_t end = std::min(deps.find('\n', at), deps.size());
    const std::string line = deps.substr(at, end - at);
    at = end + 1;
    std::smatch match;
    if (!std::regex_match(line, match, requirement)) continue;   // conditions and substitutions are tox's own
    if (match[1].matched && !tree.has(match[2].str())) continue;
    if (match[1].matched) out.arguments.push_back("-r");
    out.arguments.push_back(match[2]);
  }
}

bool is_test_file(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.ends_with(".py") && (name.starts_with("test") || name.ends_with("_test.py") || name.ends_with("_tests.py") || name == "conftest.py");
}

void read_tests(const TreeView& tree, Declared& out) {
  static const std::vector<std::pair<std::regex, std::string>> used = [] {
    std::vector<std::pair<std::regex, std::string>> all;
    for (const auto& [text, package] : kUsed) all.emplace_back(std::regex(text, std::regex::multiline | std::regex::optimize), package);
    return all;
  }();
  std::set<std::string> found;
  size_t seen = 0;
  for (const std::string& path : tree.paths) {
    if (!is_test_file(path) || ++seen > kMostTestFiles) continue;
    const std::string text = tree.text(path).substr(0, 1 << 16);
    for (const auto& [expression, package] : used)
      if (!found.count(package) && std::regex_search(text, expression)) found.insert(package);
  }
  // Their project's own file may be of the same name.
  for (const std::string& package : found)
    if (!tree.has(package + ".py") && !tree.has(package + "/__init__.py") && !tree.has("src/" + package + "/__init__.py")) out.arguments.push_back(package);
}

// Versions that are computed from tags, of which the tree has none.
std::map<std::string, std::string> version_variables() { return {{"SETUPTOOLS_SCM_PRETEND_VERSION", "999.0"}, {"PBR_VERSION", "999.0"}, {"POETRY_DYNAMIC_VERSIONING_BYPASS", "999.0"}}; }

RecipeStage dependencies(const Declared& declared, const std::string& date) {
  RecipeStage out{"dependencies", declared.inputs, {}, {std::string(kDependencies).substr(1)}};
  out.steps.push_back({{kUv, "venv", "--no-config", "--offline", "--python", "/usr/bin/python3", std::string(kDependencies) + "/venv"}, {}, false});
  std::vector<std::string> install = {kUv, "pip", "install", "--no-config", "--python", kPython};
  if (!date.empty()) install.insert(install.end(), {"--exclude-newer", date});
  install.insert(install.end(), declared.arguments.begin(), declared.arguments.end());
  install.push_back("pytest");
  out.steps.push_back({std::move(install), version_variables(), true});
  if (!declared.package) return out;
  std::vector<std::string> build = {kUv, "pip", "install", "--no-config", "--python", kPython};
  if (!date.empty()) build.insert(build.end(), {"--exclude-newer", date});
  build.insert(build.end(), declared.build.begin(), declared.build.end());
  build.insert(build.end(), {"setuptools", "wheel", "editables"});
  out.steps.push_back({std::move(build), {}, true});
  return out;
}

std::vector<std::string> install_itself() { return {kUv, "pip", "install", "--no-config", "--offline", "--no-deps", "--no-build-isolation", "--python", kPython, "-e", "."}; }

// Code in other languages has to be compiled again after a patch.
bool has_extensions(const TreeView& tree) {
  const std::string text = tree.text("setup.py");
  return text.find("ext_modules") != std::string::npos || text.find("cythonize") != std::string::npos;
}

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  if (std::none_of(tree.paths.begin(), tree.paths.end(), is_test_file)) return std::nullopt;
  Declared declared;
  read_pyproject(tree, declared);
  read_setup(tree, declared);
  const size_t own = declared.arguments.size();
  read_requirements(tree, declared);
  if (declared.arguments.size() <= std::max<size_t>(own, 2)) read_tox(tree, declared);

  Recipe out;
  out.ecosystem = "python";
  out.date = date;
  out.programs = {"python3"};
  const std::string write_plugin = "import os, sys; os.makedirs(sys.argv[1]); open(sys.argv[1] + '/assay_order.py', 'w').write(sys.argv[2])";
  RecipeStage tools{"tools", {}, {{{"python3", "-c", write_plugin, kPlugins, kOrderPlugin}, {}, false}}, {std::string(kTools).substr(1)}};
  const bool needs_packages = declared.package || !declared.arguments.empty();
  if (needs_packages) {
    read_tests(tree, declared);
    tools.steps.push_back({{"python3", "-m", "venv", std::string(kTools) + "/uv"}, {}, false});
    tools.steps.push_back({{std::string(kTools) + "/uv/bin/pip", "install", "--no-input", "uv"}, {}, true});
  } else {
    out.programs.push_back("pytest");
  }
  out.stages.push_back(std::move(tools));
  if (needs_packages) out.stages.push_back(dependencies(declared, date));
  if (declared.package) {
    out.prepare.push_back({install_itself(), version_variables(), false});
    if (has_extensions(tree)) out.build = install_itself();
  }
  TestCommand command;
  command.argv = {needs_packages ? kPython : "python3", "-m", "pytest", "-p", "assay_order", "--order-seed={seed}", "-p", "no:cacheprovider", "-p", "no:randomly",
                  "-o", "addopts=", "-o", "junit_family=xunit1", "--continue-on-collection-errors", "--junitxml={report}", "{tests}"};
  command.environment = {{"PYTHONPATH", kPlugins}};
  command.format = "junit";
  command.report = "file";
  command.shuffles = true;
  command.canary = "pytest";
  out.commands.push_back(std::move(command));
  return out;
}

TestFiles tests_of(const std::vector<std::string>& files) {
  std::vector<std::string> out;
  for (const std::string& file : files)
    if (is_test_file(file) && !file.ends_with("conftest.py")) out.push_back(file);
  return {std::move(out), ""};
}

}  // namespace

Ecosystem make() {
  return {"python", {"python"}, {{"pypi", "https://pypi.org/simple", {"files.pythonhosted.org"}, {"PIP_INDEX_URL", "UV_DEFAULT_INDEX"}}}, propose, tests_of};
}

}  // namespace assay::ecosystems::python
