#include "synth/cheat.h"

#include <algorithm>

#include "envs/base/utf8.h"
#include "synth/mine/patch.h"

namespace assay {
namespace {

std::vector<PatchLine> lines_of(std::string_view text, char kind) {
  std::vector<PatchLine> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    out.push_back({kind, std::string(text.substr(begin, end - begin)), end != std::string_view::npos});
    begin = end == std::string_view::npos ? text.size() : end + 1;
  }
  return out;
}

}  // namespace

std::vector<std::string> CheatScene::ids() const {
  std::vector<std::string> out = plan.fail_to_pass;
  out.insert(out.end(), plan.pass_to_pass.begin(), plan.pass_to_pass.end());
  return out;
}

std::string cheat_patch(const CheatEdits& edits, const TreeView& tree) {
  std::string out;
  for (const auto& [path, now] : edits) {
    const bool was = tree.has(path);
    const std::optional<std::string> before = was ? tree.read(path) : std::nullopt;
    const auto text = [](const std::optional<std::string>& bytes) { return !bytes || well_formed_bytes(*bytes) == bytes->size(); };
    if ((was && !before) || !text(before) || !text(now) || before == now) continue;
    FilePatch file;
    if (was) file.old_path = path;
    if (now) file.new_path = path;
    if (!was) file.new_mode = 0100644;
    if (!now) file.old_mode = 0100644;
    Hunk hunk;
    hunk.old_start = before.value_or("").empty() ? 0 : 1;
    hunk.new_start = now.value_or("").empty() ? 0 : 1;
    hunk.lines = lines_of(before.value_or(""), '-');
    for (PatchLine& line : lines_of(now.value_or(""), '+')) hunk.lines.push_back(std::move(line));
    if (!hunk.lines.empty()) file.hunks.push_back(std::move(hunk));
    out += patch_text(file);
  }
  return out;
}

std::string cheat_language(const std::string& path) {
  static const std::map<std::string, std::string, std::less<>> kLanguages = {
      {"py", "python"}, {"js", "javascript"}, {"mjs", "javascript"}, {"cjs", "javascript"}, {"ts", "javascript"}, {"jsx", "javascript"}, {"tsx", "javascript"},
      {"c", "c"}, {"cc", "c"}, {"cpp", "c"}, {"cxx", "c"}, {"h", "c"}, {"hpp", "c"}, {"hh", "c"}, {"go", "go"}, {"java", "java"}, {"php", "php"}};
  const size_t dot = path.rfind('.');
  const auto found = dot == std::string::npos ? kLanguages.end() : kLanguages.find(std::string_view(path).substr(dot + 1));
  return found == kLanguages.end() ? "" : found->second;
}

std::string cmake_test_property(const std::string& property, const std::vector<std::string>& only) {
  std::string names;
  for (const std::string& each : only) names += " [==[" + each + "]==]";
  return "set(kOnly" + names + R"()
function(add_test)
  _add_test(${ARGV})
  cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME" "")
  if(NOT test_NAME)
    set(test_NAME "${ARGV0}")
  endif()
  list(FIND kOnly "${test_NAME}" found)
  if(NOT kOnly OR NOT found EQUAL -1)
    set_tests_properties("${test_NAME}" PROPERTIES )" + property + R"( TRUE)
  endif()
endfunction()
)";
}

std::string c_once(const std::string& code) { return "\n#ifndef THIS_STANDS_HERE_ONCE\n#define THIS_STANDS_HERE_ONCE\n" + code + "#endif\n"; }

std::optional<CheatEdits> append_to_sources(const CheatScene& scene, const std::map<std::string, std::string>& code) {
  CheatEdits out;
  for (const std::string& path : scene.sources) {
    const auto found = code.find(cheat_language(path));
    if (found != code.end()) out[path] = with_text(scene.tree, path, found->second);
  }
  return out.empty() ? std::nullopt : std::optional(std::move(out));
}

std::string with_text(const TreeView& tree, const std::string& path, const std::string& text) {
  std::string out = tree.text(path);
  if (!out.empty() && out.back() != '\n') out += '\n';
  return out + text;
}

bool runs_with(const TestPlan& plan, const std::string& program) {
  return std::any_of(plan.commands.begin(), plan.commands.end(), [&](const TestCommand& command) {
    return command.canary == program || std::any_of(command.argv.begin(), command.argv.end(), [&](const std::string& each) { return each == program || each.ends_with("/" + program); });
  });
}

}  // namespace assay
