#include "synth/agent/form.h"

#include <catch2/catch.hpp>

#include <functional>

#include "synth/agent/prompts.h"
#include "synth/program/folder.h"

using namespace assay;

namespace {

FolderFiles example() {
  FolderFiles out;
  for (const AgentPrompt& file : python_example()) out[std::string(file.name)] = file.text;
  return out;
}

std::string code(const std::optional<Finding>& finding) { return finding ? finding->code : ""; }

OrderedJson domain_of(const FolderFiles& files) {
  auto out = domain_from_files(files);
  if (!out.ok()) FAIL(out.error().text());
  return *out;
}

}  // namespace

TEST_CASE("the example in the prompt is taken as a reply, and compiles") {
  const auto form = python_form();
  CHECK(code(form->take(form->system_prompt())) == "");
  CHECK(code(form->incomplete()) == "");
  const auto domain = compile_domain(form->text(), "domain.json");
  if (!domain.ok()) FAIL(domain.error().text());
  CHECK((*domain)->name == "night_trams");
  CHECK(OrderedJson::parse(form->text()) == domain_of(example()));
}

TEST_CASE("files come and go reply by reply") {
  const auto form = python_form();
  CHECK_FALSE(form->brings_something("words, and ``` an example\n```\n"));
  CHECK(code(form->take("words")) == "no_domain");
  CHECK(code(form->take(form->system_prompt())) == "");
  const std::string before = form->text();
  CHECK(code(form->take("```python data.py\ndef make(random):\n")) == "cut_off");
  CHECK(code(form->take("```python ../data.py\nx\n```\n")) == "bad_file_name");
  CHECK(code(form->take("```python /etc/passwd\nx\n```\n")) == "bad_file_name");
  CHECK(code(form->take("```text journey.txt\n" + std::string(600 << 10, 'x') + "\n```\n")) == "too_large");
  CHECK(form->text() == before);
  CHECK(code(form->take("```text journey.txt\nFrom {start} at {time} to {goal}?\n```\nand\n```text journey.txt\nHow, from {start} at {time} to {goal}?\n```\n")) == "");
  CHECK(OrderedJson::parse(form->text())["archetypes"]["program"]["tasks"]["journey"]["prompt"] == "How, from {start} at {time} to {goal}?\n");
  CHECK(code(form->take("```text journey.txt\n```\n")) == "");
  CHECK(code(form->incomplete()) == "does_not_compile");
}

TEST_CASE("a folder and its domain say the same") {
  const FolderFiles files = example();
  const OrderedJson domain = domain_of(files);
  FolderFiles again = files_from_domain(domain);
  CHECK(domain_of(again) == domain);
  for (const auto& [name, content] : files)
    if (name != "domain.json") CHECK(again[name] == content);
  for (const auto& [name, content] : files) {
    FolderFiles fewer = files;
    fewer.erase(name);
    const auto broken = domain_from_files(fewer);
    REQUIRE_FALSE(broken.ok());
    CHECK(broken.error().text().find(name) != std::string::npos);
  }
  FolderFiles climbing = files;
  climbing["domain.json"] = R"({"tables": [], "tools": [], "tasks": {"../x": {"difficulty": 1}}})";
  CHECK_FALSE(domain_from_files(climbing).ok());
}

TEST_CASE("a domain in Python says what it lacks when it is compiled") {
  const auto problem = [](const std::function<void(OrderedJson&)>& change) {
    OrderedJson domain = domain_of(example());
    change(domain);
    const auto compiled = compile_domain(domain.dump(), "domain.json");
    return compiled.ok() ? "" : compiled.error().text();
  };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  CHECK(problem([](OrderedJson&) {}) == "");
  CHECK(has(problem([](OrderedJson& d) { d["archetypes"]["program"]["tasks"]["journey"]["difficulty"] = 6; }), "tasks.journey.difficulty"));
  CHECK(has(problem([](OrderedJson& d) { d["archetypes"]["program"]["tasks"] = OrderedJson::object(); }), "at least one task"));
  CHECK(has(problem([](OrderedJson& d) { d["archetypes"]["program"]["tasks"]["journey"].erase("verifier"); }), "verifier"));
  CHECK(has(problem([](OrderedJson& d) { d["tools"].back()["effect"] = "read"; }), "no tool writes"));
  CHECK(has(problem([](OrderedJson& d) { d["tables"][0].erase("key"); }), "key"));
}
