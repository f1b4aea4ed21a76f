// Submitting to Slurm, with programs of Slurm that are played. tests/cli/slurm_test.py runs the real ones.
#include "cli/slurm.h"

#include <catch2/catch.hpp>
#include <deque>
#include <filesystem>
#include <fstream>

#include "tests/datasets/sample.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

struct Cluster {
  sample::Folder folder;
  SlurmPlan plan;
  ManualClock clock;
  std::vector<std::string> submitted, said;        // arrays
  std::deque<std::function<std::string()>> queue;  // what squeue tells, poll by poll; afterwards nothing is queued
  std::string jobs;                                // what scontrol tells
  ProgramResult sbatch{0, "7\n", ""}, squeue{};
  std::function<void(const std::string& array)> on_submit;
  SlurmOptions options;

  explicit Cluster(int64_t shards, int64_t workers) {
    plan = {folder.file("run"), "/work", "/usr/bin/assay", {"rollout", "--policy", "gold"}, shards, workers, {"--time=10"}};
    REQUIRE(prepare_folder(plan).ok());
    options.say = [this](const std::string& line) { said.push_back(line); };
  }

  void ends(int64_t shard, int status, const std::string& told) const { std::ofstream(plan.result(shard)) << status << "\n" << told << "\n"; }
  void end_well(int64_t shard) const { ends(shard, 0, R"({"played":1,"interrupted":false})"); }

  Result<ProgramResult> run(const std::vector<std::string>& argv) {
    if (argv[0] == "sbatch") {
      if (sbatch.status != 0) return sbatch;
      submitted.push_back(argv[2]);
      if (on_submit) on_submit(argv[2]);
      return sbatch;
    }
    if (argv[0] == "scontrol") return ProgramResult{0, jobs, ""};
    REQUIRE(argv[0] == "squeue");
    if (squeue.status != 0) return squeue;
    if (queue.empty()) return ProgramResult{};
    const auto next = std::move(queue.front());
    queue.pop_front();
    return ProgramResult{0, next(), ""};
  }
  Result<SlurmReport> play() {
    return run_on_slurm(plan, options, clock, [this](const std::vector<std::string>& argv) { return run(argv); });
  }
  bool has_said(const std::string& words) const {
    return std::any_of(said.begin(), said.end(), [&](const std::string& line) { return line.find(words) != std::string::npos; });
  }
};

TEST_CASE("every shard ends: one submission, and what each verb told") {
  Cluster cluster(3, 2);
  cluster.on_submit = [&](const std::string&) {
    cluster.queue = {[] { return "7_1 PD Resources\n7_2 PD Resources\n"; }, [&] { cluster.end_well(1); cluster.end_well(2); return "7_1 R None\n"; },
                     [&] { cluster.ends(3, 1, R"({"played":4,"failed":2,"interrupted":false})"); return ""; }};
  };
  const auto report = cluster.play();
  REQUIRE(report.ok());
  CHECK(cluster.submitted == std::vector<std::string>{"--array=1,2"});
  CHECK(report->shards[2].end == ShardEnd::kDone);   // failed rollouts are stored, and would not be played again
  CHECK(report->shards[2].told["failed"] == 2);
  CHECK(cluster.has_said("waiting (Resources)"));
}

TEST_CASE("workers whose shards did not end are submitted again, with what Slurm says of them; the others are not") {
  Cluster cluster(6, 3);
  cluster.on_submit = [&](const std::string&) {
    if (cluster.submitted.size() == 1) {
      for (const int64_t shard : {1, 3, 4, 6}) cluster.end_well(shard);
      cluster.ends(2, 137, "");
      cluster.jobs = "JobId=8 ArrayTaskId=2 JobState=NODE_FAIL Reason=NodeDown NodeList=node7 ExitCode=0:0\nJobId=7 ArrayTaskId=1 JobState=COMPLETED Reason=None NodeList=node1\n";
      return;
    }
    CHECK_FALSE(fs::exists(cluster.plan.result(2)));   // or the worker would pass it over
    CHECK(fs::exists(cluster.plan.result(1)));
    cluster.end_well(2);
    cluster.end_well(5);
  };
  const auto report = cluster.play();
  REQUIRE(report.ok());
  CHECK(cluster.submitted == std::vector<std::string>{"--array=1,2,3", "--array=2"});
  CHECK(cluster.has_said("shard 2 stopped: killed by signal 9"));
  CHECK(cluster.has_said("worker 2 of job 7: NODE_FAIL (NodeDown) on node7"));
  CHECK(report->submissions == 2);
}

TEST_CASE("a verb that was interrupted or broke is submitted again, a bounded number of times") {
  for (const std::string told : {R"({"played":1,"interrupted":true})", R"({"error":{"boundary":"store","message":"no space left"}})", "", "{\"pla"}) {
    Cluster cluster(2, 2);
    cluster.options.attempts = 2;
    cluster.jobs = "JobId=7 ArrayTaskId=2 JobState=TIMEOUT Reason=TimeLimit NodeList=(null)\n";
    cluster.on_submit = [&](const std::string&) {
      cluster.end_well(1);
      cluster.ends(2, 1, told);
    };
    const auto report = cluster.play();
    REQUIRE_FALSE(report.ok());
    CHECK(cluster.submitted == std::vector<std::string>{"--array=1,2", "--array=2"});
    CHECK(report.error().text().find("1 of 2 shards are not done after 2 submissions: 2; worker 2 of job 7: TIMEOUT (TimeLimit); shard 2: ") != std::string::npos);
    CHECK(fs::exists(cluster.plan.result(1)));
  }
}

TEST_CASE("bad input is not tried again") {
  Cluster cluster(2, 1);
  cluster.on_submit = [&](const std::string&) { cluster.ends(1, 2, R"({"error":{"boundary":"input","message":"no such policy"}})"); };
  const auto report = cluster.play();
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().text().find("shard 1: no such policy") != std::string::npos);
  CHECK(cluster.submitted.size() == 1);
}

TEST_CASE("jobs of the same folder that are queued already are waited for, not doubled") {
  Cluster cluster(2, 2);
  cluster.queue = {[] { return "5_1 R None\n5_2 R None\n"; }, [&] { cluster.end_well(1); cluster.end_well(2); return "5_2 CG None\n"; }};
  REQUIRE(cluster.play().ok());
  CHECK(cluster.submitted.empty());
}

TEST_CASE("what became of jobs that somebody else submitted is told, too") {
  Cluster cluster(2, 2);
  cluster.queue = {[] { return "5_1 R None\n5_2 R None\n"; }};
  cluster.jobs = "JobId=5 ArrayTaskId=2 JobState=NODE_FAIL Reason=NodeDown NodeList=node7\n";
  cluster.on_submit = [&](const std::string&) { cluster.end_well(1); cluster.end_well(2); };
  REQUIRE(cluster.play().ok());
  CHECK(cluster.has_said("submitting again: 2 shards; worker 2 of job 5: NODE_FAIL (NodeDown) on node7"));
}

TEST_CASE("what is done is not submitted") {
  Cluster cluster(4, 2);
  for (const int64_t shard : {1, 2, 3}) cluster.end_well(shard);
  cluster.on_submit = [&](const std::string&) { cluster.end_well(4); };
  REQUIRE(cluster.play().ok());
  CHECK(cluster.submitted == std::vector<std::string>{"--array=2"});
}

TEST_CASE("Slurm's refusals are passed on") {
  Cluster cluster(1, 1);
  cluster.sbatch = {1, "", "sbatch: error: invalid partition specified: nowhere\nsbatch: error: Batch job submission failed\n"};
  const auto report = cluster.play();
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().boundary == Boundary::kInput);
  CHECK(report.error().text().find("invalid partition specified: nowhere") != std::string::npos);
}

TEST_CASE("a controller that cannot be reached is asked again for a while; nothing is submitted blindly") {
  Cluster cluster(1, 1);
  cluster.squeue = {1, "", "slurm_load_jobs error: Unable to contact slurm controller\n"};
  const auto report = cluster.play();
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().text().find("Unable to contact") != std::string::npos);
  CHECK(cluster.submitted.empty());
  CHECK(cluster.clock.unix_ms() >= 60'000);
}

TEST_CASE("stopped while it waits, the jobs go on") {
  Cluster cluster(1, 1);
  std::atomic<bool> cancelled{false};
  cluster.options.cancelled = &cancelled;
  cluster.on_submit = [&](const std::string&) { cancelled = true; };
  const auto report = cluster.play();
  REQUIRE(report.ok());
  CHECK(report->interrupted);
}

TEST_CASE("a folder belongs to one plan; other options for sbatch are no other plan") {
  Cluster cluster(2, 2);
  cluster.plan.options = {"--time=99"};
  CHECK(prepare_folder(cluster.plan).ok());
  CHECK(read_file(cluster.plan.folder + "/submit.sbatch").value().find("#SBATCH --time=99\n") != std::string::npos);
  cluster.plan.command.push_back("--group=2");
  CHECK_FALSE(prepare_folder(cluster.plan).ok());
}

TEST_CASE("the script runs each shard of its worker once, quotes what it is given, and stops when it is told to") {
  sample::Folder folder;
  SlurmPlan plan{folder.file("a folder with 'quotes'"), folder.path(), folder.file("program"), {"rollout", "--policy", "it's $HOME `x` \"y\""}, 5, 2, {}};
  REQUIRE(prepare_folder(plan).ok());
  std::ofstream(plan.program) << "#!/bin/bash\nprintf '%s\\n' \"$*\" >> log\necho '{\"played\":1}'\n[ ! -e stop ] || kill -TERM $PPID\n";
  fs::permissions(plan.program, fs::perms::owner_all);
  const std::string script = "'" + folder.path() + "/a folder with '\\''quotes'\\'''/submit.sbatch";
  REQUIRE(std::system(("SLURM_ARRAY_TASK_ID=1 bash " + script).c_str()) == 0);
  const std::string log = read_file(folder.file("log")).value();
  std::string expected;
  for (const char* shard : {"1", "3", "5"})
    expected += "rollout --policy it's $HOME `x` \"y\" --store " + plan.folder + "/" + shard + ".db --shard " + shard + "/5 --json\n";
  CHECK(log == expected);
  for (const int64_t shard : {1, 3, 5}) CHECK(read_result(plan, shard).end == ShardEnd::kDone);
  for (const int64_t shard : {2, 4}) CHECK(read_result(plan, shard).end == ShardEnd::kOpen);
  std::ofstream(folder.file("stop")) << "";
  CHECK(std::system(("SLURM_ARRAY_TASK_ID=2 bash " + script).c_str()) != 0);
  CHECK(read_result(plan, 2).end == ShardEnd::kDone);
  CHECK(read_result(plan, 4).end == ShardEnd::kOpen);
  CHECK(std::system(("SLURM_ARRAY_TASK_ID=1 bash " + script).c_str()) == 0);
  CHECK(read_file(folder.file("log")).value().size() == expected.size() * 4 / 3);   // one shard more, none again
}

TEST_CASE("programs are run to their end, with all they print") {
  const ProgramResult result = run_program({"bash", "-c", "head -c 300000 /dev/zero; echo wrong >&2; exit 3"}).value();
  CHECK(result.status == 3);
  CHECK(result.out.size() == 300'000);
  CHECK(result.err == "wrong\n");
  CHECK(run_program({"bash", "-c", "kill -9 $$"}).value().status == 137);
  const auto missing = run_program({"assay-has-no-such-program"});
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().boundary == Boundary::kInput);
}

}  // namespace
}  // namespace assay
