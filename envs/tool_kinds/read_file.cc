// Shows lines of a text file of the episode's tree, with their numbers.
//
// Arguments: path; optionally first_line (from 1) and lines. Body: {"lines": how many one call shows at most}.
#include <algorithm>

#include "envs/base/utf8.h"
#include "envs/tool_kind.h"
#include "envs/tree_file.h"

namespace assay::tool_kinds::read_file {
namespace {

constexpr size_t kLineBytes = 2000;   // of one line; longer ones are cut, and say so

class ReadFileTool final : public BoundTool {
 public:
  ReadFileTool(int64_t lines, WorkTree& tree) : lines_(lines), tree_(tree) {}

  Result<Observation> call(const Json& arguments) override {
    const int64_t first = arguments.value("first_line", int64_t{1}), wanted = arguments.value("lines", lines_);
    if (first < 1 || wanted < 1) return error_observation("first_line and lines must be at least 1");
    ASSAY_ASSIGN(const TreeFile file, read_tree_file(tree_, arguments.at("path").get<std::string>()));
    if (!file.problem.empty()) return error_observation(file.problem);
    return shown(file.bytes, first, std::min(wanted, lines_));
  }

 private:
  static Observation shown(std::string_view text, int64_t first, int64_t count) {
    std::string out;
    int64_t number = 0;
    for (size_t begin = 0; begin < text.size(); ) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      ++number;
      if (number >= first && number - first < count) {
        std::string_view line = text.substr(begin, end - begin);
        const size_t more = line.size() > kLineBytes ? line.size() - kLineBytes : 0;
        line = line.substr(0, kLineBytes);
        out += std::to_string(number) + "\t" + std::string(line) + (more ? " [" + std::to_string(more) + " more bytes]" : "") + "\n";
      }
      begin = end + 1;
    }
    if (number == 0) return {"[the file is empty]", false, {}};
    if (first > number) return error_observation("the file has " + std::to_string(number) + " lines");
    if (first + count <= number) out += "[" + std::to_string(number - first - count + 1) + " more lines, to line " + std::to_string(number) + "]\n";
    return {with_replacements(out), false, {}};   // a character may have been cut
  }

  const int64_t lines_;
  WorkTree& tree_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  JsonReader r(spec.body, "environment " + environment.domain + ", tool " + spec.name, "$.body");
  const int64_t lines = r.integer("lines", {.minimum = 1, .maximum = 100'000, .fallback = 500});
  if (parameter_type(spec.parameters, "path") != "string") r.fail("", "expected a string parameter 'path'");
  ASSAY_TRY(r.finish());
  return std::unique_ptr<BoundTool>(std::make_unique<ReadFileTool>(lines, *context.tree));
}

}  // namespace

ToolKind make() { return {"read_file", "shows lines of a file of the episode's tree", bind, true, true, true}; }

}  // namespace assay::tool_kinds::read_file
