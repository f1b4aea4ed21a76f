#include "verifiers/canary.h"

#include <algorithm>
#include <array>

#include "verifiers/canary_names.h"

namespace assay {
namespace {

// Words that names of tests are made of anyway.
constexpr std::array<std::string_view, 48> kWords = {
    "accepts", "adds", "append", "buffer", "cache", "checks", "clears", "closes", "column", "copies", "counts", "default", "empty", "escape", "field", "filter",
    "first", "format", "group", "handles", "header", "index", "input", "items", "keeps", "key", "last", "limit", "line", "list", "match", "merge",
    "name", "nested", "offset", "option", "order", "parse", "path", "prefix", "query", "range", "reads", "record", "reset", "returns", "value", "write"};

std::string upper_first(std::string word) {
  word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

}  // namespace

CanaryWords::CanaryWords(Rng& rng) {
  for (std::string& word : words_) word = kWords[rng.below(kWords.size())];
  words_.back() = std::to_string(1000 + rng.below(9000));
}

std::string CanaryWords::snake() const { return words_[0] + "_" + words_[1] + "_" + words_[2] + "_" + words_[3]; }

std::string CanaryWords::camel() const { return upper_first(words_[0]) + upper_first(words_[1]) + upper_first(words_[2]) + words_[3]; }

std::string CanaryWords::spaced() const { return words_[0] + " " + words_[1] + " " + words_[2] + " " + words_[3]; }

CanaryNames::CanaryNames(Rng& rng) : file(rng), group(rng), passes(rng), fails(rng) {
  while (fails.snake() == passes.snake()) fails = CanaryWords(rng);
}

std::string file_beside(const TestCommand& command) {
  std::string path = !command.beside.empty() ? command.beside : command.files.empty() ? "" : command.files.front();
  return path.substr(0, path.find("::"));   // a node id of pytest's
}

namespace {

bool is_file(const std::string& path) { return path.find('.', path.rfind('/') + 1) != std::string::npos && path != "."; }

}  // namespace

std::string folder_beside(const TestCommand& command, std::string_view fallback) {
  const std::string path = file_beside(command);
  if (path.empty()) return std::string(fallback);
  if (is_file(path)) return path.substr(0, path.rfind('/') + 1);
  return path == "." ? "" : path.ends_with('/') ? path : path + "/";
}

std::string extension_beside(const TestCommand& command, std::string_view fallback) {
  const std::string path = file_beside(command);
  return is_file(path) ? path.substr(path.find('.', path.rfind('/') + 1)) : std::string(fallback);
}

TestCommand with_file(TestCommand command, const std::string& file) {
  if (std::find(command.argv.begin(), command.argv.end(), "{tests}") != command.argv.end()) command.files.push_back(file);
  return command;
}

Result<const CanaryWriter*> find_canary_writer(std::string_view name) {
  std::vector<std::string> known;
  for (const CanaryWriter& writer : canaries::all()) {
    if (writer.name == name) return &writer;
    known.push_back(writer.name);
  }
  return unknown_name("canary", name, known);
}

Result<Canary> make_canary(const TestCommand& command, uint64_t seed) {
  ASSAY_ASSIGN(const CanaryWriter* writer, find_canary_writer(command.canary));
  return writer->write(command, Rng(seed, "canary/" + command.canary));
}

WriteCanary javascript_canary(std::string opening, std::string function, std::string extension) {
  return [=](const TestCommand& command, Rng rng) -> Result<Canary> {
    const CanaryNames names(rng);
    Canary out;
    out.passes = names.passes.spaced();
    out.fails = names.fails.spaced();
    const std::string path = folder_beside(command, "test/") + names.file.snake() + extension_beside(command, extension);
    out.files[path] = opening + function + "('" + out.passes + "', () => {});\n" + function + "('" + out.fails + "', () => { throw new Error('1 is not 2'); });\n";
    out.command = with_file(command, path);
    return out;
  };
}

WriteCanary assertion_canary(std::string module) {
  return [=](const TestCommand& command, Rng rng) -> Result<Canary> {
    const CanaryNames names(rng);
    Canary out;
    out.passes = names.passes.spaced();
    out.fails = names.fails.spaced();
    const std::string path = folder_beside(command, "test/") + names.file.snake() + extension_beside(command, ".js");
    out.files[path] = "import('" + module + "').then(({ default: { test } }) => {\n  test('" + names.group.spaced() + "', (t) => {\n    t.ok(true, '" + out.passes + "');\n    t.ok(false, '" +
                      out.fails + "');\n    t.end();\n  });\n});\n";
    out.command = with_file(command, path);
    return out;
  };
}

WriteCanary test_case_canary(std::string framework) {
  return [=](const TestCommand& command, Rng rng) -> Result<Canary> {
    const std::string file = file_beside(command);
    if (file.empty()) return input_error("there is no test file to go into", "canary " + framework, "name one as \"beside\"");
    const CanaryNames names(rng);
    Canary out;
    out.passes = names.passes.spaced();
    out.fails = names.fails.spaced();
    out.appended[file] = "\nTEST_CASE(\"" + out.passes + "\") { CHECK(1 == 1); }\nTEST_CASE(\"" + out.fails + "\") { CHECK(1 == 2); }\n";
    out.command = command;
    return out;
  };
}

WriteCanary java_canary(std::string annotation, std::string assertions) {
  return [=](const TestCommand& command, Rng rng) -> Result<Canary> {
    constexpr std::string_view kRoot = "src/test/java/";
    const CanaryNames names(rng);
    Canary out;
    out.passes = "test" + names.passes.camel();
    out.fails = "test" + names.fails.camel();
    const std::string file = file_beside(command), group = names.group.camel() + "Test";
    const size_t root = file.find(kRoot);
    const std::string folder = root == std::string::npos ? std::string(kRoot) : file.substr(0, root + kRoot.size());
    out.files[folder + group + ".java"] = "public class " + group + " {\n  @" + annotation + "\n  public void " + out.passes + "() {}\n\n  @" + annotation +
                                          "\n  public void " + out.fails + "() {\n    " + assertions + ".assertEquals(1L, 2L);\n  }\n}\n";
    out.command = command;
    return out;
  };
}

}  // namespace assay
