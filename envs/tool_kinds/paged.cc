// A tool whose list comes in pages.
//
// Body: {"tool": spec of a tool that returns an array, "rows": rows of a page}. Takes a further integer parameter "page", 1 unless
// given, and returns {"items": […], "page": n, "pages": N}; an empty list has one page.
#include "envs/tool_kind.h"
#include "envs/toolset.h"

namespace assay::tool_kinds::paged {
namespace {

class PagedTool final : public BoundTool {
 public:
  PagedTool(std::unique_ptr<BoundTool> inner, size_t rows, std::string name) : inner_(std::move(inner)), rows_(rows), name_(std::move(name)) {}

  Result<Observation> call(const Json& arguments) override {
    Json asked = arguments;
    asked.erase("page");
    ASSAY_ASSIGN(const Observation seen, inner_->call(asked));
    if (seen.error) return seen;
    ASSAY_ASSIGN(const OrderedJson items, parse_ordered_json(seen.text, "the list that is paged"));
    if (!items.is_array()) return make_error(Boundary::kTool, "what is paged is no list", name_);
    const size_t pages = std::max<size_t>(1, (items.size() + rows_ - 1) / rows_);
    const int64_t page = arguments.value("page", int64_t{1});
    if (page < 1 || page > static_cast<int64_t>(pages)) return error_observation("there are pages 1 to " + std::to_string(pages));
    const auto first = static_cast<std::ptrdiff_t>(static_cast<size_t>(page - 1) * rows_);
    const auto last = std::min(first + static_cast<std::ptrdiff_t>(rows_), static_cast<std::ptrdiff_t>(items.size()));
    return Observation{OrderedJson{{"items", OrderedJson(items.begin() + first, items.begin() + last)}, {"page", page}, {"pages", pages}}.dump()};
  }

 private:
  std::unique_ptr<BoundTool> inner_;
  size_t rows_;
  std::string name_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  JsonReader r(spec.body, where, "$.body");
  r.object("tool");
  const int64_t rows = r.integer("rows", {.minimum = 1, .maximum = 10'000});
  if (parameter_type(spec.parameters, "page") != "integer") r.fail("", "the parameter \"page\" is missing");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<PagedTool>(std::move(bound), static_cast<size_t>(rows), spec.name));
}

Result<Observation> undo(const UndoneCall& call) {
  Json items = Json::array(), asked = call.arguments;
  for (int64_t page = 1, pages = 1; page <= pages; ++page) {
    asked["page"] = page;
    ASSAY_ASSIGN(const Observation seen, call.after.call(call.made[0]->name, asked.dump()));
    if (seen.error) return seen;
    ASSAY_ASSIGN(const Json part, parse_json(seen.text, call.tool.name));
    pages = part.value("pages", int64_t{1});
    for (const Json& item : part.value("items", Json::array())) items.push_back(item);
  }
  return Observation{items.dump()};
}

}  // namespace

ToolKind make() { return {.name = "paged", .summary = "another tool whose list comes in pages", .bind = bind, .undo = undo}; }

}  // namespace assay::tool_kinds::paged
