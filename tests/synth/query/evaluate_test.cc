// The native evaluation against plain SQL, and what it says of answers that are no good as the only one.
#include <chrono>
#include <cmath>

#include "envs/database.h"
#include "synth/query/draw.h"
#include "synth/query/evaluate.h"
#include "tests/synth/fixture.h"
#include "tests/synth/query/plan_sql.h"

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
    if (question.minus && !out.empty()) out = difference(out, answer(*question.minus));
    return out;
  }

 private:
  static std::vector<Json> difference(const std::vector<Json>& left, const std::vector<Json>& right) {
    if (left[0].is_null() || right.empty() || right[0].is_null()) return {};
    if (left[0].is_string()) return {std::abs(minutes_or_days(left[0].get<std::string>()) - minutes_or_days(right[0].get<std::string>()))};
    return {std::fabs(left[0].get<double>() - right[0].get<double>())};
  }

  const Tables& tables_;
  std::unique_ptr<Connection> connection_;
};

bool agree(const Evaluated& native, std::vector<Json> sql) {
  std::erase(sql, Json());
  if (native.empty) return sql.empty();
  if (native.value.is_text) {
    std::vector<std::string> texts;
    for (const Json& cell : sql) texts.push_back(cell.get<std::string>());
    std::sort(texts.begin(), texts.end());
    return texts == native.value.texts;
  }
  return sql.size() == 1 && std::fabs(sql[0].get<double>() - native.value.number()) <= 1e-9 * std::max(1.0, std::fabs(native.value.number()));
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

TEST_CASE("the native evaluation agrees with plain SQL on 10,000 answers") {
  const Domain& domain = fixture::travel();
  const QueryOptions options = must(read_options(domain, domain.archetypes.at("query"), "travel.json", "$"));
  int64_t compared = 0, with_missing = 0, wrong = 0;
  std::string first_wrong;
  for (int64_t number = 0; compared < 10'000; ++number) {
    Environment gapped = *must(generate_environment(domain, 5, number));
    const auto report = must(check_environment(std::make_shared<Environment>(gapped), 1));
    if (number % 2 == 1) gapped.tables = with_gaps(std::move(gapped.tables), static_cast<uint64_t>(number));
    const Tables& tables = gapped.tables;
    SqlAnswers sql(tables);
    TableSource source(tables);
    const Drawable drawable(gapped, *report, options);
    for (uint64_t i = 0; i < 300; ++i) {
      Rng rng(static_cast<uint64_t>(number), "plans", i);
      const auto drawn = draw_question(drawable, source, options.levels.at(static_cast<int>(i % 5) + 1), rng);
      if (!drawn) continue;
      std::vector<Question> questions{*drawn};
      for (Variation& variation : variations(*drawn, tables)) questions.push_back(std::move(variation.question));
      for (const Question& question : questions) {
        const Evaluated native = must(evaluate(question, source));
        if (native.tie) continue;   // SQL takes any of them
        ++compared;
        with_missing += native.missing;
        if (agree(native, sql.answer(question))) continue;
        if (++wrong == 1) first_wrong = sql_of(question, tables);
      }
    }
  }
  INFO(first_wrong);
  CHECK(wrong == 0);
  CHECK(with_missing > 1'000);
}
