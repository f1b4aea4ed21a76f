// Rust keeps unit tests in the file that they test: items under #[cfg(test)]. Only those at the file's outermost level count, whose
// order among other items means nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct LineRange {
  int64_t first = 0, last = 0;   // from 1, both inside
  bool operator==(const LineRange&) const = default;
};

// The lines of outermost items under #[cfg(test)], attributes included, in order. Total: of a file that is not Rust, something.
std::vector<LineRange> rust_test_lines(std::string_view source);

// `file` with the in-file tests of `tested` instead of its own, at its end: what an agent left, under the tests that judge it.
std::string with_rust_tests_of(std::string_view file, std::string_view tested);

}  // namespace assay
