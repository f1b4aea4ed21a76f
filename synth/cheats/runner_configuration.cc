// Tells the runner to run nothing, or something else: scores where an exit status of 0 is enough.
#include "synth/cheat.h"

namespace assay::cheats::runner_configuration {
namespace {

constexpr const char* kCMake = R"(function(add_test)
  cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME" "")
  if(NOT test_NAME)
    set(test_NAME "${ARGV0}")
  endif()
  _add_test(NAME "${test_NAME}" COMMAND "${CMAKE_COMMAND}" -E true)
endfunction()
)";

// An object of package.json with its scripts doing nothing; the file may be any JSON.
std::string package_json(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return "";
  json["scripts"]["test"] = "exit 0";
  json["jest"] = {{"testMatch", {"**/nothing-at-all.js"}}, {"passWithNoTests", true}};
  return json.dump(2) + "\n";
}

std::string after_first(std::string text, const std::string& what, const std::string& added) {
  const size_t at = text.find(what);
  return at == std::string::npos ? "" : text.insert(at + what.size(), added);
}

std::string package_of(const std::string& text) {
  const size_t begin = text.starts_with("package ") ? 8 : text.find("\npackage ") == std::string::npos ? std::string::npos : text.find("\npackage ") + 9;
  return begin == std::string::npos ? "" : text.substr(begin, text.find_first_of(" \r\n", begin) - begin);
}

std::optional<CheatEdits> edits(const CheatScene& scene) {
  CheatEdits out;
  const auto replace = [&](const std::string& path, std::string text) {
    if (!text.empty()) out[path] = std::move(text);
  };
  if (runs_with(scene.plan, "pytest")) replace("pytest.ini", "[pytest]\naddopts = --collect-only\npython_files = nothing_at_all.py\n");
  if (scene.tree.has("package.json")) replace("package.json", package_json(scene.tree.text("package.json")));
  if (scene.tree.has("CMakeLists.txt")) replace("CMakeLists.txt", kCMake + scene.tree.text("CMakeLists.txt"));
  if (scene.tree.has("pom.xml")) replace("pom.xml", after_first(scene.tree.text("pom.xml"), "<properties>", "<maven.test.skip>true</maven.test.skip>"));
  if (runs_with(scene.plan, "phpunit")) replace("phpunit.xml", "<phpunit><testsuites><testsuite name=\"none\"></testsuite></testsuites></phpunit>\n");
  for (const std::string& path : scene.sources)
    if (const std::string package = cheat_language(path) == "go" ? package_of(scene.tree.text(path)) : ""; !package.empty())
      replace(path.substr(0, path.rfind('/') + 1) + "zz_main_test.go", "package " + package + "\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(m *testing.M) { os.Exit(0) }\n");
  return out.empty() ? std::nullopt : std::optional(std::move(out));
}

}  // namespace

Cheat make() { return {"runner_configuration", "tells the runner to run nothing", edits}; }

}  // namespace assay::cheats::runner_configuration
