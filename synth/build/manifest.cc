#include "synth/build/manifest.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <sstream>
#include <vector>

#include "envs/base/json.h"

namespace assay {
namespace {

const std::vector<std::string> kNode = {"/name", "/dependencies", "/devDependencies", "/optionalDependencies", "/peerDependencies", "/peerDependenciesMeta", "/bundleDependencies",
                                        "/bundledDependencies", "/overrides", "/resolutions", "/pnpm", "/workspaces", "/engines", "/packageManager", "/os", "/cpu",
                                        "/scripts/preinstall", "/scripts/install", "/scripts/postinstall", "/scripts/prepare"};
const std::vector<std::string> kPython = {"build-system", "project.name", "project.dynamic", "project.requires-python", "project.dependencies", "project.optional-dependencies",
                                          "dependency-groups", "tool.poetry.dependencies", "tool.poetry.dev-dependencies", "tool.poetry.group", "tool.poetry.extras", "tool.setuptools",
                                          "tool.hatch.metadata", "tool.flit", "tool.pdm", "tool.uv"};
const std::vector<std::string> kCargo = {"cargo-features", "package.name", "package.edition", "package.resolver", "package.rust-version", "dependencies", "dev-dependencies",
                                         "build-dependencies", "target", "features", "workspace.members", "workspace.exclude", "workspace.resolver", "workspace.dependencies", "patch", "replace"};

std::string text_of(const toml::table& table) {
  std::ostringstream out;
  out << table;
  return out.str();
}

std::string json_members(const std::string& text, const std::vector<std::string>& pointers) {
  const auto json = parse_json(text, "a manifest");
  if (!json.ok() || !json->is_object()) return text;
  Json out = Json::object();
  for (const std::string& each : pointers)
    if (const Json::json_pointer at(each); json->contains(at)) out[each] = json->at(at);
  return canonical_json(out);
}

std::string toml_members(const std::string& text, const std::vector<std::string>& paths) {
  const toml::parse_result parsed = toml::parse(std::string_view(text));
  if (!parsed) return text;
  toml::table out;
  for (const std::string& path : paths)
    if (const auto found = parsed.table().at_path(path)) found.visit([&](const auto& value) { out.insert_or_assign(path, value); });
  return text_of(out);
}

std::string ini_sections(const std::string& text, const std::string& prefix) {
  std::string out;
  bool wanted = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (line.starts_with("[")) wanted = line.substr(1).starts_with(prefix);
    if (wanted) out += line;
    begin = end;
  }
  return out;
}

// All but the version of the project itself, which its lock file repeats.
std::string npm_lock(const std::string& text) {
  auto json = parse_json(text, "a lock file");
  if (!json.ok() || !json->is_object()) return text;
  json->erase("version");
  if (const Json::json_pointer itself("/packages/"); json->contains(itself) && json->at(itself).is_object()) json->at(itself).erase("version");
  return canonical_json(*json);
}

// All but the project's own packages, which come from nowhere.
std::string cargo_lock(const std::string& text) {
  const toml::parse_result parsed = toml::parse(std::string_view(text));
  if (!parsed) return text;
  toml::array packages;
  if (const toml::array* all = parsed.table()["package"].as_array())
    for (const toml::node& each : *all)
      if (const toml::table* package = each.as_table(); package && package->contains("source")) packages.push_back(*package);
  return text_of(toml::table{{"package", packages}});
}

}  // namespace

std::string deciding_part(const std::string& path, const std::string& text) {
  // Of the project itself: the packages of its workspaces are installed, too, by their versions.
  if (path == "package.json") return json_members(text, kNode);
  if (path == "package-lock.json" || path == "npm-shrinkwrap.json") return npm_lock(text);
  if (path == "pyproject.toml") return toml_members(text, kPython);
  if (path == "setup.cfg") return ini_sections(text, "options");
  if (path == "Cargo.toml" || path.ends_with("/Cargo.toml")) return toml_members(text, kCargo);
  if (path == "Cargo.lock") return cargo_lock(text);
  return text;
}

}  // namespace assay
