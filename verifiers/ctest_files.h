// What a run of CTest needs so that a program's status 0 says that it came to its end, and a test's name how it is registered: a list for
// CTest (@BUILD@, @PASSES@ and @FAILS@ are to be replaced), and C sources, which the list has compiled. They lie in verifiers/ctest/.
//
// A test program says all it says by its exit status, and the code under test runs inside of it: `_exit(0)`, or an exit handler that turns
// every end into one with status 0, must not pass. What does not end by a return of main is not believed, and so no test at all: a
// script of the shell, a program that calls exit(), one without a dynamic linker.
#pragma once

#include <span>
#include <string_view>

namespace assay {

struct CtestFile {
  std::string_view name, text;
};

std::span<const CtestFile> ctest_files();  // generated from the folder

}  // namespace assay
