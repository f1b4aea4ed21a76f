#include "envs/base/status.h"

#include <cstdio>
#include <cstdlib>

namespace assay {

std::string boundary_name(Boundary boundary) {
  switch (boundary) {
    case Boundary::kInput: return "input";
    case Boundary::kPolicy: return "policy";
    case Boundary::kTool: return "tool";
    case Boundary::kSandbox: return "sandbox";
    case Boundary::kEnvironment: return "environment";
    case Boundary::kVerifier: return "verifier";
    case Boundary::kStore: return "store";
    case Boundary::kLimit: return "limit";
    case Boundary::kInternal: return "internal";
  }
  return "internal";
}

std::string Error::text() const {
  std::string out = where.empty() ? what : where + ": " + what;
  if (!hint.empty()) out += " (try: " + hint + ")";
  return out;
}

Error make_error(Boundary boundary, std::string what, std::string where, std::string hint) {
  return Error{boundary, std::move(what), std::move(where), std::move(hint)};
}

Error input_error(std::string what, std::string where, std::string hint) {
  return make_error(Boundary::kInput, std::move(what), std::move(where), std::move(hint));
}

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "assay: internal error: %s does not hold at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace assay
