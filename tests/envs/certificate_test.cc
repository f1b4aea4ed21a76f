#include "envs/certificate.h"

#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

Certificate sample() {
  Certificate out;
  out.task = std::string(64, 'a');
  out.versions = "assay 0.1.0";
  out.sound = out.gold_passes = out.solutions_exact = true;
  out.mutants = {{"c0.all_different", "city", "killed", "[]"}, {"c1.compare", "", "impossible", ""}};
  out.redundant = {"c1.compare"};
  out.solutions = 12;
  out.chance_hits = 1, out.chance_tries = 10'000;
  out.feasible_low = 0.1, out.feasible_high = 0.30000000000000004;
  seal_certificate(out);
  return out;
}

TEST_CASE("a certificate reads back from its JSON with the same identity") {
  const Certificate certificate = sample();
  const Certificate back = must(certificate_from_json(must(parse_json(canonical_json(to_json(certificate)), "t")), "t"));
  CHECK(back.id == certificate.id);
  CHECK(to_json(back) == to_json(certificate));
  CHECK(back.chance_rate() == 0.0001);
  CHECK(Certificate().chance_rate() == 1);
}

TEST_CASE("every claim is part of a certificate's identity, and none may be missing or of another type") {
  const Json good = to_json(sample());
  for (const auto& [key, value] : good.items()) {
    INFO(key);
    Json bad = good;
    bad.erase(key);
    CHECK_FALSE(certificate_from_json(bad, "t").ok());
    bad[key] = Json::object({{"x", 1}});
    CHECK_FALSE(certificate_from_json(bad, "t").ok());
    if (key == "format") continue;
    Json other = good;
    if (value.is_boolean()) other[key] = !value.get<bool>();
    else if (value.is_number_integer()) other[key] = value.get<int64_t>() + 1;
    else if (value.is_number()) other[key] = value.get<double>() + 0.25;
    else if (value.is_string()) other[key] = value.get<std::string>() + "x";
    else if (key == "mutants") other[key][0]["outcome"] = "survived";
    else other[key].push_back("more");
    CHECK(must(certificate_from_json(other, "t")).id != sample().id);
  }
}

}  // namespace
}  // namespace assay
