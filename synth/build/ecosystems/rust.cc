// Rust: crates of Cargo.lock fetched into a shared registry folder, then never the network again.
#include "synth/build/recipe.h"

namespace assay::ecosystems::rust {
namespace {

const std::map<std::string, std::string> kEnvironment = {{"CARGO_HOME", std::string(kDependencies) + "/cargo"}, {"CARGO_TARGET_DIR", kBuildDirectory}, {"CARGO_INCREMENTAL", "0"}};

std::vector<std::string> with_environment(std::vector<std::string> argv) {
  std::vector<std::string> out = {"env"};
  for (const auto& [name, value] : kEnvironment) out.push_back(name + "=" + value);
  out.insert(out.end(), argv.begin(), argv.end());
  return out;
}

// A crate of others is a table below [dependencies] and the like, or a line in one; paths inside the tree need nothing.
bool needs_crates(const TreeView& tree) {
  const std::string lock = tree.text("Cargo.lock");
  if (!lock.empty()) return lock.find("source = ") != std::string::npos;
  for (const std::string& path : tree.paths)
    if (path.ends_with("Cargo.toml"))
      for (const char* table : {"dependencies]", "dependencies."})
        if (tree.text(path).find(table) != std::string::npos) return true;
  return false;
}

std::optional<Recipe> propose(const TreeView& tree, const std::string& date) {
  if (!tree.has("Cargo.toml")) return std::nullopt;
  Recipe out;
  out.ecosystem = "rust";
  out.date = date;
  out.programs = {"cargo"};
  if (needs_crates(tree)) {
    RecipeStage stage{"dependencies", {}, {}, {std::string(kDependencies).substr(1)}};
    for (const std::string& path : tree.paths)
      if (path.ends_with("Cargo.toml") || path == "Cargo.lock") stage.inputs.push_back(path);
    stage.steps.push_back({tree.has("Cargo.lock") ? std::vector<std::string>{"cargo", "fetch", "--locked"} : std::vector<std::string>{"cargo", "fetch"}, kEnvironment, true});
    out.stages.push_back(std::move(stage));
  }
  out.build = with_environment({"cargo", "test", "--offline", "--workspace", "--no-run"});
  out.prepare.push_back({out.build, {}, false});
  TestCommand command;
  command.argv = {"cargo", "test", "--offline", "--workspace", "--no-fail-fast"};
  command.environment = kEnvironment;
  command.format = "cargo_text";
  command.report = "output";
  command.canary = "cargo";
  out.commands.push_back(std::move(command));
  return out;
}

TestFiles tests_of(const std::vector<std::string>& files) { return {{}, first_ending(files, ".rs")}; }

}  // namespace

Ecosystem make() { return {"rust", {"rust"}, {{"crates", "https://index.crates.io/", {"static.crates.io", "crates.io"}, {}}}, propose, tests_of}; }

}  // namespace assay::ecosystems::rust
