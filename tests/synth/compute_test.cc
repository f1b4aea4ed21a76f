// Certificates of code-interpreter tasks, with tools that print what a test wants; the real kernel is in problem_solutions_test.cc
// and tests/cli/compute_test.py.
#include <catch2/catch.hpp>

#include "synth/certify.h"
#include "synth/factory.h"
#include "synth/problem_gold.h"

using namespace assay;

namespace {

// Stands in for the interpreter: whatever is run prints `printed`.
class Printer final : public Tools {
 public:
  Printer(const Environment& environment, std::string printed) : specs_(environment.tools), printed_(std::move(printed)) {}
  const std::vector<ToolSpec>& specs() const override { return specs_; }
  Result<Observation> call(std::string_view tool, std::string_view) override {
    if (tool != "python") return Observation{"{}", false};
    return Observation{printed_, printed_.empty()};
  }

 private:
  std::vector<ToolSpec> specs_;
  std::string printed_;
};

struct World {
  std::shared_ptr<const Domain> domain = load_domain("compute").value();
  std::shared_ptr<const Environment> environment = generate_environment(*domain, 0, 0).value();
  std::string printed;   // empty: the right answer

  MakeRequest request(int64_t index, int difficulty) {
    MakeRequest out;
    out.archetype = "compute";
    out.domain = domain.get();
    out.environment = environment;
    out.preset = "difficulty";
    out.difficulty = difficulty;
    out.index = index;
    out.open_tools = [this](const Task& task) -> Result<std::unique_ptr<Tools>> {
      return std::unique_ptr<Tools>(std::make_unique<Printer>(*environment, "some output\n" + (printed.empty() ? task.gold : printed) + "\n"));
    };
    return out;
  }
};

MadeTask made(const MakeRequest& request) {
  auto task = find_archetype("compute").value()->make(request);
  if (!task.ok()) FAIL(task.error().text());
  return std::move(*task);
}

bool complains(const Certificate& certificate, const std::string& of) {
  for (const std::string& problem : certificate.problems)
    if (problem.find(of) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("tasks of every difficulty are made, certified, and made again to the byte") {
  World world;
  for (int64_t index = 0; index < 60; ++index) {
    const MakeRequest request = world.request(index, static_cast<int>(index % 5) + 1);
    const MadeTask task = made(request);
    INFO(task.task.prompt << " " << (task.certificate.problems.empty() ? "" : task.certificate.problems[0]));
    CHECK(task.certificate.sound);
    CHECK(task.certificate.chance_tries == 200);
    CHECK(task_from_json(to_json(task.task), "test").value().id == task.task.id);
    CHECK(made(request).task.id == task.task.id);
  }
}

TEST_CASE("a task whose two methods disagree is not sound") {
  World world;
  MakeRequest request = world.request(1, 2);
  const Task task = made(request).task;
  world.printed = "123454321";
  CHECK(complains(certify(task, request).value(), "the two methods disagree"));
  request.open_tools = [&](const Task&) -> Result<std::unique_ptr<Tools>> { return std::unique_ptr<Tools>(std::make_unique<Printer>(*world.environment, "")); };
  CHECK(complains(certify(task, request).value(), "the gold program fails"));
}

TEST_CASE("a broken sandbox is an error, not an unsound task") {
  World world;
  MakeRequest request = world.request(1, 2);
  const Task task = made(request).task;
  request.open_tools = [](const Task&) -> Result<std::unique_ptr<Tools>> { return make_error(Boundary::kSandbox, "no namespaces today"); };
  const auto certificate = certify(task, request);
  REQUIRE_FALSE(certificate.ok());
  CHECK(certificate.error().boundary == Boundary::kSandbox);
}

TEST_CASE("a changed task, a lucky tolerance and a leak are noticed") {
  World world;
  const MakeRequest request = world.request(2, 3);
  const Task task = made(request).task;
  Task other = task;
  other.expected = Json{{"type", "integer"}, {"value", "987654321"}};
  seal_task(other);
  CHECK(complains(certify(other, request).value(), "comes out differently"));
  other.prompt += " (Hint: 987654321.)";
  CHECK(complains(certify(other, request).value(), "stands in the prompt"));
  other.expected = Json{{"type", "number"}, {"value", 0.5}, {"absolute", 1e9}, {"why", "planted"}};
  const Certificate lucky = certify(other, request).value();
  CHECK(complains(lucky, "the trivial answer '0' passes"));
  CHECK_FALSE(lucky.sound);
  other.expected = Json{{"type", "number"}, {"value", 0.5}, {"absolute", 1}};
  CHECK_FALSE(certify(other, request).ok());   // a tolerance without its reason
}
