// What decides a project's packages, and what a release changes beside it.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "synth/build/manifest.h"

namespace assay {
namespace {

TEST_CASE("what decides the packages of a project is told from what a release changes") {
  struct Case {
    std::string path, text;
    std::vector<std::pair<std::string, std::string>> same, other;   // what stands in `text`, and what takes its place
  };
  const std::vector<Case> cases = {
      {"package.json", R"({"name": "w", "version": "1.0.0", "files": ["a"], "scripts": {"test": "jest", "postinstall": "x"}, "engines": {"node": ">=8"}, "devDependencies": {"jest": "29"}})",
       {{"1.0.0", "1.0.1"}, {"\"a\"", "\"b\""}, {"\"test\": \"jest\"", "\"test\": \"jest -i\""}}, {{"29", "30"}, {">=8", ">=9"}, {"\"x\"", "\"y\""}, {"{\"jest\"", "{\"ava\""}}},
      {"package-lock.json", R"({"name": "w", "version": "1.0.0", "packages": {"": {"version": "1.0.0"}, "node_modules/jest": {"version": "29.0.0"}}})", {{"1.0.0", "1.0.1"}}, {{"29.0.0", "29.0.1"}}},
      {"pyproject.toml", "[build-system]\nrequires = ['flit']\n[project]\nname = 'w'\nversion = '1.0.0'\ndependencies = ['attrs']\n[project.optional-dependencies]\ntest = ['mock']\n[tool.black]\nwidth = 80\n",
       {{"1.0.0", "1.0.1"}, {"80", "100"}}, {{"flit", "hatch"}, {"attrs", "attrs>1"}, {"mock", "mock>1"}}},
      {"setup.cfg", "[metadata]\nname = w\nversion = 1.0.0\n[options]\ninstall_requires = attrs\n[options.extras_require]\ntest = mock\n[flake8]\nwidth = 80", {{"1.0.0", "1.0.1"}, {"80", "100"}}, {{"attrs", "attrs>1"}, {"mock", "mock>1"}}},
      {"requirements.txt", "attrs==1", {}, {{"1", "2"}}},
      {"Cargo.toml", "[package]\nname = 'w'\nversion = '1.0.0'\n[dependencies]\nserde = '1'\n[target.'cfg(unix)'.dependencies]\nlibc = '0.2'\n", {{"1.0.0", "1.0.1"}}, {{"serde = '1'", "serde = '2'"}, {"0.2", "0.3"}}},
      {"Cargo.lock", "[[package]]\nname = 'w'\nversion = '1.0.0'\n[[package]]\nname = 'serde'\nversion = '1.0.2'\nsource = 'registry'\n", {{"1.0.0", "1.0.1"}}, {{"1.0.2", "1.0.3"}}}};
  for (const Case& each : cases) {
    const auto decided = [&](const std::string& text) { return deciding_part(each.path, text); };
    const auto changed = [&](const std::pair<std::string, std::string>& change) {
      std::string text = each.text;
      REQUIRE(text.find(change.first) != std::string::npos);
      for (size_t at = 0; (at = text.find(change.first, at)) != std::string::npos; at += change.second.size()) text.replace(at, change.first.size(), change.second);
      return text;
    };
    for (const auto& change : each.same) {
      INFO(each.path << ": " << change.second);
      CHECK(decided(changed(change)) == decided(each.text));
    }
    for (const auto& change : each.other) {
      INFO(each.path << ": " << change.second);
      CHECK(decided(changed(change)) != decided(each.text));
    }
    CHECK(decided("{ or [ what cannot be read") == (each.path == "setup.cfg" ? "" : "{ or [ what cannot be read"));
  }
}

}  // namespace
}  // namespace assay
