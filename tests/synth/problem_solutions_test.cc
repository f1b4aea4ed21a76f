// The program of every problem finds what the native method found: run in the sandbox, many in one interpreter.
#include <catch2/catch.hpp>

#include <cstdio>

#include "envs/interpreter.h"
#include "sandbox/backend.h"
#include "synth/problem.h"
#include "verifiers/value_verifier.h"

using namespace assay;

namespace {

constexpr const char* kPlanted = "\nprint(12345)";

std::string last_line(std::string text) {
  while (text.ends_with("\n")) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

bool agrees(const Problem& problem, const ProblemInstance& instance, Interpreter& interpreter) {
  for (const auto& [name, content] : instance.files) {
    const auto written = interpreter.run("open(" + Json(name).dump() + ", 'w').write(" + Json(content).dump() + ") and None");
    if (!written.ok()) FAIL(written.error().text());
  }
  const auto cell = interpreter.run(instance.solution);
  if (!cell.ok()) FAIL(cell.error().text());
  const Verdict verdict = ValueVerifier::create(instance.expected, problem.name).value()->judge(last_line(cell->text));
  if (!verdict.passed && !instance.solution.ends_with(kPlanted)) std::printf("%s: native %s, Python %s\n%s\n", problem.name.c_str(), value_text(instance.expected).c_str(), cell->text.c_str(), instance.statement.c_str());
  return verdict.passed;
}

}  // namespace

TEST_CASE("the two methods of every problem agree") {
  const auto executor = make_executor("native");
  if (!executor.ok()) {
    std::printf("skipped: programs of problems: %s\n", executor.error().text().c_str());
    return;
  }
  Interpreter interpreter(**executor, {}, {});
  for (const Problem& problem : problems::all())
    for (int difficulty = 1; difficulty <= 5; ++difficulty) {
      Rng rng(7, "solutions/" + problem.name, static_cast<uint64_t>(difficulty));
      INFO(problem.name << ", difficulty " << difficulty);
      CHECK(agrees(problem, problem.draw(rng, difficulty), interpreter));
    }
  // A wrong program is noticed.
  Rng rng(7, "planted");
  ProblemInstance wrong = problems::all().front().draw(rng, 1);
  wrong.solution += kPlanted;
  CHECK_FALSE(agrees(problems::all().front(), wrong, interpreter));
}
