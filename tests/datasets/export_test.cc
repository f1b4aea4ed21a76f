#include "datasets/export.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <iostream>
#include <set>

#include "envs/attack_report.h"
#include "envs/base/hash.h"
#include "envs/base/rng.h"
#include "tests/datasets/sample.h"
#include "tests/datasets/small_disk.h"

namespace assay {
namespace {

using sample::Folder;

constexpr int kTasks = 60;

// Tasks 0 … 59, every tenth unsound and task 7 without a certificate; of each a passed, a failed and a broken rollout.
std::unique_ptr<Store> filled_store(const std::string& path) {
  auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock()).value();
  const auto environment = sample::environment();
  REQUIRE(store->put_environment(*environment).ok());
  for (int i = 0; i < kTasks; ++i) {
    const Task task = sample::task(i, *environment);
    REQUIRE(store->put_task(task).ok());
    if (i != 7) REQUIRE(store->put_certificate(sample::certificate(task, i % 10 != 9)).ok());
    REQUIRE(store->put_rollout(sample::rollout(task, 0, true, 2)).ok());
    REQUIRE(store->put_rollout(sample::rollout(task, 1, false, 1)).ok());
    REQUIRE(store->put_rollout(sample::broken_rollout(task, 2)).ok());
  }
  REQUIRE(store->flush().ok());
  return store;
}
constexpr int kUncertified = kTasks / 10 + 1;

std::string row_path(const Format& format, const std::string& split) {
  std::string path = format.rows;
  return path.replace(path.find("{split}"), 7, split);
}

std::vector<Json> rows_of(const std::string& folder, const ExportReport& report, const std::string& split, const Format& format) {
  std::vector<Json> rows;
  if (!report.rows.contains(split)) return rows;
  const std::string file = folder + "/" + row_path(format, split);
  const std::string text = read_file(file).value();
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    auto row = parse_json(std::string_view(text).substr(at, end - at), file);
    if (!row.ok()) FAIL(row.error().text());
    rows.push_back(std::move(row).value());
    at = end + 1;
  }
  return rows;
}

std::set<std::string> files_below(const std::string& folder) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.insert(std::filesystem::relative(entry.path(), folder).string());
  return files;
}

const Format& format_named(const std::string& name) {
  for (const Format& format : formats::all())
    if (format.name == name) return format;
  FAIL("no format " << name);
  std::abort();
}

// ---- Every format ----

TEST_CASE("every format says what it is") {
  std::set<std::string> names;
  REQUIRE(formats::all().size() >= 2);
  for (const Format& format : formats::all()) {
    INFO(format.name);
    CHECK(names.insert(format.name).second);
    CHECK_FALSE(format.summary.empty());
    CHECK(format.summary.find('\n') == std::string::npos);
    CHECK_FALSE(format.usage.empty());
    CHECK(format.rows.find("{split}") != std::string::npos);
    CHECK((format.unit == RowUnit::kTask) == format.carries.empty());
  }
}

TEST_CASE("every format writes rows that name their task, share their columns, and leave out what is not certified") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  for (const Format& format : formats::all()) {
    if (format.takes) continue;
    INFO(format.name);
    const std::string out = folder.file(format.name);
    const auto done = export_dataset(*store, {.format = format.name, .folder = out, .select = {.outcomes = {}}});
    if (!done.ok()) FAIL(done.error().text());
    const ExportReport& report = *done;
    CHECK(report.plan.funnel.tasks.count(Loss::kUncertified) == 1);
    CHECK(report.plan.funnel.tasks.count(Loss::kUnsound) == kUncertified - 1);
    CHECK(report.plan.funnel.rollouts.count(Loss::kNoVerdict) == (format.unit != RowUnit::kTask ? kTasks - kUncertified : 0));
    CHECK(files_below(out) == std::set<std::string>(report.files.begin(), report.files.end()));
    CHECK(std::is_sorted(report.files.begin(), report.files.end()));

    std::set<std::string> columns, tasks;
    int64_t count = 0;
    for (const auto& [split, rows] : report.rows) {
      const std::vector<Json> read = rows_of(out, report, split, format);
      CHECK(static_cast<int64_t>(read.size()) == rows);
      count += rows;
      for (const Json& row : read) {
        std::set<std::string> keys;
        for (const auto& [key, value] : row.items()) keys.insert(key);
        if (columns.empty()) columns = keys;
        CHECK(keys == columns);
        CHECK(row.dump().find("get_all_cities") != std::string::npos);
        if (!format.origin) continue;
        const Json& origin = row.at(Json::json_pointer(*format.origin));
        const std::string task = origin.at("task_id");
        tasks.insert(task);
        CHECK(split_of(task, 90, 5) == split);
        CHECK(origin.at("split") == split);
        CHECK(origin.at("certificate").at("sound") == true);
        CHECK(origin.at("certificate").at("id").get<std::string>().size() == 64);
        CHECK(origin.at("seed") == 7);
        CHECK(origin.at("environment_id") == sample::environment()->id);
        if (format.unit == RowUnit::kTask) CHECK(row.dump().find(Json(sample::kGold).dump()) == std::string::npos);
      }
    }
    if (format.origin) CHECK(tasks.size() == kTasks - kUncertified);
    CHECK(count == (format.unit == RowUnit::kRollout || format.unit == RowUnit::kSequence ? 2 : 1) * (kTasks - kUncertified));
    CHECK_FALSE(tasks.contains(sample::task(7).id));
    CHECK_FALSE(tasks.contains(sample::task(19).id));
  }
}

TEST_CASE("every format gives the same bytes again, over an older export too") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  for (const Format& format : formats::all()) {
    if (format.takes) continue;
    INFO(format.name);
    const ExportOptions options = {.format = format.name, .folder = folder.file(format.name), .select = {.outcomes = {}}};
    REQUIRE(export_dataset(*store, options).ok());
    std::map<std::string, std::string> first;
    for (const std::string& file : files_below(options.folder)) first[file] = read_file(options.folder + "/" + file).value();
    REQUIRE(export_dataset(*store, options).ok());
    CHECK(files_below(options.folder).size() == first.size());
    for (const auto& [file, text] : first) CHECK(read_file(options.folder + "/" + file).value() == text);
  }
}

TEST_CASE("every format's card has front matter for each split, counts and commands, and no blank left") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  for (const Format& format : formats::all()) {
    if (format.takes) continue;
    INFO(format.name);
    const std::string out = folder.file(format.name);
    const ExportReport report = export_dataset(*store, {.format = format.name, .folder = out, .select = {.outcomes = {}}}).value();
    const std::string card = read_file(out + "/README.md").value();
    CHECK(card.starts_with("---\nlicense: apache-2.0\n"));
    CHECK(card.find("size_categories:\n- n<1K\n") != std::string::npos);
    for (const auto& [split, rows] : report.rows) {
      CHECK(card.find("  - split: " + split + "\n    path: " + row_path(format, split) + "\n") != std::string::npos);
      CHECK(card.find("| " + split + " | " + std::to_string(rows) + " |") != std::string::npos);
    }
    CHECK(card.find("assay audit --store '../s.db'") != std::string::npos);
    CHECK(card.find("mutants: 106, killed 106, survived 0") != std::string::npos);
    CHECK(card.find("mean 1.25%, highest 1.25%") != std::string::npos);
    CHECK(card.find("| tasks | 60 | in the store |\n| tasks | 1 | left out: no certificate |\n| tasks | 6 | left out: the certificate says that it is not sound |\n| tasks | 53 | in this dataset |") != std::string::npos);
    CHECK((card.find("| rollouts | 53 | left out: broke before there was a verdict |") != std::string::npos) == (format.unit != RowUnit::kTask));
    CHECK((card.find("| random | 106 | 53 | 53 | 0 |") != std::string::npos) == (format.unit == RowUnit::kRollout || format.unit == RowUnit::kSequence));
    CHECK((card.find("| random | 53 | 53 | 0 | 0 |") != std::string::npos) == (format.unit == RowUnit::kPair));
    CHECK(card.find('@') == std::string::npos);
  }
}

TEST_CASE("every Python file of every format can be imported and finds the store") {
  Folder folder;
  auto store = filled_store(folder.file("it's a \"store\" 杭.db"));
  for (const Format& format : formats::all()) {
    if (format.takes) continue;
    const ExportReport report = export_dataset(*store, {.format = format.name, .folder = folder.file("out/" + format.name), .select = {.outcomes = {}}}).value();
    for (const std::string& file : report.files) {
      if (!file.ends_with(".py")) continue;
      const std::string module = file.substr(0, file.size() - 3);
      const std::string command = "cd '" + folder.file("out/" + format.name) + "' && python3 -W error -c 'import os, " + module +
                                  " as m; assert os.path.samefile(os.path.join(os.path.dirname(m.__file__), m.STORE), \"" +
                                  "../../it'\\''s a \\\"store\\\" 杭.db\")'";
      INFO(command);
      CHECK(std::system(command.c_str()) == 0);
    }
  }
}

// ---- What is dropped, how large it is, how it is encoded ----

TEST_CASE("every format of rollouts says what it drops, in report and card, and refuses to when strict") {
  Folder folder;
  const auto environment = sample::environment();
  auto store = Store::open(folder.file("s.db"), StoreMode::kOpenOrCreate, system_clock()).value();
  REQUIRE(store->put_environment(*environment).ok());
  const Task task = sample::task(0, *environment);
  REQUIRE(store->put_task(task).ok());
  REQUIRE(store->put_certificate(sample::certificate(task)).ok());
  const Rollout whole = sample::rich_rollout(task, 0);
  REQUIRE(store->put_rollout(whole).ok());
  REQUIRE(store->put_rollout(sample::rollout(task, 1, false, 1)).ok());
  REQUIRE(store->flush().ok());
  const std::set<Content> held = contents_of(whole);
  CHECK(held.size() == 13);
  for (const Format& format : formats::all()) {
    if (format.unit == RowUnit::kTask) continue;
    INFO(format.name);
    ExportOptions options{.format = format.name, .folder = folder.file(format.name), .select = {.outcomes = {}}};
    const auto report = export_dataset(*store, options);
    if (!report.ok()) FAIL(report.error().text());
    const std::string card = read_file(options.folder + "/README.md").value();
    for (Content content : held) {
      INFO(content_name(content));
      CHECK(report->dropped.contains(content) != format.carries.contains(content));
      CHECK((card.find(std::string("\n- ") + content_name(content) + ": in ") != std::string::npos) == report->dropped.contains(content));
    }
    options.strict = true;
    options.folder = folder.file("strict");
    const auto strict = export_dataset(*store, options);
    CHECK(strict.ok() == report->dropped.empty());
    if (!strict.ok()) CHECK(strict.error().what.find("for which there is no place in the format '" + format.name + "'") != std::string::npos);
    CHECK(std::filesystem::exists(options.folder) == strict.ok());
    std::filesystem::remove_all(options.folder);
  }
}

TEST_CASE("a rollout that a format cannot hold is left out and counted, or refused") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  Rollout malformed = sample::rollout(sample::task(0), 8, true, 1);
  malformed.messages[2].tool_calls[0].arguments = "{\"a\":";
  REQUIRE(store->put_rollout(malformed).ok());
  for (const char* name : {"trl_sft", "trl_kto", "axolotl", "llama_factory"}) {
    INFO(name);
    ExportOptions options{.format = name, .folder = folder.file(name)};
    CHECK(export_dataset(*store, options)->not_held == 1);
    CHECK(plan_export(*store, options)->not_held == 1);
    options.strict = true;
    const auto refused = export_dataset(*store, options);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().what == "rollout " + malformed.id.substr(0, 12) + " cannot be held by the format '" + name + "'");
  }
  CHECK(export_dataset(*store, {.format = "openai_chat", .folder = folder.file("chat")})->not_held == 0);
  CHECK_FALSE(export_dataset(*store, {.format = "trl_dpo", .folder = folder.file("dpo")}).ok());   // all of them passed
}

TEST_CASE("a plan is exact for a small store, near for a large one, and touches nothing") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  for (const Format& format : formats::all()) {
    if (format.takes) continue;
    INFO(format.name);
    const ExportOptions options{.format = format.name, .folder = folder.file("out/" + format.name), .select = {.outcomes = {}}};
    const ExportReport plan = plan_export(*store, options).value();
    CHECK_FALSE(std::filesystem::exists(folder.file("out")));
    ExportOptions elsewhere = options;
    elsewhere.folder = folder.file(format.name);
    const ExportReport done = export_dataset(*store, elsewhere).value();
    CHECK(plan.exact);
    CHECK(plan.rows == done.rows);
    CHECK(plan.dropped == done.dropped);
    int64_t rows = 0;
    for (const auto& [split, count] : done.rows) rows += static_cast<int64_t>(std::filesystem::file_size(elsewhere.folder + "/" + row_path(format, split)));
    CHECK(plan.bytes == rows);
  }
  const auto environment = sample::environment();
  for (int i = kTasks; i < 1000; ++i) {
    const Task task = sample::task(i, *environment);
    REQUIRE(store->put_task(task).ok());
    REQUIRE(store->put_certificate(sample::certificate(task)).ok());
    REQUIRE(store->put_rollout(sample::rollout(task, 0, true, 2)).ok());
  }
  const ExportOptions options{.format = "trl_sft", .folder = folder.file("large")};
  const ExportReport plan = plan_export(*store, options).value(), done = export_dataset(*store, options).value();
  CHECK_FALSE(plan.exact);
  CHECK(static_cast<double>(plan.bytes) == Approx(static_cast<double>(done.bytes)).epsilon(0.1));
  CHECK(static_cast<double>(plan.rows.at("train")) == Approx(static_cast<double>(done.rows.at("train"))).epsilon(0.2));
}

TEST_CASE("compressed rows are the same rows, and take the place of those that are not") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  const std::string out = folder.file("out");
  ExportOptions options{.format = "trl_sft", .folder = out, .select = {.train_percent = 100, .validation_percent = 0}};
  REQUIRE(export_dataset(*store, options).ok());
  const std::string plain = read_file(out + "/data/train.jsonl").value();
  options.encoding = RowEncoding::kZstd;
  const ExportReport report = export_dataset(*store, options).value();
  CHECK(files_below(out) == std::set<std::string>{"README.md", "data/train.jsonl.zst", "manifest.json"});
  CHECK(std::filesystem::file_size(out + "/data/train.jsonl.zst") < plain.size() / 4);
  CHECK(plan_export(*store, options)->bytes == static_cast<int64_t>(std::filesystem::file_size(out + "/data/train.jsonl.zst")));
  REQUIRE(std::system(("zstd -q -d " + out + "/data/train.jsonl.zst -o " + folder.file("rows")).c_str()) == 0);
  CHECK(read_file(folder.file("rows")).value() == plain);
  CHECK(read_file(out + "/README.md").value().find("path: data/train.jsonl.zst\n") != std::string::npos);
}

// ---- The formats ----

TEST_CASE("openai_chat rows are whole conversations, with arguments as text and tool results in place") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  const Format& format = format_named("openai_chat");
  const std::string out = folder.file("out");
  const auto report = export_dataset(*store, {.format = format.name, .folder = out, .select = {.train_percent = 100, .validation_percent = 0}});
  REQUIRE(report.ok());
  CHECK(report->rows == std::map<std::string, int64_t>{{"train", kTasks - kUncertified}});
  const Json row = rows_of(out, *report, "train", format).at(0);
  const Json& messages = row.at("messages");
  const Rollout rollout = sample::rollout(sample::task(0), 0, true, 2);
  REQUIRE(messages.size() == rollout.messages.size());
  CHECK(messages[0] == Json{{"role", "system"}, {"content", sample::task(0).system}});
  CHECK(messages[1] == Json{{"role", "user"}, {"content", sample::task(0).prompt}});
  CHECK(messages[2].at("reasoning_content") == rollout.messages[2].reasoning);
  CHECK(messages[2].at("tool_calls")[0].at("function").at("arguments") == "{}");
  CHECK(messages[3].at("role") == "tool");
  CHECK(messages[3].at("tool_call_id") == messages[2].at("tool_calls")[0].at("id"));
  CHECK(row.at("tools")[1].at("type") == "function");
  CHECK(row.at("tools")[1].at("function").at("name") == "submit_result");
  CHECK_FALSE(row.at("tools")[0].at("function").contains("body"));
  CHECK(row.at("parallel_tool_calls") == true);
  CHECK(row.at("reward") == 1.0);
  CHECK(row.at("policy") == "random");
  CHECK(row.at("rollout_id") == rollout.id);
  CHECK(row.at("rollout_seed") == 3);
  CHECK(row.at("context").is_null());
}

TEST_CASE("grpo rows hold what TRL and verl look for") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  const Format& format = format_named("grpo");
  const std::string out = folder.file("out");
  const ExportReport report = export_dataset(*store, {.format = format.name, .folder = out, .select = {.train_percent = 0, .validation_percent = 100}}).value();
  const auto rows = rows_of(out, report, "validation", format);
  REQUIRE(rows.size() == kTasks - kUncertified);
  const Json& row = rows[1];
  CHECK(row.at("prompt").size() == 2);
  CHECK(row.at("prompt")[0].at("role") == "system");
  CHECK(row.at("prompt")[1].at("role") == "user");
  CHECK(row.at("data_source") == "assay/travel");
  CHECK(row.at("reward_model") == Json{{"style", "rule"}, {"ground_truth", row.at("task_id")}});
  CHECK(row.at("extra_info") ==
        Json{{"index", 1}, {"split", "validation"}, {"task_id", row.at("task_id")}, {"submit_tool", "submit_result"}, {"judged_by", "answer"}});
  CHECK(parse_json(row.at("tools").get<std::string>(), "").value()[0].at("function").at("name") == "get_all_cities");
  CHECK(std::count(report.files.begin(), report.files.end(), "reward.py") == 1);
}

TEST_CASE("tasks that ask for a patch become SWE-bench instances, others are left out and counted") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  const auto environment = sample::environment();
  const auto put = [&](const char* from) {
    Task task = sample::repair_task(*environment, from);
    REQUIRE(store->put_task(task).ok());
    REQUIRE(store->put_certificate(sample::certificate(task)).ok());
    return task;
  };
  const Task task = put("issue");
  put("commit");
  const Format& format = format_named("swe_bench");
  ExportOptions options{.format = format.name, .folder = folder.file("out"), .select = {.train_percent = 100, .validation_percent = 0}};
  const auto report = export_dataset(*store, options);
  if (!report.ok()) FAIL(report.error().text());
  CHECK(report->plan.funnel.tasks.count(Loss::kFormat) == kTasks - kUncertified);
  CHECK(report->plan.funnel.tasks.count(Loss::kStatement) == 1);
  const auto rows = rows_of(folder.file("out"), *report, "train", format);
  REQUIRE(rows.size() == 1);
  Json row = rows[0];
  CHECK(row.at("certificate").at("sound") == true);
  row.erase("certificate");
  CHECK(row == Json::parse(R"({"repo":"pallets/click","instance_id":"pallets__click-2421","base_commit":"0123456789abcdef0123456789abcdef01234567",
    "patch":"diff --git a/a.py b/a.py\n","test_patch":"diff --git a/t.py b/t.py\n","problem_statement":"It breaks.","hints_text":"","created_at":"2024-01-02T03:04:05Z",
    "version":"","FAIL_TO_PASS":"[\"t.py::test_a[1]\"]","PASS_TO_PASS":"[]","environment_setup_commit":"0123456789abcdef0123456789abcdef01234567","split":"train",
    "licence":"BSD-3-Clause","language":"python","statement_from":"issue","task_id":")" + task.id + R"("})"));
  options.select.commit_statements = true;
  CHECK(export_dataset(*store, options).value().rows.at("train") == 2);
}

TEST_CASE("a Harbor task directory reproduces the recipe, and its tests judge a tree") {
  Folder folder;
  auto store = Store::open(folder.file("s.db"), StoreMode::kOpenOrCreate, system_clock()).value();
  const auto environment = sample::environment();
  REQUIRE(store->put_environment(*environment).ok());
  // The runner: writes a report in which test t passes if t.txt, from the test patch, agrees with a.txt, and test u always. What goes wrong
  // beside that stands in a file of the tree.
  const std::string runner = R"(import os, sys
does = open('does.txt').read() if os.path.exists('does.txt') else ''
while does == 'hang': pass
good = does == 'skip' or open('a.txt').read() == open('t.txt').read()
tests = {'t': '<skipped/>' if does == 'skip' else '' if good else '<failure/>', 'u': '<failure/>' if does == 'break' else '', 'v': '<failure/>' if does == 'lie' else ''}
cases = ['<testcase classname="m" name="%s">%s</testcase>' % each for each in tests.items()]
open(sys.argv[1], 'w').write('<testsuites><testsuite name="s">' + ''.join(cases) + '</testsuite></testsuites>')
sys.exit(not good or does == 'break')
)";
  Task task = sample::repair_task(*environment, "issue");
  task.gold = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-old\n+new\n";
  task.tests = {{"tests", "diff --git a/t.txt b/t.txt\nnew file mode 100644\n--- /dev/null\n+++ b/t.txt\n@@ -0,0 +1 @@\n+new\n"}, {"build", Json::array()}, {"fail_to_pass", {"m::t"}}, {"pass_to_pass", {"m::u"}},
                {"limits", {{"wall_ms", 10'000}, {"cores", 2}, {"memory_bytes", int64_t{1} << 30}}},
                {"commands", {{{"argv", {"python3", "-c", runner, "{report}", "{tests}"}}, {"files", {"t.txt"}}, {"environment", Json::object()}, {"format", "junit"}}}}};
  seal_task(task);
  Task other = task;
  other.tests["commands"][0]["format"] = "go_json";
  seal_task(other);
  for (const Task& each : {task, other}) {
    Certificate certificate = sample::certificate(each);
    certificate.acceptance = {{"recipe", {{"ecosystem", "python"}, {"stages", {{{"name", "dependencies"}, {"keeps", Json::array({"work/deps", "work/repo/node_modules"})}, {"steps", {{{"argv", {"pip", "install", "a b"}}, {"environment", {{"X", "1"}}}}}}}}},
                                          {"prepare", {{{"argv", {"make"}}}}}}}};
    seal_certificate(certificate);
    REQUIRE(store->put_task(each).ok());
    REQUIRE(store->put_certificate(certificate).ok());
  }
  const std::string out = folder.file("out");
  const auto report = export_dataset(*store, {.format = "harbor", .folder = out, .select = {.train_percent = 100, .validation_percent = 0}});
  if (!report.ok()) FAIL(report.error().text());
  CHECK(report->plan.funnel.tasks.count(Loss::kFormat) == 1);
  CHECK(files_below(out) == std::set<std::string>(report->files.begin(), report->files.end()));
  const std::string made = out + "/tasks/pallets__click-2421/";
  const std::string dockerfile = read_file(made + "environment/Dockerfile").value();
  CHECK(dockerfile.find("git fetch -q --depth 1 \"$REPOSITORY\" 0123456789abcdef0123456789abcdef01234567 &&") != std::string::npos);
  CHECK(dockerfile.ends_with("RUN [\"env\",\"X=1\",\"pip\",\"install\",\"a b\"]\nRUN git checkout -q . && git clean -fdxq -e \"/node_modules\"\nRUN [\"env\",\"make\"]\n"));
  const std::string toml = read_file(made + "task.toml").value();
  CHECK(toml.find("[environment]\ncpus = 2\nmemory_mb = 1024\nstorage_mb = 10240\nnetwork_mode = \"no-network\"\nworkdir = \"/work/repo\"\n") != std::string::npos);
  CHECK(read_file(made + "instruction.md").value().find("It breaks.") != std::string::npos);

  // Its own judge, over a tree on this machine.
  const std::string tree = folder.file("tree");
  const auto shell = [](const std::string& commands) { return std::system(("(" + commands + ") >/dev/null 2>&1").c_str()); };
  REQUIRE(shell("mkdir " + tree + " && cd " + tree + " && echo old > a.txt && git init -q && git add -A && git -c user.name=a -c user.email=a@a commit -qm base && sed -i 's,\"/work/repo\",\"" + tree + "\",' " + made + "tests/plan.json") == 0);
  const auto reward = [&](const std::string& change) {
    CHECK(shell("cd " + tree + " && git checkout -q . && git clean -fdxq && " + change + " && python3 " + made + "tests/judge.py " + folder.file("reward")) == 0);
    return read_file(folder.file("reward")).value();
  };
  CHECK(reward("true") == "0");
  CHECK(reward("git apply " + made + "solution/gold.patch") == "1");
  CHECK(reward("echo old > t.txt") == "0");   // a test of the agent's own does not count
  CHECK(reward("printf 'raise SystemExit(0)' > sitecustomize.py") == "0");
  const std::string mend = "git apply " + made + "solution/gold.patch && printf '%s' ";
  CHECK(reward(mend + "nothing > does.txt") == "1");
  CHECK(reward(mend + "skip > does.txt") == "0");
  CHECK(reward(mend + "break > does.txt") == "0");
  CHECK(reward(mend + "lie > does.txt") == "0");   // by its exit status, of a test that decides nothing
  CHECK(reward(mend + "hang > does.txt") == "0");
}

// ---- What can go wrong ----

TEST_CASE("an unknown format lists the known ones, wrong shares are refused") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  const auto unknown = export_dataset(*store, {.format = "openai-chat", .folder = folder.file("x")});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().what.find("known: atif, axolotl, grpo, harbor, llama_factory, nemo_gym, ") != std::string::npos);
  CHECK_FALSE(export_dataset(*store, {.format = "grpo", .folder = folder.file("x"), .select = {.train_percent = 99, .validation_percent = 2}}).ok());
  CHECK_FALSE(export_dataset(*store, {.format = "grpo", .folder = ""}).ok());
  CHECK_FALSE(std::filesystem::exists(folder.file("x")));
}

TEST_CASE("nothing to export is an error that says why, and leaves nothing behind") {
  Folder folder;
  auto store = Store::open(folder.file("s.db"), StoreMode::kOpenOrCreate, system_clock()).value();
  REQUIRE(store->put_environment(*sample::environment()).ok());
  REQUIRE(store->put_task(sample::task()).ok());
  REQUIRE(store->put_certificate(sample::certificate(sample::task(), false)).ok());
  for (const Format& format : formats::all()) {
    const auto report = export_dataset(*store, {.format = format.name, .folder = folder.file("out")});
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().what.find("of 1 tasks none is left; 1: the certificate says that it is not sound") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.file("out")));
  }
}

TEST_CASE("a task that an attack scored at is left out until an attack finds nothing") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  const auto exported = [&] { return export_dataset(*store, {.format = "grpo", .folder = folder.file("out")}).value(); };
  const auto rows = [](const ExportReport& report) {
    int64_t sum = 0;
    for (const auto& [split, count] : report.rows) sum += count;
    return sum;
  };
  AttackReport clean, hit;
  clean.catalogue = hit.catalogue = "attacks 1";
  hit.categories["no_op"] = {3, 0, 1};
  const std::string attacked = sample::task(0).id;
  CHECK(exported().plan.never_attacked == kTasks - kUncertified);
  REQUIRE(store->put_observation(sample::task(1).id, kAttackObservation, to_json(clean)).ok());
  REQUIRE(store->put_observation(attacked, kAttackObservation, to_json(clean)).ok());
  REQUIRE(store->put_observation(attacked, kAttackObservation, to_json(hit)).ok());
  const ExportReport blocked = exported();
  CHECK(blocked.plan.funnel.tasks.count(Loss::kAttacked) == 1);
  CHECK(blocked.plan.never_attacked == kTasks - kUncertified - 2);
  CHECK(rows(blocked) == kTasks - kUncertified - 1);
  for (const std::string& file : files_below(folder.file("out"))) CHECK(read_file(folder.file("out/" + file)).value().find(attacked) == std::string::npos);
  REQUIRE(store->put_observation(attacked, kAttackObservation, to_json(clean)).ok());
  CHECK(rows(exported()) == kTasks - kUncertified);
  REQUIRE(store->put_observation(attacked, kAttackObservation, {{"format", "another"}}).ok());
  CHECK_FALSE(export_dataset(*store, {.format = "grpo", .folder = folder.file("out")}).ok());
}

TEST_CASE("a folder that cannot be made is named") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  const auto report = export_dataset(*store, {.format = "grpo", .folder = folder.file("s.db/out")});
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().where.find("s.db/out") != std::string::npos);
  CHECK(report.error().boundary == Boundary::kStore);
}

TEST_CASE("a record that cannot be read ends the export and leaves the older one whole") {
  Folder folder;
  const std::string path = folder.file("s.db"), out = folder.file("out");
  REQUIRE(export_dataset(*filled_store(path), {.format = "grpo", .folder = out}).ok());
  std::map<std::string, std::string> first;
  for (const std::string& file : files_below(out)) first[file] = read_file(out + "/" + file).value();
  for (const auto& entry : std::filesystem::directory_iterator(path + ".segments")) std::filesystem::resize_file(entry.path(), 20'000);
  auto store = Store::open(path, StoreMode::kMustExist, system_clock()).value();
  CHECK_FALSE(export_dataset(*store, {.format = "grpo", .folder = out}).ok());
  CHECK(files_below(out).size() == first.size());
  for (const auto& [file, text] : first) CHECK(read_file(out + "/" + file).value() == text);
}

TEST_CASE("rows of an earlier export do not outlive a later one") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  const std::string out = folder.file("out");
  CHECK(export_dataset(*store, {.format = "grpo", .folder = out, .select = {.train_percent = 50, .validation_percent = 25}})->rows.size() == 3);
  CHECK(export_dataset(*store, {.format = "grpo", .folder = out, .select = {.train_percent = 100, .validation_percent = 0}})->rows.size() == 1);
  CHECK(files_below(out) == std::set<std::string>{"README.md", "data/train.json", "manifest.json", "reward.py"});
}

TEST_CASE("the non-thinking form holds no reasoning, the other one does") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"));
  const auto written = [&](Reasoning reasoning) {
    const ExportReport report = export_dataset(*store, {.format = "openai_chat", .folder = folder.file("out"), .select = {.reasoning = reasoning}}).value();
    std::string all;
    for (const auto& [split, rows] : report.rows) all += read_file(folder.file("out/data/" + split + ".jsonl")).value();
    return all;
  };
  CHECK(written(Reasoning::kThinking).find("reasoning_content") != std::string::npos);
  CHECK(written(Reasoning::kNonThinking).find("reasoning_content") == std::string::npos);
}

// ---- Standard output, full disks, ends in the middle ----

// Runs `work` in a child with standard output going to `output`.
pid_t in_child(int output, const std::function<int()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child != 0) return child;
  ::signal(SIGPIPE, SIG_IGN);
  if (output >= 0) ::dup2(output, STDOUT_FILENO);
  ::_exit(work());
}

int end_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) REQUIRE(errno == EINTR);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// A store whose rows need more than any buffer holds: `rollouts` of 64 KB each.
void fill(const std::string& path, int rollouts) {
  auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock()).value();
  const auto environment = sample::environment();
  const Task task = sample::task(0, *environment);
  REQUIRE(store->put_environment(*environment).ok());
  REQUIRE(store->put_task(task).ok());
  REQUIRE(store->put_certificate(sample::certificate(task)).ok());
  for (int i = 0; i < rollouts; ++i) REQUIRE(store->put_rollout(sample::rollout(task, i, true, 1, 64'000)).ok());
  REQUIRE(store->flush().ok());
}

TEST_CASE("standard output gets the rows of all splits and nothing else; a reader that goes is an error that says so") {
  Folder folder;
  fill(folder.file("s.db"), 100);
  const auto to_output = [&]() -> Result<ExportReport> {
    auto store = Store::open(folder.file("s.db"), StoreMode::kMustExist, system_clock()).value();
    return export_dataset(*store, {.format = "openai_chat", .folder = kStandardOutput});
  };
  const int file = ::open(folder.file("rows").c_str(), O_WRONLY | O_CREAT, 0600);
  CHECK(end_of(in_child(file, [&] { return to_output().ok() ? 0 : 1; })) == 0);
  ::close(file);
  const std::string rows = read_file(folder.file("rows")).value();
  CHECK(std::count(rows.begin(), rows.end(), '\n') == 100);

  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = in_child(pipe[1], [&] {
    ::close(pipe[0]);
    const auto report = to_output();
    return report.ok() ? 0 : report.error().what.find("has gone") != std::string::npos ? 7 : 8;
  });
  ::close(pipe[1]);
  char some[1000];
  CHECK(::read(pipe[0], some, sizeof some) > 0);
  ::close(pipe[0]);
  CHECK(end_of(child) == 7);
}

TEST_CASE("an export that is killed at any moment leaves the older one whole or a new one whole, and the next one clears up") {
  Folder folder;
  const std::string path = folder.file("s.db"), out = folder.file("out");
  fill(path, 60);
  const auto export_split = [&](int train) {
    auto store = Store::open(path, StoreMode::kMustExist, system_clock()).value();
    return export_dataset(*store, {.format = "openai_chat", .folder = out, .select = {.train_percent = train, .validation_percent = 0}});
  };
  const auto contents = [&] {
    std::map<std::string, std::string> all;
    for (const std::string& file : files_below(out)) all[file] = read_file(out + "/" + file).value();
    return all;
  };
  REQUIRE(export_split(100).ok());
  const auto train = contents();
  REQUIRE(export_split(0).ok());
  const auto test = contents();
  REQUIRE(train != test);
  Rng rng(4, "kills");
  int killed = 0;
  bool partial = false;
  for (int i = 0; i < 40; ++i) {
    const pid_t child = in_child(-1, [&] { return export_split(i % 2 ? 0 : 100).ok() ? 0 : 1; });
    ::usleep(static_cast<useconds_t>(rng.below(60'000)));
    ::kill(child, SIGKILL);
    killed += end_of(child) == -SIGKILL;
    partial = partial || std::filesystem::exists(folder.file(".out.partial"));
    const auto now = contents();
    CHECK((now == train || now == test));
  }
  CHECK(killed > 5);
  CHECK(partial);
  REQUIRE(export_split(100).ok());
  CHECK(contents() == train);
  CHECK_FALSE(std::filesystem::exists(folder.file(".out.partial")));
}

TEST_CASE("a disk that is full in the middle of an export ends it, with the older one whole and nothing beside it") {
  SmallDisk disk(4);
  if (!disk.mounted()) {
    std::cout << "skipped: export to a full disk (mounting a small tmpfs needs root)\n";
    return;
  }
  Folder folder;
  fill(folder.file("s.db"), 60);
  auto store = Store::open(folder.file("s.db"), StoreMode::kMustExist, system_clock()).value();
  const auto rows = [&](int64_t most) { return export_dataset(*store, {.format = "openai_chat", .folder = disk.file("out"), .select = {.most_per_task = most}}); };
  REQUIRE(rows(20).ok());
  std::map<std::string, std::string> before;
  for (const std::string& file : files_below(disk.file("out"))) before[file] = read_file(disk.file("out/" + file)).value();
  const auto full = rows(1000);   // 4 MB beside 1.3 MB
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().hint == "free some space");
  CHECK(files_below(disk.file("")).size() == before.size());
  for (const auto& [file, text] : before) CHECK(read_file(disk.file("out/" + file)).value() == text);
  REQUIRE(disk.resize(30));
  CHECK(rows(1000).ok());
}

}  // namespace
}  // namespace assay
