// The state verifier against its definition, read off plain SQL dumps of the final databases: row by row, without the changes.
#include "verifiers/state_verifier.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "envs/base/rng.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

constexpr const char* kStock = R"json({
 "format": "assay-environment/1", "domain": "stock", "notes": [],
 "tables": [
  {"name": "item", "key": ["name"], "columns": [{"name": "name"}, {"name": "count", "type": "integer"}, {"name": "weight", "type": "decimal", "decimals": 2, "equality": {"tolerance": 0.1}},
   {"name": "tags", "equality": "set"}, {"name": "parts", "equality": "bag"}, {"name": "steps", "equality": "sequence"}, {"name": "note", "equality": "ignored"}]},
  {"name": "log", "key": ["number"], "columns": [{"name": "number", "equality": "ignored"}, {"name": "what"}, {"name": "cost", "type": "decimal", "decimals": 2, "equality": {"tolerance": 0.1}}]}],
 "rows": {"item": [["a", 1, 1.0, "x, y", "p,p", "s,t", "n"], ["b", 2, 2.0, "", "", "", null], ["c", 3, 3.0, "x", "p", "s", ""]],
          "log": [["L1", "start", 0]]},
 "tools": [
  {"name": "count", "description": "", "kind": "sql_write", "effect": "write", "parameters": {"type": "object", "properties": {"name": {"type": "string"}, "by": {"type": "integer"}}},
   "body": {"writes": ["item"], "change": ["UPDATE item SET count = count + :by WHERE name = :name"]}},
  {"name": "set", "description": "", "kind": "sql_write", "effect": "write",
   "parameters": {"type": "object", "properties": {"name": {"type": "string"}, "tags": {"type": "string"}, "parts": {"type": "string"}, "steps": {"type": "string"}, "note": {"type": "string"}, "weight": {"type": "number"}}},
   "body": {"writes": ["item"], "change": ["UPDATE item SET tags = coalesce(:tags, tags), parts = coalesce(:parts, parts), steps = coalesce(:steps, steps), note = coalesce(:note, note), weight = coalesce(:weight, weight) WHERE name = :name"]}},
  {"name": "drop", "description": "", "kind": "sql_write", "effect": "write", "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
   "body": {"writes": ["item"], "change": ["DELETE FROM item WHERE name = :name"]}},
  {"name": "add", "description": "", "kind": "sql_write", "effect": "write", "parameters": {"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}},
   "body": {"writes": ["item"], "require": [{"sql": "SELECT 1 FROM log WHERE NOT EXISTS (SELECT 1 FROM item WHERE name = :name)", "else": "there already"}], "change": ["INSERT INTO item VALUES (:name, :count, 1, '', '', '', '')"]}},
  {"name": "log", "description": "", "kind": "sql_write", "effect": "write", "parameters": {"type": "object", "properties": {"what": {"type": "string"}, "cost": {"type": "number"}}},
   "body": {"writes": ["log"], "change": ["INSERT INTO log SELECT 'N' || (100 + count(*)), :what, :cost FROM log"]}},
  {"name": "submit", "description": "", "kind": "submit", "effect": "submit", "parameters": {"type": "object", "properties": {"answer": {"type": "string"}}}, "body": {"parameter": "answer"}}]
})json";

struct Stock {
  std::shared_ptr<const Environment> environment = fixture::environment(must(parse_json(kStock, "stock")));
  std::unique_ptr<Toolset> tools = must(fixture::open_toolset(environment));

  using Call = std::pair<std::string, Json>;
  struct End {
    Json state;
    std::map<std::string, std::vector<std::vector<Json>>> dump;   // plain SQL: every row of every table
  };
  End play(const std::vector<Call>& calls) {
    must(tools->reset().ok() ? Result<int>(0) : Result<int>(input_error("reset")));
    for (const auto& [tool, arguments] : calls) must(tools->call(tool, arguments.dump()));
    End end;
    end.state = must(tools->state());
    for (const char* table : {"item", "log"})
      must(tools->connection().prepare(std::string("SELECT * FROM ") + table + " ORDER BY 1, 2, 3", "dump"))->run(Json::object(), end.dump[table]).ok();
    return end;
  }
};

Stock::Call random_call(Rng& rng) {
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"}, lists = {"", "x", "x,y", "y, x", "x , x,y", "p,p", "p", "s,t", "t,s"};
  switch (rng.below(7)) {
    case 0: return {"count", {{"name", rng.pick(names)}, {"by", rng.between(-1, 1)}}};
    case 1: return {"drop", {{"name", rng.pick(names)}}};
    case 2: return {"add", {{"name", rng.pick(names)}, {"count", rng.between(1, 2)}}};
    case 3: return {"log", {{"what", rng.pick(names)}, {"cost", 0.06 * static_cast<double>(rng.below(4))}}};
    case 4: return {"set", {{"name", rng.pick(names)}, {"weight", 1 + 0.06 * static_cast<double>(rng.below(4))}}};
    case 5: return {"set", {{"name", rng.pick(names)}, {"note", rng.pick(lists)}}};
    default: return {"set", {{"name", rng.pick(names)}, {rng.below(3) == 0 ? "tags" : rng.below(2) == 0 ? "parts" : "steps", rng.pick(lists)}}};
  }
}

// ---- The definition, slowly ----

std::vector<std::string> slow_items(const std::string& text) {
  std::vector<std::string> out;
  std::string item;
  for (char c : text + ",") {
    if (c != ',' && c != ' ') item += c;
    if (c == ',' && !item.empty()) out.push_back(item), item.clear();
  }
  return out;
}

bool slow_cell(const ColumnSpec& column, const Json& a, const Json& b) {
  if (column.equality == Equality::kIgnored) return true;
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (column.type == ColumnType::kDecimal) {   // cents
    const int64_t left = std::llround(a.get<double>() * 100), right = std::llround(b.get<double>() * 100);
    return std::abs(left - right) <= (column.equality == Equality::kTolerance ? 10 : 0);
  }
  if (column.equality == Equality::kExact) return a == b;
  auto left = slow_items(a), right = slow_items(b);
  if (column.equality == Equality::kSequence) return left == right;
  if (column.equality == Equality::kBag) return std::is_permutation(left.begin(), left.end(), right.begin(), right.end());
  return std::set<std::string>(left.begin(), left.end()) == std::set<std::string>(right.begin(), right.end());
}

bool slow_row(const TableSpec& spec, const std::vector<Json>& a, const std::vector<Json>& b) {
  for (size_t c = 0; c < a.size(); ++c)
    if (!slow_cell(spec.columns[c], a[c], b[c])) return false;
  return true;
}

// All ways to pair the rows, one after the other.
bool slow_bag(const TableSpec& spec, std::vector<std::vector<Json>> left, std::vector<std::vector<Json>> right) {
  if (left.size() != right.size()) return false;
  if (left.empty()) return true;
  for (size_t i = 0; i < right.size(); ++i) {
    if (!slow_row(spec, left.back(), right[i])) continue;
    auto fewer = left, others = right;
    fewer.pop_back();
    others.erase(others.begin() + static_cast<int64_t>(i));
    if (slow_bag(spec, fewer, others)) return true;
  }
  return false;
}

bool slowly_the_same(const Tables& tables, const Stock::End& start, const Stock::End& a, const Stock::End& b) {
  for (const Table& table : tables.tables) {
    const std::string& name = table.spec.name;
    std::vector<std::vector<Json>> rest[2];
    std::map<Json, std::vector<Json>> kept[2];
    for (int side = 0; side < 2; ++side)
      for (const auto& row : (side ? b : a).dump.at(name)) {
        const auto& first = start.dump.at(name);
        const bool there = std::any_of(first.begin(), first.end(), [&](const auto& old) { return old[0] == row[0]; });
        if (there) kept[side][row[0]] = row;
        else rest[side].push_back(row);
      }
    if (kept[0].size() != kept[1].size()) return false;
    for (const auto& [key, row] : kept[0])
      if (!kept[1].count(key) || !slow_row(table.spec, row, kept[1][key])) return false;
    if (!slow_bag(table.spec, rest[0], rest[1])) return false;
  }
  return true;
}

TEST_CASE("the native verdict is that of the plain dumps of both final databases, on 10,000 pairs of random episodes") {
  Stock stock;
  const Stock::End start = stock.play({});
  REQUIRE(start.state == Json::object());
  int64_t same = 0, moved = 0;
  for (uint64_t i = 0; i < 10'000; ++i) {
    Rng rng(20260316, "state pairs", i);
    std::vector<Stock::Call> calls;
    for (int64_t k = rng.between(0, 7); k > 0; --k) calls.push_back(random_call(rng));
    const Stock::End goal = stock.play(calls);
    std::vector<Stock::Call> other = calls;
    rng.shuffle(other);
    for (int64_t k = rng.between(0, 2); k > 0; --k) {
      if (!other.empty() && rng.below(2) == 0) other[rng.below(other.size())] = random_call(rng);
      else other.push_back(random_call(rng));
    }
    const Stock::End end = stock.play(other);
    const auto verifier = must(StateVerifier::create(goal.state, stock.environment->tables, "test"));
    const bool expected = slowly_the_same(stock.environment->tables, start, goal, end);
    const Verdict verdict = verifier->judge(Outcome{"", end.state});
    INFO("pair " << i << "\ngoal " << goal.state.dump() << "\nend  " << end.state.dump());
    REQUIRE(verdict.passed == expected);
    REQUIRE(verifier->holds(end.state) == expected);
    REQUIRE(verifier->holds(goal.state));
    REQUIRE(expected == slowly_the_same(stock.environment->tables, start, end, goal));
    same += expected;
    moved += expected && end.state != goal.state;
  }
  CHECK(same > 1'000);
  CHECK(same < 9'000);
  CHECK(moved > 200);   // equal without being written the same
}

TEST_CASE("evidence tells what was done and not what should have been") {
  Stock stock;
  const Json goal = stock.play({{"count", {{"name", "a"}, {"by", 41}}}, {"log", {{"what", "secret"}, {"cost", 1}}}, {"drop", {{"name", "c"}}}}).state;
  const auto verifier = must(StateVerifier::create(goal, stock.environment->tables, "test"));
  const std::vector<std::vector<Stock::Call>> wrongs = {
      {}, {{"count", {{"name", "a"}, {"by", 1}}}}, {{"log", {{"what", "other"}, {"cost", 1}}}}, {{"drop", {{"name", "b"}}}}, {{"add", {{"name", "z"}, {"count", 1}}}}};
  for (const auto& wrong : wrongs) {
    const Verdict verdict = verifier->judge(Outcome{"", stock.play(wrong).state});
    CHECK_FALSE(verdict.passed);
    CHECK(verdict.reward == 0);
    const std::string text = to_json(verdict).dump();
    CHECK(text.find("42") == std::string::npos);
    CHECK(text.find("secret") == std::string::npos);
    CHECK(text.find("\"c\"") == std::string::npos);
  }
}

TEST_CASE("each kind of difference fails the check it belongs to") {
  Stock stock;
  const auto verifier = must(StateVerifier::create(stock.play({{"count", {{"name", "a"}, {"by", 1}}}}).state, stock.environment->tables, "test"));
  const auto failed = [&](const Json& state) {
    std::vector<std::string> out;
    for (const Check& check : verifier->judge(Outcome{"", state}).checks)
      if (!check.passed) out.push_back(check.name);
    return out;
  };
  const Json right = stock.play({{"count", {{"name", "a"}, {"by", 1}}}}).state;
  CHECK(failed(right).empty());
  CHECK(failed(Json::object()) == std::vector<std::string>{"state.item"});
  CHECK(failed(stock.play({{"count", {{"name", "a"}, {"by", 1}}}, {"log", {{"what", "x"}, {"cost", 0}}}}).state) == std::vector<std::string>{"collateral"});
  CHECK(failed(stock.play({{"count", {{"name", "a"}, {"by", 1}}}, {"set", {{"name", "b"}, {"note", "fine"}}}}).state).empty());
}

TEST_CASE("a row that stands in a change twice counts for no other") {
  Stock stock;
  const Json goal = stock.play({{"drop", {{"name", "a"}}}, {"drop", {{"name", "b"}}}, {"count", {{"name", "c"}, {"by", 1}}}}).state;
  const auto verifier = must(StateVerifier::create(goal, stock.environment->tables, "test"));
  CHECK(verifier->holds(goal));
  for (const char* kind : {"removed", "changed"}) {
    Json twice = goal;
    Json& entries = twice["item"][kind];
    if (entries.size() > 1) entries[1] = entries[0];
    else entries.push_back(entries[0]);
    CHECK_FALSE(verifier->holds(twice));
    CHECK_FALSE(verifier->judge(Outcome{"", twice}).passed);
  }
}

TEST_CASE("any JSON gives a verdict, and nothing but the form of a change is taken for one") {
  Stock stock;
  const Json goal = stock.play({{"count", {{"name", "a"}, {"by", 1}}}, {"log", {{"what", "x"}, {"cost", 1}}}}).state;
  const auto verifier = must(StateVerifier::create(goal, stock.environment->tables, "test"));
  CHECK(verifier->holds(goal));
  for (const char* text : {"null", "[]", "7", "\"{}\"", "{\"item\":7}", "{\"items\":{}}", "{\"item\":{\"changed\":{}}}", "{\"item\":{\"changed\":[7]}}",
                           "{\"item\":{\"changed\":[{\"key\":{\"name\":\"a\"}}]}}", "{\"item\":{\"changed\":[{\"key\":7,\"from\":{},\"to\":{}}]}}",
                           "{\"item\":{\"changed\":[{\"key\":{\"name\":\"a\"},\"from\":{\"x\":1},\"to\":{\"x\":2}}]}}",
                           "{\"item\":{\"changed\":[{\"key\":{\"name\":\"a\"},\"from\":{\"count\":1},\"to\":{\"note\":2}}]}}",
                           "{\"log\":{\"added\":[{\"what\":\"x\"}]}}", "{\"log\":{\"renamed\":[]}}", "{\"log\":{\"removed\":[[]]}}"}) {
    INFO(text);
    const Json state = Json::parse(text);
    CHECK_FALSE(verifier->holds(state));
    CHECK_FALSE(verifier->judge(Outcome{"", state}).passed);
    if (state.is_object()) CHECK_FALSE(StateVerifier::create(state, stock.environment->tables, "test").ok());
  }
  Rng rng(7, "any state");
  for (int i = 0; i < 2'000; ++i) {   // one character of the right state changed: never a crash, and right only if it says the same
    std::string text = goal.dump();
    text[rng.below(text.size())] = static_cast<char>(' ' + rng.below(95));
    const Json state = Json::parse(text, nullptr, false);
    if (state.is_discarded()) continue;
    CHECK(verifier->holds(state) == verifier->judge(Outcome{"", state}).passed);
  }
}

}  // namespace
}  // namespace assay
