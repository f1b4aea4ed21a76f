#include "synth/operate/world.h"

#include <algorithm>
#include <set>

namespace assay::operate {
namespace {

std::string name_in_sql(const std::string& name) {
  std::string out = "\"";
  for (char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

Json row_of(const std::vector<std::string>& columns, std::vector<Json>& cells) {
  Json row = Json::object();
  for (size_t c = 0; c < columns.size(); ++c) row[columns[c]] = std::move(cells[c]);
  return row;
}

}  // namespace

Result<std::shared_ptr<World>> World::of(const MakeRequest& request) {
  if (request.kept && *request.kept) return std::static_pointer_cast<World>(*request.kept);
  ASSAY_ASSIGN(auto world, open(*request.domain, request.part(), request.environment, request.file(), request.path()));
  if (request.kept) *request.kept = world;
  return world;
}

Result<std::shared_ptr<World>> World::open(const Domain& domain, const Json& part, std::shared_ptr<const Environment> environment,
                                           const std::string& file, const std::string& path) {
  std::shared_ptr<World> world(new World());
  ASSAY_ASSIGN(world->part_, read_part(domain, part, file, path));
  ASSAY_ASSIGN(auto database, Database::build(environment->tables));
  world->environment_ = std::move(environment);
  ASSAY_ASSIGN(world->tools_, Toolset::open(world->environment_, std::move(database)));
  world->plain_ = std::make_unique<PlainTools>(*world->tools_);
  world->requests_.resize(world->part_.requests.size());
  for (size_t i = 0; i < world->requests_.size(); ++i)
    ASSAY_TRY(world->read_candidates(i, file + ": " + path + ".requests." + world->part_.requests[i].name + ".pick"));
  return world;
}

Status World::read_candidates(size_t index, const std::string& where) {
  const Request& request = part_.requests[index];
  Requests& out = requests_[index];
  ASSAY_ASSIGN(const auto query, tools_->connection().prepare(request.pick, where));
  std::vector<std::vector<Json>> rows;
  ASSAY_TRY(query->run(Json::object(), rows));
  std::vector<std::pair<std::string, Json>> sorted;
  for (std::vector<Json>& cells : rows) {
    Json row = row_of(query->columns(), cells);
    std::string text = canonical_json(row);
    sorted.emplace_back(std::move(text), std::move(row));
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  sorted.erase(std::unique(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first == b.first; }), sorted.end());
  std::set<std::string> asked;   // by parameters alone: that is all that is said
  for (const auto& [text, row] : sorted) {
    Json parameters = row;
    for (const std::string& fact : request.facts) parameters.erase(fact);
    if (!asked.insert(canonical_json(parameters)).second)
      return make_error(Boundary::kEnvironment, "contradictory policy: one request is two rows, which differ in facts alone: " + canonical_json(parameters).substr(0, 200), where,
                        "a query with one row for each request");
  }
  out.by_case.resize(request.cases.size());
  for (auto& [text, row] : sorted) {
    const auto holds = std::find_if(request.cases.begin(), request.cases.end(), [&](const Case& each) { return each.holds(row); });
    if (holds == request.cases.end()) continue;
    const size_t which = static_cast<size_t>(holds - request.cases.begin());
    out.by_case[which].push_back(out.candidates.size());
    out.candidates.push_back({std::move(row), which});
  }
  std::string condition;
  for (const std::string& column : request.parameters)
    condition += (condition.empty() ? " WHERE " : " AND ") + name_in_sql(column) + " IS :" + column;
  ASSAY_ASSIGN(out.again, tools_->connection().prepare("SELECT * FROM (" + request.pick + ")" + condition, where));
  return {};
}

Result<Json> World::state_after(const std::vector<const std::vector<ToolCall>*>& calls) {
  ASSAY_TRY(plain_->reset());
  for (const std::vector<ToolCall>* each : calls)
    for (const ToolCall& call : *each) {
      ASSAY_ASSIGN(const Observation observation, plain_->call(call.name, call.arguments));
    }
  return plain_->state();
}

Result<bool> World::as_in_the_beginning(size_t index, const Candidate& candidate) {
  std::vector<std::vector<Json>> rows;
  ASSAY_TRY(requests_[index].again->run(candidate.row, rows));
  return rows.size() == 1 && row_of(requests_[index].again->columns(), rows[0]) == candidate.row;
}

}  // namespace assay::operate
