// Finds lines of the episode's tree that match an extended regular expression: PATH:LINE:TEXT, in order of path and line.
//
// Arguments: pattern; optionally path (a file or directory). Body: {"lines": how many one call shows at most}.
#include <algorithm>
#include <charconv>

#include "envs/base/utf8.h"
#include "envs/tool_kind.h"
#include "envs/work_tree.h"

namespace assay::tool_kinds::search_files {
namespace {

constexpr int64_t kOutputBytes = 8 << 20;
constexpr size_t kLineBytes = 400;

struct Line {
  std::string_view path, text;
  int64_t number = 0;
};

// `grep --null` writes PATH NUL NUMBER ":" TEXT.
std::vector<Line> lines_of(std::string_view output) {
  std::vector<Line> out;
  for (size_t begin = 0; begin < output.size();) {
    const size_t nul = output.find('\0', begin), end = std::min(output.find('\n', std::min(nul, output.size())), output.size());
    if (nul == std::string_view::npos) break;
    Line line{output.substr(begin, nul - begin), output.substr(nul + 1, end - nul - 1)};
    if (line.path.starts_with("./")) line.path.remove_prefix(2);
    const auto [after, error] = std::from_chars(line.text.data(), line.text.data() + line.text.size(), line.number);
    if (error == std::errc()) line.text.remove_prefix(std::min(line.text.size(), static_cast<size_t>(after - line.text.data()) + 1));
    out.push_back(line);
    begin = end + 1;
  }
  std::sort(out.begin(), out.end(), [](const Line& a, const Line& b) { return std::tie(a.path, a.number) < std::tie(b.path, b.number); });
  return out;
}

class SearchFilesTool final : public BoundTool {
 public:
  SearchFilesTool(int64_t lines, WorkTree& tree) : lines_(lines), tree_(tree) {}

  Result<Observation> call(const Json& arguments) override {
    const std::string pattern = arguments.at("pattern").get<std::string>(), path = arguments.value("path", ".");
    if ((pattern + path).find('\0') != std::string::npos) return error_observation("an argument holds a NUL character");
    RunRequest request{.argv = {"/bin/grep", "-rnHIE", "--null", "--color=never", "--exclude-dir=.git", "-e", pattern, "--", path.starts_with("/") ? path : "./" + path}};
    request.limits = tree_.limits();
    request.limits.wall_ms = 60'000;
    request.limits.output_bytes = request.limits.kept_bytes = kOutputBytes;
    ASSAY_ASSIGN(const RunResult result, tree_.run(std::move(request)));
    if (result.end == RunEnd::kLimit) return error_observation("too many matches (over the limit of " + result.limit + "): a longer pattern, or a path");
    const std::vector<Line> found = lines_of(result.out.head);
    if (found.empty() && result.end == RunEnd::kExited && result.exit_code > 1) return error_observation(result.err.first_line());
    return shown(found);
  }

 private:
  Observation shown(const std::vector<Line>& found) const {
    if (found.empty()) return {"[no line matches]", false, {}};
    std::string out;
    const size_t count = std::min(found.size(), static_cast<size_t>(lines_));
    for (size_t i = 0; i < count; ++i)
      out += std::string(found[i].path) + ":" + std::to_string(found[i].number) + ":" + std::string(found[i].text.substr(0, kLineBytes)) + "\n";
    if (count < found.size()) out += "[" + std::to_string(found.size() - count) + " more lines match]\n";
    return {with_replacements(out), false, {}};
  }

  const int64_t lines_;
  WorkTree& tree_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  JsonReader r(spec.body, "environment " + environment.domain + ", tool " + spec.name, "$.body");
  const int64_t lines = r.integer("lines", {.minimum = 1, .maximum = 10'000, .fallback = 200});
  if (parameter_type(spec.parameters, "pattern") != "string") r.fail("", "expected a string parameter 'pattern'");
  ASSAY_TRY(r.finish());
  return std::unique_ptr<BoundTool>(std::make_unique<SearchFilesTool>(lines, *context.tree));
}

}  // namespace

ToolKind make() { return {"search_files", "finds matching lines in the episode's tree", bind, true, true, true}; }

}  // namespace assay::tool_kinds::search_files
