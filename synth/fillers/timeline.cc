// Times to choose from, one row each, through a day and over several days:
//   {"kind":"timeline","columns":{"name":"name","day":"day","minute":"minute"},"days":["Mon","Tue"],"from":"08:00","to":"17:30",
//    "step_minutes":30}
// The name is the day and the clock ("Tue 08:30"), the minute counts from 00:00 of the first day.
#include <cstdio>

#include "synth/filler.h"

namespace assay::fillers::timeline {
namespace {

class Timeline final : public RowFill {
 public:
  std::vector<int> columns() const override { return {name_, day_, minute_}; }

  Result<int32_t> run(const FillRun& run) const override {
    int32_t rows = 0;
    auto& columns = run.table().columns;
    for (size_t day = 0; day < days_.size(); ++day)
      for (int64_t clock = hours_.low; clock <= hours_.high; clock += step_, ++rows) {
        char text[16];
        std::snprintf(text, sizeof text, " %02d:%02d", static_cast<int>(clock / 60), static_cast<int>(clock % 60));
        columns[name_].push_back(run.tables.texts.intern(days_[day] + text));
        columns[day_].push_back(run.tables.texts.intern(days_[day]));
        columns[minute_].push_back(static_cast<int64_t>(day) * 1440 + clock);
      }
    return rows;
  }

  void compile(const FillSite& site, JsonReader& r) {
    JsonReader c(r.object("columns"), r.file(), r.path_of("columns"));
    name_ = column(site, c, "name", ColumnType::kText);
    day_ = column(site, c, "day", ColumnType::kText);
    minute_ = column(site, c, "minute", ColumnType::kInteger);
    pass_on(r, c.finish());
    days_ = r.texts("days");
    if (days_.empty() || days_.size() > 31) r.fail("days", "expected 1 to 31 days");
    hours_ = {read_clock(r, "from"), read_clock(r, "to")};
    if (hours_.low > hours_.high) r.fail("to", "earlier than \"from\"");
    step_ = r.integer("step_minutes", {.minimum = 1, .maximum = 1440});
  }

 private:
  static int column(const FillSite& site, JsonReader& r, const char* member, ColumnType type) {
    const std::string name = r.text(member);
    if (r.failed()) return -1;
    const int index = site.table().column_index(name);
    if (index < 0 || site.table().columns[index].type != type)
      r.fail(member, type == ColumnType::kText ? "expected a column of texts" : "expected a column of whole numbers");
    return index;
  }

  int name_ = -1, day_ = -1, minute_ = -1;
  std::vector<std::string> days_;
  Range hours_;
  int64_t step_ = 30;
};

}  // namespace

Filler make() { return row_filler<Timeline>("timeline", "times to choose from, over several days"); }

}  // namespace assay::fillers::timeline
