// Another fill for each case of an earlier column, which is a number
//   {"kind":"cases","of":"distance","cases":[{"below":300,"fill":{…}},{"fill":{…}}]}
// or a text
//   {"kind":"cases","of":"mode","cases":[{"equals":"train","fill":{…}},{"fill":{…}}]}.
// The first case that holds counts; the last one has no condition.
#include "synth/filler.h"

namespace assay::fillers::cases {
namespace {

struct Case {
  int64_t below = INT64_MAX;
  std::string equals;
  std::unique_ptr<ColumnFill> fill;
};

class Cases final : public ColumnFill {
 public:
  void run(const FillRun& run, std::span<const int32_t> rows) const override {
    std::vector<int64_t> texts;
    for (const Case& one : cases_) texts.push_back(one.equals.empty() ? kNull : run.tables.texts.intern(one.equals));
    std::vector<std::vector<int32_t>> parts(cases_.size());
    for (int32_t row : rows) {
      const int64_t value = of_.read(run, row);
      size_t i = 0;
      while (i + 1 < cases_.size() && !(is_text_ ? value == texts[i] : value < cases_[i].below)) ++i;
      parts[i].push_back(row);
    }
    for (size_t i = 0; i < cases_.size(); ++i)
      if (!parts[i].empty()) cases_[i].fill->run(run, parts[i]);
  }

  void compile(const FillSite& site, JsonReader& r) {
    const std::string of = r.text("of");
    if (r.failed()) return;
    of_ = ColumnPath::find(site, r, "of", of);
    is_text_ = of_.type == ColumnType::kText;
    if (of_.type == ColumnType::kReference) r.fail("of", "'" + of + "' is a reference", "reference.column");
    const Json& list = r.array("cases");
    if (list.empty() || list.size() > 64) r.fail("cases", "expected 1 to 64 cases");
    for (size_t i = 0; i < list.size() && !r.failed(); ++i)
      pass_on(r, add(site, r, list[i], i, i + 1 == list.size()));
  }

 private:
  Status add(const FillSite& site, JsonReader& r, const Json& json, size_t index, bool last) {
    const std::string path = r.path_of("cases") + "[" + std::to_string(index) + "]";
    JsonReader c(json, r.file(), path);
    Case one;
    if (!last && is_text_) one.equals = c.text("equals");
    if (!last && !is_text_) one.below = read_scaled(c, "below", of_.decimals);
    const Json& fill = c.object("fill");
    ASSAY_TRY(c.finish());
    ASSAY_ASSIGN(one.fill, compile_column_fill(site, fill, r.file(), path + ".fill"));
    cases_.push_back(std::move(one));
    return {};
  }

  ColumnPath of_;
  bool is_text_ = false;
  std::vector<Case> cases_;
};

}  // namespace

Filler make() { return column_filler<Cases>("cases", "another fill for each case of an earlier column"); }

}  // namespace assay::fillers::cases
