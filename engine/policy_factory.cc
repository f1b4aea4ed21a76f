#include "engine/policy_factory.h"

namespace assay {

Result<std::unique_ptr<Policy>> make_policy(const std::string& spec, PolicyOptions options) {
  const size_t colon = spec.find(':');
  const std::string name = spec.substr(0, colon);
  options.argument = colon == std::string::npos ? "" : spec.substr(colon + 1);
  std::vector<std::string> known;
  for (const PolicyFactory& factory : policies::all()) {
    if (factory.name == name) return factory.create(options);
    known.push_back(factory.name);
  }
  return unknown_name("policy", name, known);
}

}  // namespace assay
