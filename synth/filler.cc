#include "synth/filler.h"

#include <algorithm>
#include <cmath>

namespace assay {
namespace {

template <typename Member>
const Filler* find_filler(JsonReader& r, Member member, const char* noun) {
  const std::string kind = r.text("kind");
  std::vector<std::string> known;
  for (const Filler& filler : fillers::all()) {
    if (!(filler.*member)) continue;
    if (filler.name == kind) return &filler;
    known.push_back(filler.name);
  }
  const Error error = unknown_name(noun, kind, known);
  r.fail("kind", error.what, error.hint);
  return nullptr;
}

template <typename Fill, typename Member>
Result<std::unique_ptr<Fill>> compile(const FillSite& site, const Json& json, const std::string& file, const std::string& path,
                                      Member member, const char* noun) {
  JsonReader r(json, file, path);
  std::unique_ptr<Fill> fill;
  if (const Filler* filler = find_filler(r, member, noun)) fill = (filler->*member)(site, r);
  ASSAY_TRY(r.finish());
  return fill;
}

}  // namespace

const TableSpec* FillSite::find(std::string_view name) const {
  for (const TableSpec& spec : tables)
    if (spec.name == name) return &spec;
  return nullptr;
}

Result<std::unique_ptr<ColumnFill>> compile_column_fill(const FillSite& site, const Json& json, const std::string& file,
                                                        const std::string& path) {
  return compile<ColumnFill>(site, json, file, path, &Filler::column, "way to fill a column");
}

Result<std::unique_ptr<RowFill>> compile_row_fill(const FillSite& site, const Json& json, const std::string& file,
                                                  const std::string& path) {
  return compile<RowFill>(site, json, file, path, &Filler::rows, "way to make rows");
}

void pass_on(JsonReader& r, const Status& nested) {
  if (nested.ok()) return;
  const Error& error = nested.error();
  const std::string here = r.file() + ": " + r.path() + ".";
  r.fail(error.where.starts_with(here) ? error.where.substr(here.size()) : "", error.what, error.hint);
}

Range read_range(JsonReader& r, const char* name, int64_t minimum, int64_t maximum) {
  Range range{minimum, minimum};
  const Json& value = r.member(name);
  if (r.failed()) return range;
  const bool pair = value.is_array() && value.size() == 2 && value[0].is_number_integer() && value[1].is_number_integer();
  if (pair) range = {value[0].get<int64_t>(), value[1].get<int64_t>()};
  else if (value.is_number_integer()) range = {value.get<int64_t>(), value.get<int64_t>()};
  else r.fail(name, "expected an integer or [low, high]");
  if (range.low < minimum || range.high > maximum || range.low > range.high) {
    r.fail(name, "expected low <= high, both from " + std::to_string(minimum) + " to " + std::to_string(maximum));
    range = {minimum, minimum};
  }
  return range;
}

int64_t read_scaled(JsonReader& r, const char* name, int decimals) {
  const Json& value = r.member(name);
  if (r.failed()) return 0;
  auto number = number_from_json(value, decimals);
  if (number.ok()) return *number;
  r.fail(name, number.error().what);
  return 0;
}

int64_t read_scaled_or(JsonReader& r, const char* name, int decimals, int64_t fallback) {
  if (r.has(name)) return read_scaled(r, name, decimals);
  r.member_or_null(name);
  return fallback;
}

int64_t read_clock(JsonReader& r, const char* name) {
  const std::string text = r.text(name);
  const auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() == 5 && text[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4)) {
    const int64_t hours = (text[0] - '0') * 10 + text[1] - '0', minutes = (text[3] - '0') * 10 + text[4] - '0';
    if (hours < 24 && minutes < 60) return hours * 60 + minutes;
  }
  r.fail(name, "expected a time from \"00:00\" to \"23:59\"");
  return 0;
}

Range read_bounds(const FillSite& site, JsonReader& r) {
  const ColumnSpec& spec = site.spec();
  if (!spec.is_number()) r.fail("kind", "the column '" + spec.name + "' is no number");
  Range range{read_scaled_or(r, "low", spec.decimals, spec.low), read_scaled_or(r, "high", spec.decimals, spec.high)};
  if (range.low > range.high) r.fail("low", "the low end is above the high end");
  if (range.low < spec.low || range.high > spec.high)
    r.fail(range.low < spec.low ? "low" : "high", "outside the range declared for the column '" + spec.name + "'");
  return r.failed() ? Range{spec.low, spec.low} : range;
}

Weights Weights::read(JsonReader& r, size_t size) {
  Weights weights;
  const bool given = r.has("weights");
  const Json& list = given ? r.array("weights") : r.member_or_null("weights");
  if (given && list.size() != size) r.fail("weights", "expected " + std::to_string(size) + " weights, one for each value");
  uint64_t end = 0;
  for (size_t i = 0; i < size && !r.failed(); ++i) {
    if (given && (!list[i].is_number_integer() || list[i] < 0 || list[i] > 1'000'000))
      r.fail("weights", "expected integers from 0 to 1000000");
    else
      weights.ends_.push_back(end += given ? list[i].get<uint64_t>() : 1);
  }
  if (end == 0) r.fail(given ? "weights" : "", "nothing to choose from");
  return weights;
}

size_t Weights::draw(Rng& rng) const {
  const uint64_t at = rng.below(ends_.back());
  return static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), at) - ends_.begin());
}

int64_t ColumnPath::read(const FillRun& run, int32_t row) const {
  const int64_t cell = run.table().columns[column][row];
  if (target < 0 || cell < 0) return cell;
  return run.tables.tables[target].columns[target_column][cell];
}

ColumnPath ColumnPath::find(const FillSite& site, JsonReader& r, const char* member, const std::string& text) {
  ColumnPath path;
  const size_t dot = text.find('.');
  const std::string head = text.substr(0, dot);
  path.column = site.table().column_index(head);
  if (path.column < 0 || !site.filled.count(path.column)) {
    std::vector<std::string> known;
    for (int column : site.filled) known.push_back(site.table().columns[column].name);
    const Error error = unknown_name("column, or one that is filled later,", head, known);
    r.fail(member, error.what, error.hint);
    return path;
  }
  const ColumnSpec* spec = &site.table().columns[path.column];
  if (dot != std::string::npos) {
    const TableSpec* target = spec->type == ColumnType::kReference ? site.find(spec->references) : nullptr;
    path.target = target ? static_cast<int>(target - site.tables.data()) : -1;
    path.target_column = target ? target->column_index(text.substr(dot + 1)) : -1;
    if (path.target_column < 0) {
      r.fail(member, "'" + text + "' leads to no column", "a column of this table, or reference.column of the table it refers to");
      return path;
    }
    spec = &target->columns[path.target_column];
  }
  path.type = spec->type;
  path.decimals = spec->decimals;
  return path;
}

ColumnPath read_number_path(const FillSite& site, JsonReader& r, const char* name) {
  const std::string text = r.text(name);
  if (r.failed()) return {};
  ColumnPath path = ColumnPath::find(site, r, name, text);
  if (!r.failed() && path.type != ColumnType::kInteger && path.type != ColumnType::kDecimal)
    r.fail(name, "'" + text + "' is no number");
  return path;
}

int read_reference_column(const FillSite& site, JsonReader& r, const std::string& member, const std::string& column) {
  const int index = site.table().column_index(column);
  if (index >= 0 && site.table().columns[index].type == ColumnType::kReference) return index;
  std::vector<std::string> known;
  for (const ColumnSpec& spec : site.table().columns)
    if (spec.type == ColumnType::kReference) known.push_back(spec.name);
  const Error error = unknown_name("reference column", column, known);
  r.fail(member, error.what, error.hint);
  return -1;
}

Coordinates Coordinates::read(const FillSite& site, JsonReader& r, const std::string& table) {
  Coordinates out;
  const TableSpec* spec = site.find(table);
  const std::string names[2] = {r.text_or("latitude", "latitude"), r.text_or("longitude", "longitude")};
  if (!spec || r.failed()) return out;
  out.table = static_cast<int>(spec - site.tables.data());
  out.latitude = spec->column_index(names[0]);
  out.longitude = spec->column_index(names[1]);
  for (int column : {out.latitude, out.longitude})
    if (column < 0 || !spec->columns[column].is_number())
      r.fail(column == out.latitude ? "latitude" : "longitude", "the table '" + table + "' has no such column of numbers",
             "name the columns that hold degrees");
  return out;
}

int64_t Coordinates::kilometres(const Tables& tables, int64_t from_row, int64_t to_row) const {
  const Table& places = tables.tables[table];
  const auto radians = [&](int column, int64_t row) {
    const double scale = static_cast<double>(kPowersOfTen[places.spec.columns[column].decimals]);
    return static_cast<double>(places.columns[column][row]) / scale * (3.14159265358979323846 / 180);
  };
  const double lat1 = radians(latitude, from_row), lat2 = radians(latitude, to_row);
  const double dlat = std::sin((lat2 - lat1) / 2), dlon = std::sin((radians(longitude, to_row) - radians(longitude, from_row)) / 2);
  const double h = std::min(1.0, dlat * dlat + std::cos(lat1) * std::cos(lat2) * dlon * dlon);
  // Libraries differ in the last bits, 1e-9 km here. The bias keeps exact ties, such as equal positions, away from the edge.
  return static_cast<int64_t>(std::floor(2 * 6371.0 * std::asin(std::sqrt(h)) + 0.5 + 1e-6));
}

int64_t rounded_quotient(__int128 numerator, int64_t denominator) {
  const __int128 twice = numerator * 2;
  const __int128 shifted = numerator < 0 ? twice - denominator : twice + denominator;
  return static_cast<int64_t>(shifted / (static_cast<__int128>(denominator) * 2));
}

int64_t to_step(int64_t value, int64_t low, int64_t step) {
  return step <= 1 ? value : low + rounded_quotient(value - low, step) * step;
}

}  // namespace assay
