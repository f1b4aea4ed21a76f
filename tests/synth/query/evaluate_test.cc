// The native evaluation, and the verifier made from it, against plain SQL.
#include <chrono>
#include <cmath>

#include "envs/database.h"
#include "synth/query/draw.h"
#include "synth/query/evaluate.h"
#include "synth/query/words.h"
#include "tests/synth/fixture.h"
#include "tests/synth/query/plan_sql.h"
#include "verifiers/value_verifier.h"

using namespace assay;
using namespace assay::query;
using fixture::must;

namespace {

int64_t minutes_or_days(const std::string& text) {
  int a = 0, b = 0, c = 0;
  if (text.size() == 5) {
    std::sscanf(text.c_str(), "%d:%d", &a, &b);
    return a * 60 + b;
  }
  std::sscanf(text.c_str(), "%d-%d-%d", &a, &b, &c);
  return std::chrono::sys_days(std::chrono::year(a) / b / c).time_since_epoch().count();
}

class SqlAnswers {
 public:
  explicit SqlAnswers(const Tables& tables) : tables_(tables), connection_(must(Connection::open(must(Database::build(tables))))) {}

  std::vector<Json> answer(const Question& question) {
    const std::string sql = sql_of(question, tables_);
    INFO(sql);
    std::vector<std::vector<Json>> rows;
    const Status status = must(connection_->prepare(sql, "test"))->run(Json::object(), rows);
    if (!status.ok()) FAIL(status.error().text());
    std::vector<Json> out;
    for (auto& row : rows) out.push_back(std::move(row.at(0)));
    std::erase(out, Json());
    if (question.minus && !out.empty()) out = difference(out, answer(*question.minus));
    return out;
  }

 private:
  static std::vector<Json> difference(const std::vector<Json>& left, const std::vector<Json>& right) {
    if (right.empty()) return {};
    if (left[0].is_string()) return {std::abs(minutes_or_days(left[0].get<std::string>()) - minutes_or_days(right[0].get<std::string>()))};
    return {std::fabs(left[0].get<double>() - right[0].get<double>())};
  }

  const Tables& tables_;
  std::unique_ptr<Connection> connection_;
};

bool agree(const Evaluated& native, std::vector<Json> sql) {
  if (native.empty) return sql.empty();
  if (native.value.is_text) {
    std::vector<std::string> texts;
    for (const Json& cell : sql) texts.push_back(cell.get<std::string>());
    std::sort(texts.begin(), texts.end());
    return texts == native.value.texts;
  }
  return sql.size() == 1 && std::fabs(sql[0].get<double>() - native.value.number()) <= 1e-9 * std::max(1.0, std::fabs(native.value.number()));
}

// What an agent would hand in that got this from SQL.
std::string answer_text(const Question& question, const std::vector<Json>& sql) {
  if (question.ask == Question::Ask::kNames) return Json(sql).dump();
  return sql[0].is_number_float() && sql[0].get<double>() == std::round(sql[0].get<double>()) ? std::to_string(std::llround(sql[0].get<double>())) : sql[0].dump();
}

// Whether two answers from SQL are the same one: texts in any order, averages to two places at least.
bool same_answer(const Question& question, std::vector<Json> left, std::vector<Json> right, int decimals) {
  if (!left[0].is_number()) {
    std::sort(left.begin(), left.end());
    std::sort(right.begin(), right.end());
    return left == right;
  }
  const bool average = question.ask == Question::Ask::kAggregate && question.how == Aggregate::kAverage;
  return std::fabs(left[0].get<double>() - right[0].get<double>()) <= (average ? 0.5 * std::pow(10, -std::max(2, decimals)) : 0) + 1e-6;
}

// Some cells lose their values, as imported data have it.
Tables with_gaps(Tables tables, uint64_t seed) {
  Rng rng(seed, "gaps");
  for (Table& table : tables.tables)
    for (size_t c = 0; c < table.columns.size(); ++c) {
      const bool key = std::find(table.spec.key.begin(), table.spec.key.end(), table.spec.columns[c].name) != table.spec.key.end();
      for (int64_t& cell : table.columns[c])
        if (!key && rng.below(20) == 0) cell = kNull;
    }
  return tables;
}

}  // namespace

TEST_CASE("native evaluation and verifier agree with plain SQL on 10,000 answers") {
  std::vector<std::shared_ptr<const Domain>> domains;
  for (const std::string& name : domain_names())
    if (const auto domain = must(load_domain(name)); domain->archetypes.contains("query")) domains.push_back(domain);
  int64_t judged = 0, passed = 0, with_missing = 0, wrong = 0, misjudged = 0;
  std::string first_wrong;
  for (int64_t number = 0; judged < 10'000; ++number) {
    const Domain& domain = *domains[static_cast<size_t>(number / 2) % domains.size()];
    const QueryOptions options = must(read_options(domain, domain.archetypes.at("query"), domain.name + ".json", "$"));
    Environment gapped = *must(generate_environment(domain, 5, number));
    const auto report = must(check_environment(std::make_shared<Environment>(gapped), 1));
    if (number % 2 == 1) gapped.tables = with_gaps(std::move(gapped.tables), static_cast<uint64_t>(number));
    const Tables& tables = gapped.tables;
    SqlAnswers sql(tables);
    TableSource source(tables);
    const Drawable drawable(gapped, *report, options);
    for (uint64_t i = 0; i < 100; ++i) {
      Rng rng(static_cast<uint64_t>(number), "plans", i);
      const auto drawn = draw_question(drawable, source, options.levels.at(static_cast<int>(i % 5) + 1), rng);
      if (!drawn) continue;
      const Evaluated right = must(evaluate(*drawn, source));
      const bool has_answer = !right.tie && !right.empty;
      const auto verifier = has_answer ? must(ValueVerifier::create(expected_of(*drawn, right.value), "test")) : nullptr;
      const std::vector<Json> right_sql = sql.answer(*drawn);
      std::vector<Question> questions{*drawn};
      for (Variation& variation : variations(*drawn, tables)) questions.push_back(std::move(variation.question));
      for (const Question& question : questions) {
        const Evaluated native = must(evaluate(question, source));
        if (native.tie) continue;   // SQL takes any of them
        with_missing += native.missing;
        const std::vector<Json> found = sql.answer(question);
        if (!agree(native, found) && ++wrong == 1) first_wrong = sql_of(question, tables);
        if (!has_answer || found.empty()) continue;
        ++judged;
        const bool pass = verifier->judge(answer_text(question, found)).passed;
        passed += pass;
        if (pass != same_answer(question, right_sql, found, right.value.decimals) && ++misjudged == 1) first_wrong = sql_of(question, tables);
      }
    }
  }
  INFO(first_wrong);
  CHECK(wrong == 0);
  CHECK(misjudged == 0);
  CHECK(with_missing > 1'000);
  CHECK(passed > 1'000);
  CHECK(judged - passed > 5'000);
}
