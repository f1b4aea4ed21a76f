#include "verifiers/libtest.h"

#include <algorithm>
#include <cctype>

#include "verifiers/test_report.h"
#include "verifiers/untrusted_text.h"

namespace assay {

bool LibtestTarget::read(std::string_view line) {
  line = trimmed(line);
  if (skip(line, "Doc-tests ")) {
    target_ = line.substr(0, kTestIdBytes);
    return true;
  }
  if (!skip(line, "Running ") || !line.ends_with(')')) return false;
  const size_t open = line.rfind('(');
  if (open == std::string_view::npos) return false;
  line = line.substr(open + 1, line.size() - open - 2);
  line.remove_prefix(std::min(line.rfind('/') + 1, line.size()));
  const std::string_view hash = line.substr(std::min(line.rfind('-') + 1, line.size()));
  if (hash.size() == 16 && hash.size() < line.size() && std::all_of(hash.begin(), hash.end(), [](unsigned char c) { return std::isxdigit(c); }))
    line.remove_suffix(17);
  target_ = line.substr(0, kTestIdBytes);
  return true;
}

std::string_view LibtestTarget::id(std::string_view test) {
  if (test.ends_with(')'))
    if (const size_t at = test.rfind(" (line "); at != std::string_view::npos && test.find(" - ") < at) test = test.substr(0, at);
  if (target_.empty()) return test;
  id_.assign(target_).append("::").append(test.substr(0, kTestIdBytes));
  return id_;
}

}  // namespace assay
