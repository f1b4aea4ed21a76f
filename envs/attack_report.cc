#include "envs/attack_report.h"

namespace assay {
namespace {

constexpr const char* kFormat = "assay-attack/1";

Result<AttackHit> hit_from_json(const Json& json, const std::string& where, const std::string& path) {
  JsonReader r(json, where, path);
  AttackHit hit{r.text("category"), r.text("attempt"), r.text("answer")};
  ASSAY_TRY(r.finish());
  return hit;
}

}  // namespace

void AttackTally::add(const AttackTally& other) {
  tried += other.tried;
  right += other.right;
  hits += other.hits;
}

AttackTally AttackReport::total() const {
  AttackTally total;
  for (const auto& [category, tally] : categories) total.add(tally);
  return total;
}

void AttackReport::add(const AttackReport& other) {
  for (const auto& [category, tally] : other.categories) categories[category].add(tally);
  for (const AttackHit& hit : other.hits)
    if (hits.size() < kHitsKept) hits.push_back(hit);
}

Json to_json(const AttackReport& report) {
  Json hits = Json::object(), examples = Json::array();
  for (const auto& [category, tally] : report.categories)
    if (tally.hits > 0) hits[category] = tally.hits;
  for (const AttackHit& hit : report.hits)
    examples.push_back({{"category", hit.category}, {"attempt", hit.attempt}, {"answer", hit.answer}});
  const AttackTally total = report.total();
  return {{"format", kFormat}, {"catalogue", report.catalogue}, {"tried", total.tried}, {"right", total.right},
          {"hits", std::move(hits)}, {"examples", std::move(examples)}};
}

Result<AttackReport> attack_report_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$");
  if (r.text("format") != kFormat) r.fail("format", std::string("expected ") + kFormat);
  AttackReport report;
  report.catalogue = r.text("catalogue");
  report.categories[""] = {r.integer("tried", {.minimum = 0}), r.integer("right", {.minimum = 0}), 0};
  const Json &hits = r.object("hits"), &examples = r.array("examples");
  if (hits.is_object())
    for (const auto& [category, count] : hits.items()) {
      if (!count.is_number_integer()) r.fail("hits." + category, "expected a count");
      else report.categories[category].hits = count.get<int64_t>();
    }
  ASSAY_TRY(r.finish());
  for (size_t i = 0; i < examples.size(); ++i) {
    ASSAY_ASSIGN(AttackHit hit, hit_from_json(examples[i], where, "$.examples[" + std::to_string(i) + "]"));
    report.hits.push_back(std::move(hit));
  }
  return report;
}

Result<AttackReport> newest_attack_report(const Json& observations, const std::string& where) {
  for (auto it = observations.rbegin(); it != observations.rend(); ++it)
    if (it->at("name") == kAttackObservation) return attack_report_from_json(it->at("value"), where);
  return AttackReport();
}

}  // namespace assay
