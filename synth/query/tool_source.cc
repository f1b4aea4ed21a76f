#include "synth/query/tool_source.h"

#include <algorithm>

namespace assay::query {
namespace {

constexpr size_t kCallsInOneMessage = 32;
constexpr double kGuessedRows = 40;      // of a table that has not been listed yet
constexpr double kGuessedLookUps = 12;   // that a listing leaves to be made one by one

bool contains(const std::vector<int>& columns, int column) { return std::find(columns.begin(), columns.end(), column) != columns.end(); }

const Bound* bound_on(const std::vector<Bound>& bounds, int column) {
  const auto it = std::find_if(bounds.begin(), bounds.end(), [&](const Bound& bound) { return bound.column == column; });
  return it == bounds.end() ? nullptr : &*it;
}

Json constant_json(const Condition& condition, const ColumnSpec& spec) {
  return spec.is_number() ? number_json(condition.number, spec.decimals) : Json(condition.text);
}

}  // namespace

bool Path::reveals(int column) const { return std::binary_search(columns.begin(), columns.end(), column); }

std::vector<Path> paths_to(const TableSpec& table, const std::vector<ToolSpec>& tools) {
  std::vector<Path> out;
  for (const ToolSpec& tool : tools)
    for (const Reveal& reveal : tool.reveals) {
      if (reveal.table != table.name || !reveal.complete || !usable(tool, reveal)) continue;
      Path path{&tool, &reveal, {}, {}};
      for (const auto& [column, parameter] : reveal.given) path.given.push_back(table.column_index(column));
      path.columns = path.given;
      for (const auto& [column, member] : reveal.columns) path.columns.push_back(table.column_index(column));
      std::sort(path.columns.begin(), path.columns.end());
      const bool keyed = std::all_of(table.key.begin(), table.key.end(), [&](const std::string& key) { return path.reveals(table.column_index(key)); });
      if (keyed) out.push_back(std::move(path));
    }
  return out;
}

ToolSource::ToolSource(const Task& task, const std::vector<TableSpec>& schema, Tools& tools) : task_(task), tools_(tools), episode_(task, tools), known_(schema) {
  for (const TableSpec& spec : schema) {
    paths_.push_back(paths_to(spec, tools.specs()));
    auto& reveals = reveals_.emplace_back();
    for (const ToolSpec& tool : tools.specs())
      for (const Reveal& reveal : tool.reveals)
        if (reveal.table == spec.name && usable(tool, reveal)) reveals.emplace_back(&tool, &reveal);
  }
}

Result<std::vector<int32_t>> ToolSource::rows(int table, const std::vector<Bound>& bounds, const std::vector<int>& columns) {
  std::vector<int32_t> out;
  if (const auto row = named(table, bounds)) {
    out.push_back(*row);
    ASSAY_TRY(learn(table, out, columns));
    return out;
  }
  const TableSpec& spec = tables().tables[static_cast<size_t>(table)].spec;
  const auto chosen = choose(table, bounds, columns);
  if (!chosen) return make_error(Boundary::kTool, "no tool lists the " + spec.plural + " asked about", "task " + task_.id);
  // One call for every combination of the given columns' values.
  std::vector<ToolRequest> requests{{chosen->path.tool, chosen->path.reveal, Json::object()}};
  for (int column : chosen->path.given) {
    ASSAY_ASSIGN(const std::vector<Json> all, values(table, column, bounds));
    std::vector<ToolRequest> more;
    for (const ToolRequest& request : requests)
      for (const Json& value : all) {
        more.push_back(request);
        more.back().arguments[chosen->path.reveal->given.at(spec.columns[static_cast<size_t>(column)].name)] = value;
      }
    requests = std::move(more);
  }
  for (ToolRequest& request : requests) ask_for({columns.begin(), columns.end()}, spec, request);
  ASSAY_TRY(call(std::move(requests)));
  const Table& rows = tables().tables[static_cast<size_t>(table)];
  for (int32_t row = 0; row < rows.size(); ++row) {
    const bool listed = std::all_of(chosen->path.given.begin(), chosen->path.given.end(), [&](int column) { return rows.cell(column, row) != kUnknown; });
    if (listed && std::all_of(bounds.begin(), bounds.end(), [&](const Bound& bound) { return matches(table, bound, row); })) out.push_back(row);
  }
  ASSAY_TRY(learn(table, out, columns));
  return out;
}

// The question names it: nobody has to be asked whether it is there.
std::optional<int32_t> ToolSource::named(int table, const std::vector<Bound>& bounds) {
  const TableSpec& spec = tables().tables[static_cast<size_t>(table)].spec;
  if (!spec.is_entity()) return std::nullopt;
  const Bound* name = bound_on(bounds, spec.name_column());
  if (!name || !name->equals) return std::nullopt;
  if (spec.scope_column() < 0) return known_.hear_of(table, name->equals->text);
  const Bound* scope = bound_on(bounds, spec.scope_column());
  if (!scope || (scope->rows && scope->rows->size() != 1)) return std::nullopt;
  const int target = tables().table_index(spec.columns[static_cast<size_t>(spec.scope_column())].references);
  return known_.hear_of(table, name->equals->text, scope->rows ? scope->rows->front() : known_.hear_of(target, scope->equals->text));
}

// The fewest calls, by guess.
std::optional<ToolSource::Choice> ToolSource::choose(int table, const std::vector<Bound>& bounds, const std::vector<int>& columns) const {
  std::optional<Choice> best;
  for (const Path& path : paths_[static_cast<size_t>(table)])
    if (const double calls = cost(table, path, bounds, columns); calls >= 0 && (!best || calls < best->calls)) best = Choice{path, calls};
  return best;
}

// Below 0: it cannot be gone.
double ToolSource::cost(int table, const Path& path, const std::vector<Bound>& bounds, const std::vector<int>& columns) const {
  const TableSpec& spec = tables().tables[static_cast<size_t>(table)].spec;
  double calls = 1, before = 0;
  for (int column : path.given) {
    const ColumnSpec& given = spec.columns[static_cast<size_t>(column)];
    if (const Bound* bound = bound_on(bounds, column)) {
      calls *= bound->rows ? static_cast<double>(bound->rows->size()) : 1;
      continue;
    }
    if (given.type != ColumnType::kReference) return -1;
    const int target = tables().table_index(given.references);
    const auto list = choose(target, {}, {});
    if (!list) return -1;
    before += list->calls;
    calls *= std::max(kGuessedRows, static_cast<double>(tables().tables[static_cast<size_t>(target)].size()));
  }
  const bool all = std::all_of(columns.begin(), columns.end(), [&](int column) { return path.reveals(column); });
  if (!all && !spec.is_entity()) return -1;   // a row of a relation cannot be asked about by name
  return before + calls * (all ? 1 : kGuessedLookUps);
}

Result<std::vector<Json>> ToolSource::values(int table, int column, const std::vector<Bound>& bounds) {
  const ColumnSpec& spec = tables().tables[static_cast<size_t>(table)].spec.columns[static_cast<size_t>(column)];
  const Bound* bound = bound_on(bounds, column);
  if (bound && bound->equals) return std::vector<Json>{constant_json(*bound->equals, spec)};
  const int target = tables().table_index(spec.references);
  std::vector<int32_t> targets;
  if (bound) {
    targets = *bound->rows;
  } else {
    ASSAY_ASSIGN(targets, rows(target, {}, {}));
  }
  std::vector<Json> out;
  for (int32_t row : targets) out.emplace_back(std::string(tables().entity_name(target, row)));
  return out;
}

// An unknown cell may match for all that is known.
bool ToolSource::matches(int table, const Bound& bound, int32_t row) const {
  const Table& rows = tables().tables[static_cast<size_t>(table)];
  const int64_t cell = rows.cell(bound.column, row);
  if (cell == kUnknown) return true;
  if (cell == kNull) return false;
  if (bound.rows) return std::find(bound.rows->begin(), bound.rows->end(), static_cast<int32_t>(cell)) != bound.rows->end();
  return tables().cell_json(rows, bound.column, row) == constant_json(*bound.equals, rows.spec.columns[static_cast<size_t>(bound.column)]);
}

Status ToolSource::learn(int table, const std::vector<int32_t>& rows, const std::vector<int>& columns) {
  const Table& t = tables().tables[static_cast<size_t>(table)];
  for (;;) {
    std::vector<ToolRequest> requests;
    for (int32_t row : rows) {
      std::vector<int> unknown;
      for (int column : columns)
        if (t.cell(column, row) == kUnknown) unknown.push_back(column);
      if (unknown.empty()) continue;
      auto request = look_up(table, row, unknown);
      if (!request || made_.count({request->tool, request->arguments.dump()}))
        return make_error(Boundary::kTool, "no tool reveals '" + t.spec.columns[static_cast<size_t>(unknown[0])].name + "' of a " + t.spec.label, "task " + task_.id);
      requests.push_back(std::move(*request));
    }
    if (requests.empty()) return {};
    ASSAY_TRY(call(std::move(requests)));
  }
}

// The call that reveals the most of `columns`; of several, the most specific.
std::optional<ToolRequest> ToolSource::look_up(int table, int32_t row, const std::vector<int>& columns) const {
  const Table& t = tables().tables[static_cast<size_t>(table)];
  std::optional<ToolRequest> best;
  std::pair<size_t, size_t> best_score{0, 0};
  for (const auto& [tool, reveal] : reveals_[static_cast<size_t>(table)]) {
    const bool can = std::all_of(reveal->given.begin(), reveal->given.end(), [&](const auto& pair) { return has_value(t.cell(t.spec.column_index(pair.first), row)); });
    if (!can) continue;
    size_t revealed = 0;
    for (const auto& [column, member] : reveal->columns) revealed += contains(columns, t.spec.column_index(column));
    const std::pair<size_t, size_t> score{revealed, reveal->given.size()};
    if (revealed == 0 || score <= best_score) continue;
    best_score = score;
    best = ToolRequest{tool, reveal, Json::object()};
  }
  if (!best) return best;
  for (const auto& [column, parameter] : best->reveal->given) best->arguments[parameter] = tables().cell_json(t, t.spec.column_index(column), row);
  ask_for({columns.begin(), columns.end()}, t.spec, *best);
  return best;
}

Status ToolSource::call(std::vector<ToolRequest> requests) {
  std::vector<std::pair<ToolRequest, std::string>> fresh;
  for (ToolRequest& request : requests) {
    std::string arguments = request.arguments.dump();
    if (made_.insert({request.tool, arguments}).second) fresh.emplace_back(std::move(request), std::move(arguments));
  }
  for (size_t begin = 0; begin < fresh.size(); begin += kCallsInOneMessage) {
    const size_t end = std::min(fresh.size(), begin + kCallsInOneMessage);
    Message message;
    message.role = Role::kAssistant;
    for (size_t i = begin; i < end; ++i)
      message.tool_calls.push_back({"call_" + std::to_string(episode_.calls() + static_cast<int64_t>(i - begin) + 1), fresh[i].first.tool->name, fresh[i].second});
    ASSAY_ASSIGN(Conversation results, episode_.step(message));
    if (episode_.done()) return make_error(Boundary::kLimit, "the limits of the episode end the search (" + episode_.stop() + ")", "task " + task_.id);
    if (episode_.failed_calls() > 0) return make_error(Boundary::kTool, "a call by declaration was refused", fresh[begin].first.tool->name);
    for (size_t i = begin; i < end; ++i)
      for (const Reveal& reveal : fresh[i].first.tool->reveals)
        if (applies(reveal, fresh[i].first.arguments)) ASSAY_TRY(known_.learn(reveal, fresh[i].first.arguments, results[i - begin].text));
    transcript_.push_back(std::move(message));
    for (Message& result : results) transcript_.push_back(std::move(result));
  }
  return {};
}

Result<Exploration> ToolSource::submit(const std::string& answer) {
  for (const ToolSpec& tool : tools_.specs()) {
    if (tool.effect != ToolEffect::kSubmit) continue;
    Message message;
    message.role = Role::kAssistant;
    message.tool_calls.push_back({"call_" + std::to_string(episode_.calls() + 1), tool.name, Json{{tool.body.value("parameter", ""), answer}}.dump()});
    ASSAY_TRY(episode_.step(message));
    if (!episode_.submitted()) return make_error(Boundary::kTool, "the episode ends without a submission (" + episode_.stop() + ")", tool.name);
    transcript_.push_back(std::move(message));
    return Exploration{std::move(transcript_), episode_.answer(), episode_.calls()};
  }
  return make_error(Boundary::kTool, "no tool submits an answer", "task " + task_.id);
}

}  // namespace assay::query
