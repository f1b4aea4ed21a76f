// JavaScript and TypeScript: what package.json and its lock file of npm, yarn or pnpm declare, installed into the tree's
// node_modules; without a lock, resolved as of the recipe's date. Tests by jest, vitest, mocha, tap, tape or node itself.
#include <algorithm>

#include "synth/build/recipe.h"

namespace assay::ecosystems::node {
namespace {

constexpr const char* kYarn = "yarn@1.22.22";
constexpr const char* kPnpm = "pnpm@8.15.9";

// Packages whose install scripts fetch a browser or a driver from places that are no registry; tests that need one fail, and say so.
const std::map<std::string, std::string> kWithoutDownloads = {{"PUPPETEER_SKIP_DOWNLOAD", "1"}, {"PUPPETEER_SKIP_CHROMIUM_DOWNLOAD", "1"}, {"PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"},
                                                              {"CYPRESS_INSTALL_BINARY", "0"}, {"CHROMEDRIVER_SKIP_DOWNLOAD", "1"}, {"SENTRYCLI_SKIP_DOWNLOAD", "1"}};

struct Package {
  Json json = Json::object();

  bool uses(const std::string& name) const {
    for (const char* part : {"dependencies", "devDependencies"})
      if (json.contains(part) && json.at(part).is_object() && json.at(part).contains(name)) return true;
    return false;
  }
  bool needs_packages() const {
    for (const char* part : {"dependencies", "devDependencies", "optionalDependencies"})
      if (json.contains(part) && json.at(part).is_object() && !json.at(part).empty()) return true;
    return json.contains("workspaces");
  }
  std::string script(const std::string& name) const {
    const Json scripts = json.value("scripts", Json::object());
    return scripts.is_object() && scripts.contains(name) && scripts.at(name).is_string() ? scripts.at(name).get<std::string>() : "";
  }
  bool tests_mention(const std::string& word) const {
    const Json scripts = json.value("scripts", Json::object());
    for (const auto& [name, value] : scripts.items())
      if (name.find("test") != std::string::npos || name == "unit" || name == "mocha")
        if (value.is_string() && value.get<std::string>().find(word) != std::string::npos) return true;
    return false;
  }
};

std::optional<Package> package_of(const TreeView& tree) {
  const auto json = parse_json(tree.text("package.json"), "package.json");
  if (!json.ok() || !json.value().is_object()) return std::nullopt;
  Package out;
  out.json = json.value();
  return out;
}

std::vector<std::string> through_npm(const char* tool, std::vector<std::string> arguments) {
  std::vector<std::string> out = {"npm", "exec", "--yes", "--", tool};
  out.insert(out.end(), arguments.begin(), arguments.end());
  return out;
}

RecipeStage dependencies(const TreeView& tree, const std::string& date) {
  RecipeStage out{"dependencies", {}, {}, {"work/repo/node_modules"}};
  for (const std::string& path : tree.paths) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (name == "package.json" || name == ".npmrc" || name == ".yarnrc" || name == "package-lock.json" || name == "npm-shrinkwrap.json" || name == "yarn.lock" ||
        name == "pnpm-lock.yaml" || name == "pnpm-workspace.yaml")
      if (path.find("node_modules/") == std::string::npos && path.find("/test") == std::string::npos && path.find("fixtures") == std::string::npos) out.inputs.push_back(path);
  }
  // The project's own install scripts build it or set up its authors' habits; its packages' are run offline below.
  std::vector<std::string> install;
  if (tree.has("package-lock.json") || tree.has("npm-shrinkwrap.json")) install = {"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"};
  else if (tree.has("yarn.lock")) install = through_npm(kYarn, {"install", "--frozen-lockfile", "--ignore-scripts", "--non-interactive", "--ignore-engines"});
  else if (tree.has("pnpm-lock.yaml")) install = through_npm(kPnpm, {"install", "--frozen-lockfile", "--ignore-scripts"});
  else {
    install = {"npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--legacy-peer-deps"};
    if (!date.empty()) install.push_back("--before=" + date);
  }
  out.steps.push_back({std::move(install), {}, true});
  out.steps.push_back({{"sh", "-c", "[ ! -d node_modules ] || npm rebuild --offline --ignore-scripts=false"}, kWithoutDownloads, false});
  return out;
}

TestCommand command_of(const std::string& canary, const std::string& format, std::vector<std::string> argv) {
  TestCommand out;
  out.argv = std::move(argv);
  out.format = format;
  out.canary = canary;
  out.report = std::any_of(out.argv.begin(), out.argv.end(), [](const std::string& each) { return each.find("{report}") != std::string::npos; }) ? "file" : "output";
  out.environment = {{"NODE_ENV", "test"}, {"FORCE_COLOR", "0"}};
  return out;
}

std::string local(const char* program) { return std::string("node_modules/.bin/") + program; }

// Options that a project's own test script gives its runner and that tests may not run without.
std::vector<std::string> kept_options(const Package& package, const std::string& runner) {
  std::vector<std::string> out;
  const std::string script = package.script("test");
  const size_t at = script.find(runner);
  if (at == std::string::npos) return out;
  std::vector<std::string> words;
  for (size_t start = at; start < script.size();) {
    const size_t end = std::min(script.find(' ', start), script.size());
    if (end > start) words.push_back(script.substr(start, end - start));
    start = end + 1;
  }
  for (size_t i = 1; i < words.size() && words[i] != "&&" && words[i] != "||" && words[i] != "|"; ++i)
    for (const char* option : {"--require", "-r", "--import", "--loader", "--ui", "-u", "--config", "-c", "--check-leaks", "--expose-gc", "--experimental-vm-modules", "--file", "--ts-node"}) {
      if (words[i].starts_with(std::string(option) + "=")) out.push_back(words[i]);
      if (words[i] != option) continue;
      out.push_back(words[i]);
      const bool alone = words[i] == "--check-leaks" || words[i] == "--expose-gc" || words[i] == "--experimental-vm-modules";
      if (!alone && i + 1 < words.size()) out.push_back(words[++i]);
      break;
    }
  return out;
}

std::optional<TestCommand> runner_of(const Package& package) {
  const auto with = [&](std::vector<std::string> argv, const std::string& runner, std::vector<std::string> rest) {
    const auto kept = kept_options(package, runner);
    argv.insert(argv.end(), kept.begin(), kept.end());
    argv.insert(argv.end(), rest.begin(), rest.end());
    return argv;
  };
  if (package.uses("vitest")) {
    TestCommand out = command_of("vitest", "junit", {local("vitest"), "run", "--reporter=junit", "--outputFile={report}", "--sequence.shuffle.tests", "--sequence.seed={seed}", "{tests}"});
    out.shuffles = true;
    return out;
  }
  if (package.uses("jest") || package.tests_mention("jest")) {
    TestCommand out = command_of("jest", "jest_json", {local("jest"), "--ci", "--json", "--outputFile={report}", "--coverage=false", "--runTestsByPath", "{tests}"});
    if (package.tests_mention("experimental-vm-modules")) out.environment["NODE_OPTIONS"] = "--experimental-vm-modules";
    return out;
  }
  if (package.uses("mocha") || package.tests_mention("mocha"))
    return command_of("mocha", "mocha_json", with({local("mocha"), "--reporter", "json", "--reporter-option", "output={report}"}, "mocha", {"{tests}"}));
  if (package.tests_mention("node --test") || package.tests_mention("--test"))
    return command_of("node_test", "junit", {"node", "--test", "--test-reporter=junit", "--test-reporter-destination={report}", "{tests}"});
  if (package.uses("tap")) return command_of("tap", "tap", {local("tap"), "-R", "tap", "--no-coverage", "{tests}"});
  if (package.uses("tape")) return command_of("tape", "tap", {local("tape"), "{tests}"});
  return std::nullopt;
}

bool compiles(const std::string& script) {
  for (const char* word : {"tsc", "babel", "rollup", "esbuild", "webpack", "npm run build", "npm run compile"})
    if (script.find(word) != std::string::npos) return true;
  return false;
}

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  const auto package = package_of(tree);
  if (!package) return std::nullopt;
  auto command = runner_of(*package);
  if (!command) return std::nullopt;
  Recipe out;
  out.ecosystem = "node";
  out.date = date;
  out.programs = {"node"};
  if (package->needs_packages()) {
    out.programs.push_back("npm");
    out.stages.push_back(dependencies(tree, date));
  }
  // Tests of TypeScript projects often import what the compiler writes; npm itself runs "pretest" before "test".
  const bool compiled = package->tests_mention("dist/") || package->tests_mention("lib/") || package->tests_mention("npm run build");
  if (compiles(package->script("pretest"))) out.build = {"npm", "run", "pretest"};
  else if (compiled && !package->script("build").empty()) out.build = {"npm", "run", "build"};
  out.commands.push_back(std::move(*command));
  return out;
}

TestFiles tests_of(const std::vector<std::string>& files) {
  std::vector<std::string> out;
  for (const std::string& file : files) {
    const size_t dot = file.rfind('.');
    const std::string extension = dot == std::string::npos ? "" : file.substr(dot);
    const bool source = extension == ".js" || extension == ".mjs" || extension == ".cjs" || extension == ".ts" || extension == ".tsx" || extension == ".jsx" || extension == ".mts" || extension == ".cts";
    const bool helper = file.find("fixtures/") != std::string::npos || file.find("__snapshots__/") != std::string::npos || file.find("helpers/") != std::string::npos ||
                        file.find("__mocks__/") != std::string::npos || file.ends_with(".d.ts") || file.ends_with(".config.js") || file.ends_with(".config.ts");
    if (source && !helper) out.push_back(file);
  }
  return {std::move(out), ""};
}

}  // namespace

Ecosystem make() {
  return {"node", {"javascript", "typescript"},
          {{"npm", "https://registry.npmjs.org/", {"registry.yarnpkg.com"}, {"npm_config_registry", "YARN_REGISTRY"}}}, propose, tests_of};
}

}  // namespace assay::ecosystems::node
