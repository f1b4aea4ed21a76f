#include "synth/mine/paths.h"

#include <catch2/catch.hpp>

namespace assay {

TEST_CASE("tests are told from their names by the conventions of each language") {
  for (const char* path : {
           "tests/a.py", "test/data/x.json", "pkg/tests/helpers.py", "test_a.py", "pkg/a_test.py", "conftest.py", "testing/test_x.py", "testing/benchmark.py", "src/__tests__/a.js", "src/a.test.ts",
           "src/a.spec.tsx", "test.js", "a_test.go", "pkg/testdata/in.txt", "src/test/java/A.java", "src/main/java/FooTest.java", "app/TestFoo.java", "app/FooIT.java", "app/FooTestCase.java", "tests/it.rs",
           "src/parser/tests.rs", "src/lexer_test.rs", "src/a_test.cc", "src/a-test.cpp", "src/FooTest.cpp", "src/a_unittest.cc", "test_main.c", "tests/CMakeLists.txt", "FooTest.php", "Zend/tests/a.phpt",
           "__snapshots__/a.snap", "spec/a_spec.rb", "crates/x/test-suite/a.rs", "integration_tests/run.sh", "LatestTest.java", "vitest.config.ts"}) {
    INFO(path);
    CHECK(path_role(path) == PathRole::kTest);
  }
}

TEST_CASE("names that only look like tests are none") {
  for (const char* path : {"latest/a.py", "contest.py", "src/contest.cc", "attestation/verify.go", "src/Latest.java", "src/Contest.java", "pkg/latest.js", "src/greatest.rs", "lib/protest.php", "numpy/testing/utils.py",
                           "src/testimony.ts", "src/fastest.cpp", "inspect.py", "spectrum/a.py", "src/Latest.cpp", "src/mytest.py", "app/Audit.java", "app/Commit.java"}) {
    INFO(path);
    CHECK(path_role(path) == PathRole::kSource);
  }
}

TEST_CASE("what is neither source nor test has a role of its own") {
  CHECK(path_role("docs/a.md") == PathRole::kDocs);
  CHECK(path_role("docs/conf.py") == PathRole::kDocs);
  CHECK(path_role("README.rst") == PathRole::kDocs);
  CHECK(path_role("CHANGELOG") == PathRole::kDocs);
  CHECK(path_role("setup.py") == PathRole::kConfig);
  CHECK(path_role("CMakeLists.txt") == PathRole::kConfig);
  CHECK(path_role(".github/workflows/ci.yml") == PathRole::kConfig);
  CHECK(path_role("package-lock.json") == PathRole::kGenerated);
  CHECK(path_role("src/x.pb.go") == PathRole::kGenerated);
  CHECK(path_role("third_party/zlib/test/a.c") == PathRole::kVendored);
  CHECK(path_role("vendor/x/a_test.go") == PathRole::kVendored);
  CHECK(path_role("logo.ico") == PathRole::kOther);
  CHECK(path_role("") == PathRole::kOther);
}

TEST_CASE("languages are told from extensions") {
  CHECK(path_language("a/b.PY") == "python");
  CHECK(path_language("a.b/c") == "");
  CHECK(path_language("x.tsx") == "typescript");
  CHECK(path_language("x.h") == "cpp");
}

TEST_CASE("a link stays inside only if no other link on its way can lead it out") {
  CHECK(link_stays_inside("a", "b"));
  CHECK(link_stays_inside("a/b", "../c"));
  CHECK(link_stays_inside("a/b", "./c/d"));
  CHECK_FALSE(link_stays_inside("a", "../c"));
  CHECK_FALSE(link_stays_inside("a/b", "../../c"));
  CHECK_FALSE(link_stays_inside("a/b", "/etc"));
  CHECK_FALSE(link_stays_inside("a/b", "c/../../d"));   // c may be a link to here
  CHECK_FALSE(link_stays_inside("a", ""));
}

}  // namespace assay
