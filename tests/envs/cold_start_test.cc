#include "envs/cold_start.h"

#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

TEST_CASE("every cold-start prompt fills its places and goes before the system's own text") {
  std::vector<std::string> names;
  for (const ColdStartPrompt& prompt : cold_start_prompts()) {
    names.emplace_back(prompt.name);
    const std::string text = must(cold_start_prompt(names.back(), 7));
    CHECK(text.find('{') == std::string::npos);
    CHECK(text.back() != '\n');
    CHECK((text.find("7 calls") != std::string::npos) == (names.back() != "reasoning"));
    CHECK((text.find("<think>") != std::string::npos) == (names.back() != "tools"));
    CHECK(with_cold_start({{Role::kUser, "q", "", {}, ""}}, text) == Conversation{{Role::kSystem, text, "", {}, ""}, {Role::kUser, "q", "", {}, ""}});
    CHECK(with_cold_start({{Role::kSystem, "s", "", {}, ""}}, text) == Conversation{{Role::kSystem, text + "\n\ns", "", {}, ""}});
  }
  CHECK(names == std::vector<std::string>{"reasoning", "reasoning_with_tools", "tools"});
  CHECK_THAT(must(cold_start_prompt("tools")), Catch::Contains("20 calls"));
  CHECK_THAT(cold_start_prompt("tool").error().text(), Catch::Contains("'tools'"));
}

}  // namespace
}  // namespace assay
