#include "synth/mine/paths.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

namespace assay {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 32);
  return out;
}

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

template <size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Whether `word` is one of the words that a name in lower case is put together from with '_', '-' and '.'.
bool has_word(std::string_view name, std::string_view word) {
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find_first_of("_-.", at), name.size());
    if (name.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

bool is_test_folder(std::string_view name) {
  constexpr std::array<std::string_view, 25> kNames{
      "test", "tests", "__tests__", "spec", "specs", "testdata", "test-data", "test_data", "testcases", "fixtures", "__fixtures__", "__snapshots__", "__mocks__",
      "unittest", "unittests", "unit-tests", "unit_tests", "integration-tests", "integration_tests", "functional-tests", "e2e", "androidtest", "testfixtures", "test-suite", "jvmtest"};
  if (is_one_of(name, kNames)) return true;
  // "test-utils", "regression_tests": a folder of helpers or of one kind of tests.
  return name.starts_with("test_") || name.starts_with("test-") || name.ends_with("_test") || name.ends_with("-test") || name.ends_with("_tests") || name.ends_with("-tests");
}

// "FooTest", "FooTests", "FooTestCase", "FooIT", "FooSpec", "TestFoo": words begin with capitals, so Contest and Latest are none.
bool is_test_class(std::string_view stem) {
  for (std::string_view end : {"Test", "Tests", "TestCase", "IT", "Spec", "Suite"})
    if (stem.ends_with(end) && (stem.size() == end.size() || !is_upper(stem[stem.size() - end.size() - 1]))) return end != "Suite" || stem.size() > end.size();
  return stem.starts_with("Test") && stem.size() > 4 && is_upper(stem[4]);
}

bool is_test_file(std::string_view file, std::string_view language) {
  const std::string name = lower(file);
  const std::string_view stem = std::string_view(name).substr(0, name.find('.', name.starts_with('.') ? 1 : 0));
  const std::string_view exact = file.substr(0, stem.size());
  if (name == "conftest.py" || name == "pytest.ini" || name == "phpunit.xml" || name == "phpunit.xml.dist" || name == ".mocharc.yml" || name == ".mocharc.json") return true;
  if (name.starts_with("jest.config.") || name.starts_with("vitest.config.") || name.ends_with(".phpt") || name.ends_with(".snap")) return true;
  if (language.empty()) return false;
  if (language == "python") return stem.starts_with("test_") || stem.ends_with("_test") || stem.ends_with("_tests") || stem == "test" || stem == "tests";
  if (language == "go") return stem.ends_with("_test");
  if (language == "rust") return stem == "test" || stem == "tests" || stem.ends_with("_test") || stem.ends_with("_tests") || stem.starts_with("test_");
  if (language == "javascript" || language == "typescript") {
    const size_t dot = name.rfind('.');
    return stem == "test" || stem == "tests" || has_word(std::string_view(name).substr(stem.size(), dot - stem.size()), "test") ||
           has_word(std::string_view(name).substr(stem.size(), dot - stem.size()), "spec") || stem.ends_with("-test") || stem.ends_with("_test") ||
           stem.ends_with("-spec") || stem.ends_with("_spec") || stem.starts_with("test-") || stem.starts_with("test_");
  }
  if (language == "c" || language == "cpp")
    return stem == "test" || stem == "tests" || stem.starts_with("test_") || stem.starts_with("test-") || stem.ends_with("_test") || stem.ends_with("-test") || stem.ends_with("_tests") ||
           stem.ends_with("-tests") || stem.ends_with("_unittest") || is_test_class(exact);
  if (language == "ruby") return stem.ends_with("_spec") || stem.ends_with("_test") || stem.starts_with("test_");
  return is_test_class(exact);
}

bool is_config(std::string_view file) {
  const std::string name = lower(file);
  constexpr std::array<std::string_view, 24> kNames{
      "cmakelists.txt", "makefile", "gnumakefile", "meson.build", "meson_options.txt", "configure.ac", "makefile.am", "setup.py", "package.json", "go.mod", "build.gradle",
      "build.gradle.kts", "settings.gradle", "pom.xml", "composer.json", "cargo.toml", "dockerfile", "noxfile.py", "tasks.py", "gemfile", "rakefile", "build.rs", "gulpfile.js", "manifest.in"};
  if (is_one_of(name, kNames) || name.starts_with("requirements") || name.starts_with(".")) return true;
  for (std::string_view end : {".cmake", ".toml", ".cfg", ".ini", ".yml", ".yaml", ".gradle", ".m4", ".bazel", ".bzl", ".nix", ".props", ".csproj", ".config.js", ".config.ts", ".config.mjs", ".config.cjs"})
    if (name.ends_with(end)) return true;
  return name.starts_with("tsconfig") && name.ends_with(".json");
}

bool is_generated(std::string_view file) {
  const std::string name = lower(file);
  constexpr std::array<std::string_view, 10> kNames{"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "cargo.lock", "go.sum", "poetry.lock", "composer.lock", "gemfile.lock", "uv.lock", "npm-shrinkwrap.json"};
  if (is_one_of(name, kNames)) return true;
  for (std::string_view end : {".min.js", ".min.css", ".map", ".pb.go", "_pb2.py", "_pb2_grpc.py", ".pb.cc", ".pb.h", ".generated.ts", ".g.cs", "_generated.go"})
    if (name.ends_with(end)) return true;
  return false;
}

bool is_docs(std::string_view file) {
  const std::string name = lower(file);
  for (std::string_view end : {".md", ".rst", ".adoc", ".mdx", ".markdown", ".txt", ".tex", ".1", ".html", ".css", ".svg", ".png"})
    if (name.ends_with(end)) return true;
  for (std::string_view begin : {"license", "licence", "copying", "readme", "changelog", "changes", "history", "authors", "contributors", "news", "notice"})
    if (name == begin || name.starts_with(std::string(begin) + ".")) return true;
  return false;
}

}  // namespace

std::string path_language(std::string_view path) {
  static const std::map<std::string, std::string, std::less<>> kLanguages{
      {"py", "python"}, {"pyx", "python"}, {"pyi", "python"}, {"js", "javascript"}, {"jsx", "javascript"}, {"mjs", "javascript"}, {"cjs", "javascript"}, {"ts", "typescript"},
      {"tsx", "typescript"}, {"mts", "typescript"}, {"cts", "typescript"}, {"c", "c"}, {"cc", "cpp"}, {"cpp", "cpp"}, {"cxx", "cpp"}, {"c++", "cpp"}, {"h", "cpp"}, {"hh", "cpp"},
      {"hpp", "cpp"}, {"hxx", "cpp"}, {"ipp", "cpp"}, {"inl", "cpp"}, {"inc", "cpp"}, {"tpp", "cpp"}, {"java", "java"}, {"kt", "kotlin"}, {"scala", "scala"}, {"go", "go"}, {"rs", "rust"},
      {"php", "php"}, {"rb", "ruby"}, {"cs", "csharp"}, {"swift", "swift"}};
  const std::string_view file = path.substr(path.rfind('/') + 1);
  const size_t dot = file.rfind('.');
  if (dot == file.npos) return "";
  const auto it = kLanguages.find(lower(file.substr(dot + 1)));
  return it == kLanguages.end() ? "" : it->second;
}

PathRole path_role(std::string_view path) {
  constexpr std::array<std::string_view, 9> kVendors{"vendor", "third_party", "third-party", "thirdparty", "3rdparty", "node_modules", "external", "extern", "bundled"};
  constexpr std::array<std::string_view, 9> kDocs{"doc", "docs", "documentation", "examples", "example", "website", "samples", "changelog.d", "newsfragments"};
  const size_t slash = path.rfind('/');
  const std::string_view file = slash == path.npos ? path : path.substr(slash + 1);
  const std::string language = path_language(path);
  std::vector<std::string> folders;
  for (size_t at = 0; slash != path.npos && at <= slash;) {
    const size_t end = path.find('/', at);
    folders.push_back(lower(path.substr(at, end - at)));
    at = end + 1;
  }
  for (const std::string& folder : folders)
    if (is_one_of(folder, kVendors)) return PathRole::kVendored;
  if (is_generated(file)) return PathRole::kGenerated;
  for (const std::string& folder : folders)
    if (is_test_folder(folder)) return PathRole::kTest;
  // Inside of a package it is a library for tests (numpy/testing), beside it the tests themselves.
  if (!folders.empty() && folders[0] == "testing") return PathRole::kTest;
  if (is_test_file(file, language)) return PathRole::kTest;
  if (is_config(file)) return PathRole::kConfig;
  for (const std::string& folder : folders) {
    if (folder.starts_with('.')) return PathRole::kConfig;   // .github/
    if (is_one_of(folder, kDocs)) return PathRole::kDocs;
  }
  if (!language.empty()) return PathRole::kSource;
  return is_docs(file) ? PathRole::kDocs : PathRole::kOther;
}

bool link_stays_inside(std::string_view path, std::string_view target) {
  auto depth = std::count(path.begin(), path.end(), '/');
  if (target.empty() || target.front() == '/' || target.find('\0') != target.npos) return false;
  bool down = false;
  for (size_t at = 0; at <= target.size();) {
    const size_t end = std::min(target.find('/', at), target.size());
    const std::string_view name = target.substr(at, end - at);
    if (name == "..") {
      if (down || --depth < 0) return false;
    } else if (!name.empty() && name != ".") {
      down = true;
    }
    at = end + 1;
  }
  return true;
}

}  // namespace assay
