// What the two reports of Rust's test harness share. `cargo test` says on standard error which program it starts; where that is among
// the lines, ids begin with the program's name, without the hash that cargo gives it: "shop::tests::adds".
#pragma once

#include <string>
#include <string_view>

namespace assay {

class LibtestTarget {
 public:
  // Whether the line names a program: "     Running unittests src/lib.rs (target/debug/deps/shop-0123456789abcdef)", "   Doc-tests shop".
  bool read(std::string_view line);
  // The id of a test; the lines of documentation tests, "src/lib.rs - add (line 3)", are left out, for they move with every change.
  std::string_view id(std::string_view test);

 private:
  std::string target_, id_;
};

}  // namespace assay
