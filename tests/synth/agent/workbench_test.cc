// The shell and the search of a model that writes a domain, over an Executor that runs nothing.
#include "synth/agent/workbench.h"

#include "synth/agent/synthesis.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using Catch::Contains;
using fixture::must;

class FakeWorkspace final : public Workspace {
 public:
  Result<std::vector<Change>> changes() override { return std::vector<Change>(); }
  Result<std::string> read(const std::string&, int64_t) override { return std::string(); }
  Status write(const std::string&, std::string_view, bool) override { return {}; }
  Result<std::unique_ptr<Workspace>> fork() override { return std::unique_ptr<Workspace>(std::make_unique<FakeWorkspace>()); }
};

class FakeProcess final : public Process {
 public:
  explicit FakeProcess(RunResult result) : result_(std::move(result)) {}
  Status write(std::string_view) override { return {}; }
  Status close_input() override { return {}; }
  Result<std::string> read_line(int64_t, int64_t) override { return std::string(); }
  bool ended() const override { return true; }
  Status signal(int) override { return {}; }
  Result<RunResult> finish(How) override { return result_; }

 private:
  RunResult result_;
};

// Keeps what it is asked to run, and says what it was told to say.
class FakeExecutor final : public Executor {
 public:
  std::string backend() const override { return "fake"; }
  Result<std::string> add_layer(const std::string& directory, const std::string& inside) override { return directory + ":" + inside; }
  Result<std::string> keep(Workspace&, const std::vector<std::string>&) override { return std::string("kept"); }
  Result<std::unique_ptr<Workspace>> workspace(const WorkspaceOptions& options) override {
    layers = options.layers;
    return std::unique_ptr<Workspace>(std::make_unique<FakeWorkspace>());
  }
  Result<std::unique_ptr<Process>> start(const RunRequest& request, Workspace&) override {
    if (broken) return make_error(Boundary::kSandbox, "the machinery is broken");
    ran.push_back(request.argv);
    return std::unique_ptr<Process>(std::make_unique<FakeProcess>(result));
  }

  RunResult result;
  bool broken = false;
  std::vector<std::string> layers;
  std::vector<std::vector<std::string>> ran;
};

TEST_CASE("the workbench runs a shell and a search, and says how they ended") {
  FakeExecutor executor;
  const auto bench = must(Workbench::open(executor, {.documents = "/srv/texts"}));
  CHECK(executor.layers == std::vector<std::string>{"/srv/texts:documents"});
  executor.result.out = {"hello\n", "", 6};
  CHECK(must(bench->call({"1", "bash", R"({"command": "echo hello"})"})).text == R"({"output":"hello\n","exit_code":0})");
  must(bench->call({"2", "search", R"({"query": "--file=/etc/passwd"})"}));
  CHECK(executor.ran == std::vector<std::vector<std::string>>{{"bash", "-c", "echo hello"}, {"grep", "-rniIF", "-m", "20", "--", "--file=/etc/passwd", "/documents"}});
  executor.result.end = RunEnd::kLimit;
  executor.result.limit = "wall";
  const Observation stopped = must(bench->call({"3", "bash", R"({"command": "sleep 1000"})"}));
  CHECK(stopped.error);
  CHECK_THAT(stopped.text, Contains(R"("stopped_by_limit":"wall")"));
}

TEST_CASE("a wrong call is for the model to read, a broken sandbox is not") {
  FakeExecutor executor;
  const auto bench = must(Workbench::open(executor, {}));
  const std::vector<ToolCall> wrong = {{"1", "rm", "{}"}, {"2", "search", R"({"query": "x"})"}, {"3", "bash", "{"}, {"4", "bash", R"({"command": 7})"},
                               {"5", "bash", R"({"command": "a\u0000b"})"}, {"6", "bash", R"({"command": "x", "more": 1})"}};
  for (const ToolCall& call : wrong) CHECK(must(bench->call(call)).error);
  CHECK(executor.ran.empty());
  executor.broken = true;
  const auto failed = bench->call({"7", "bash", R"({"command": "ls"})"});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().boundary == Boundary::kSandbox);
}

// Says the messages it was given, one a turn.
class ScriptedPolicy final : public Policy {
 public:
  explicit ScriptedPolicy(std::vector<Message> script) : script_(std::move(script)) {}
  std::string descriptor() const override { return "scripted"; }
  void ask(const Turn& turn) override {
    tools = turn.task->tools.size();
    last_seen = turn.conversation->back();
    actions_.push_back({turn.rollout, script_.at(static_cast<size_t>(turn.step)), {}});
  }
  std::vector<Action> answer() override { return std::exchange(actions_, {}); }

  size_t tools = 0;
  Message last_seen;

 private:
  std::vector<Message> script_;
  std::vector<Action> actions_;
};

Message calling(const std::string& name, const std::string& arguments) {
  Message message;
  message.role = Role::kAssistant;
  message.tool_calls = {{"call_1", name, arguments}};
  return message;
}

SynthesisRecord synthesized(ScriptedPolicy& policy, Executor* executor, int64_t turns) {
  AgentOptions options;
  options.executor = executor;
  options.limits.turns = turns;
  SynthesisRecord record;
  REQUIRE(synthesize_domains({"the sky"}, policy, options, 0, {}, nullptr, [&](const SynthesisRecord& one) {
    record = one;
    return Status();
  }).ok());
  return record;
}

TEST_CASE("a model uses its tools between its words, and the record has all of it") {
  FakeExecutor executor;
  executor.result.out = {"42\n", "", 3};
  ScriptedPolicy policy({calling("bash", R"({"command": "echo 42"})"), calling("bash", R"({"command": "echo 43"})")});
  const SynthesisRecord record = synthesized(policy, &executor, 2);
  CHECK(policy.tools == 1);
  CHECK(policy.last_seen.role == Role::kTool);
  CHECK_THAT(policy.last_seen.text, Contains("42"));
  CHECK(record.messages.size() == 6);
  CHECK(record.reason == "no_domain");
  CHECK(record.usage.prompt_tokens > 1000);   // estimated: the policy reports none
}

TEST_CASE("a sandbox that breaks is no fault of the model") {
  FakeExecutor executor;
  executor.broken = true;
  ScriptedPolicy policy({calling("bash", R"({"command": "ls"})")});
  CHECK(synthesized(policy, &executor, 9).reason == "sandbox_failed");
}

TEST_CASE("a model that calls tools where there are none is told so") {
  ScriptedPolicy policy({calling("bash", "{}"), calling("bash", "{ }")});
  CHECK(synthesized(policy, nullptr, 2).reason == "no_domain");
  CHECK_THAT(policy.last_seen.text, Contains("no tools here"));
}

}  // namespace
}  // namespace assay
