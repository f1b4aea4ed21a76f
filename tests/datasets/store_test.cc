#include "datasets/store.h"

#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "datasets/measured.h"
#include "datasets/rollout_text.h"
#include "datasets/schema.h"
#include "tests/datasets/sample.h"

namespace assay {
namespace {

using sample::Folder;

std::unique_ptr<Store> open_store(const std::string& path, Clock& clock = system_clock()) {
  auto store = Store::open(path, StoreMode::kOpenOrCreate, clock);
  if (!store.ok()) FAIL(store.error().text());
  return std::move(store).value();
}

// One environment, five tasks of difficulty 1 to 5 with certificates (the last one unsound), two rollouts each.
void fill(Store& store) {
  const auto environment = sample::environment();
  REQUIRE(store.put_environment(*environment).ok());
  for (int i = 0; i < 5; ++i) {
    const Task task = sample::task(i);
    REQUIRE(store.put_task(task).ok());
    REQUIRE(store.put_certificate(sample::certificate(task, i != 4)).ok());
    REQUIRE(store.put_rollout(sample::rollout(task, 0, i % 2 == 0)).ok());
    REQUIRE(store.put_rollout(i == 3 ? sample::broken_rollout(task, 1) : sample::rollout(task, 1, true)).ok());
  }
}

// Runs SQL on the file behind the store's back; returns the first column of the first row.
std::string sql(const std::string& path, const std::string& text) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  std::string first;
  char* problem = nullptr;
  sqlite3_exec(database, text.c_str(),
               [](void* out, int, char** cells, char**) { return *static_cast<std::string*>(out) = cells[0] ? cells[0] : "", 0; },
               &first, &problem);
  INFO((problem ? problem : ""));
  REQUIRE(problem == nullptr);
  sqlite3_close(database);
  return first;
}

std::vector<std::string> segments(const std::string& store) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(store + ".segments")) files.push_back(entry.path().string());
  return files;
}

TEST_CASE("everything put comes back the same, before and after it is reopened") {
  Folder folder;
  const auto environment = sample::environment();
  const Task task = sample::task(2);
  const Certificate certificate = sample::certificate(task);
  const Rollout rollout = sample::rollout(task, 3, false, 5, 300);
  auto store = open_store(folder.file("s.db"));
  REQUIRE(store->put_environment(*environment).ok());
  REQUIRE(store->put_task(task).ok());
  REQUIRE(store->put_certificate(certificate).ok());
  REQUIRE(store->put_rollout(rollout).ok());
  REQUIRE(store->put_observation(task.id, "pass@1", {{"rate", 0.25}}).ok());
  for (int round = 0; round < 2; ++round) {
    CHECK(to_json(*store->environment(environment->id).value()) == to_json(*environment));
    CHECK(to_json(store->task(task.id).value()) == to_json(task));
    CHECK(store->task(task.id).value().id == task.id);
    CHECK(to_json(store->certificate(task.id).value()) == to_json(certificate));
    CHECK(to_json(store->rollout(rollout.id).value()) == to_json(rollout));
    CHECK(store->has_rollout(rollout.id).value());
    CHECK_FALSE(store->has_rollout(sample::rollout(task, 4).id).value());
    const Json observed = store->observations(task.id).value();
    REQUIRE(observed.size() == 1);
    CHECK(observed[0]["name"] == "pass@1");
    CHECK(observed[0]["value"] == Json{{"rate", 0.25}});
    CHECK(store->check().value() == std::vector<std::string>());
    store.reset();
    store = open_store(folder.file("s.db"));
  }
}

TEST_CASE("listings are in order and filtered") {
  Folder folder;
  auto store = open_store(folder.file("s.db"));
  fill(*store);
  const auto all = store->tasks({}).value();
  REQUIRE(all.size() == 5);
  for (int i = 0; i < 5; ++i) {
    CHECK(all[i].difficulty == i + 1);
    CHECK(all[i].index == i);
    CHECK(all[i].id == sample::task(i).id);
    CHECK(all[i].sound == (i != 4));
    CHECK(all[i].chance_rate == Approx(0.0125));
    CHECK(all[i].calls_high == 5);
  }
  CHECK(store->tasks({.sound_only = true}).value().size() == 4);
  CHECK(store->tasks({.difficulty = 3}).value().front().id == sample::task(2).id);
  CHECK(store->tasks({.id_prefix = all[1].id.substr(0, 10)}).value().size() == 1);
  CHECK(store->tasks({.seed = 8}).value().empty());
  CHECK(store->tasks({.limit = 2}).value().size() == 2);
  CHECK(store->rollouts({}).value().size() == 10);
  CHECK(store->rollouts({.passed = true}).value().size() == 7);
  CHECK(store->rollouts({.passed = false}).value().size() == 2);
  CHECK(store->rollouts({.policy = "gold"}).value().empty());
  const auto of_task = store->rollouts({.task = all[3].id}).value();
  REQUIRE(of_task.size() == 2);
  CHECK(of_task[0].sample == 0);
  CHECK(of_task[0].boundary.empty());
  CHECK(of_task[1].boundary == "policy");
  CHECK_FALSE(of_task[1].scored);
  CHECK(store->environments().value() == std::vector<std::string>{sample::environment()->id});
}

TEST_CASE("a listing needs no segment") {
  Folder folder;
  const std::string path = folder.file("s.db");
  fill(*open_store(path));
  for (const std::string& file : segments(path)) std::filesystem::remove(file);
  auto store = open_store(path);
  CHECK(store->tasks({}).value().size() == 5);
  CHECK(store->rollouts({}).value().size() == 10);
  const auto lost = store->task(sample::task(0).id);
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().boundary == Boundary::kStore);
}

TEST_CASE("the summary counts by policy and difficulty, failures apart") {
  Folder folder;
  auto store = open_store(folder.file("s.db"));
  fill(*store);
  const auto lines = store->summary().value();
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].policy == "random");
  CHECK(lines[0].difficulty == 1);
  CHECK(lines[0].rollouts == 2);
  CHECK(lines[0].passed == 2);
  CHECK(lines[0].mean_calls == Approx(2));
  CHECK(lines[3].scored == 1);
  CHECK(lines[3].passed == 0);
  CHECK(lines[3].failed == 1);
}

TEST_CASE("putting again what is there changes nothing") {
  Folder folder;
  auto store = open_store(folder.file("s.db"));
  fill(*store);
  REQUIRE(store->flush().ok());
  const Json before = store->statistics().value();
  fill(*store);
  REQUIRE(store->flush().ok());
  fill(*store);
  CHECK(store->statistics().value() == before);
  CHECK(before["rollouts"] == 10);
  CHECK(before["certificates"] == 5);
  CHECK(before["sound"] == 4);
  CHECK(before["segments"] == 1);
}

TEST_CASE("the newest certificate counts, even if it was there before") {
  Folder folder;
  auto store = open_store(folder.file("s.db"));
  const Task task = sample::task();
  REQUIRE(store->put_environment(*sample::environment()).ok());
  REQUIRE(store->put_task(task).ok());
  for (const bool sound : {true, false, true, true}) {
    REQUIRE(store->put_certificate(sample::certificate(task, sound)).ok());
    CHECK(store->certificate(task.id).value().sound == sound);
    CHECK(store->tasks({}).value()[0].sound == sound);
  }
  CHECK(store->statistics().value()["certificates"] == 3);
}

TEST_CASE("a unique prefix finds an item, a short or unknown one says what to do") {
  Folder folder;
  auto store = open_store(folder.file("s.db"));
  fill(*store);
  const Task task = sample::task(1);
  CHECK(store->task(task.id.substr(0, 8)).value().id == task.id);
  CHECK(store->certificate(task.id.substr(0, 8)).value().task == task.id);
  CHECK(store->environment(task.environment.substr(0, 6)).value()->id == task.environment);
  for (const std::string id : {"", "abc", "000000", "zzzzzzzzzz", "'; DROP TABLE task; --"}) {
    const auto missing = store->task(id);
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().boundary == Boundary::kInput);
    CHECK_FALSE(missing.error().hint.empty());
  }
  CHECK_FALSE(store->task(std::string(1000, 'a')).ok());
}

TEST_CASE("an ambiguous prefix is refused") {
  Folder folder;
  const std::string path = folder.file("s.db");
  fill(*open_store(path));
  sql(path, "UPDATE task SET id = 'abcdef' || substr(id, 7)");
  const auto found = open_store(path)->task("abcdef");
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().what.find("several tasks begin with") != std::string::npos);
}

TEST_CASE("what is not named by its content is refused") {
  Folder folder;
  auto store = open_store(folder.file("s.db"));
  Task task = sample::task();
  task.prompt += " (changed)";
  CHECK_FALSE(store->put_task(task).ok());
  Certificate certificate = sample::certificate(sample::task());
  certificate.sound = !certificate.sound;
  CHECK_FALSE(store->put_certificate(certificate).ok());
  Rollout rollout = sample::rollout(sample::task());
  rollout.sample = 99;
  CHECK_FALSE(store->put_rollout(rollout).ok());
  CHECK(store->statistics().value()["tasks"] == 0);
}

TEST_CASE("rows are committed by number, by age and when the store is closed") {
  Folder folder;
  const std::string path = folder.file("s.db");
  ManualClock clock;
  auto store = open_store(path, clock);
  const auto committed = [&] { return sql(path, "SELECT count(*) FROM rollout"); };
  const Task task = sample::task();
  int64_t sample = 0;
  for (; sample < 8191; ++sample) REQUIRE(store->put_rollout(sample::rollout(task, sample)).ok());
  CHECK(committed() == "0");
  REQUIRE(store->put_rollout(sample::rollout(task, sample++)).ok());
  CHECK(committed() == "8192");
  REQUIRE(store->put_rollout(sample::rollout(task, sample++)).ok());
  clock.advance_ms(499);
  REQUIRE(store->put_rollout(sample::rollout(task, sample++)).ok());
  CHECK(committed() == "8192");
  clock.advance_ms(1);
  REQUIRE(store->put_rollout(sample::rollout(task, sample++)).ok());
  CHECK(committed() == "8195");
  REQUIRE(store->put_rollout(sample::rollout(task, sample++)).ok());
  CHECK(store->has_rollout(sample::rollout(task, sample - 1).id).value());
  CHECK(committed() == "8195");
  store.reset();
  CHECK(committed() == "8196");
}

TEST_CASE("threads may share a store") {
  Folder folder;
  auto store = open_store(folder.file("s.db"));
  fill(*store);
  const Task task = sample::task();
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 400; ++i) {  // every rollout is put by two threads
        const Rollout rollout = sample::rollout(task, (t / 2) * 400 + i, true);
        failed += !store->put_rollout(rollout).ok();
        if (i % 50 == t) failed += !store->rollout(rollout.id).ok() || !store->tasks({}).ok();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(store->rollouts({.task = task.id}).value().size() == 800);
  CHECK(store->check().value() == std::vector<std::string>());
}

// ---- What check() finds ----

TEST_CASE("check names every planted fault") {
  Folder folder;
  const std::string path = folder.file("s.db");
  fill(*open_store(path));
  const std::string id = sample::task(2).id;
  std::string expected;
  SECTION("a changed byte of a segment") {
    std::fstream file(segments(path).front(), std::ios::in | std::ios::out | std::ios::binary);
    const int64_t at = std::stoll(sql(path, "SELECT offset + size - 9 FROM task WHERE id = '" + id + "'"));
    file.seekg(at);
    const char changed = static_cast<char>(file.get() ^ 0x10);
    file.seekp(at);
    file.put(changed);
    expected = "damaged record";
  }
  SECTION("a cut segment") {
    std::filesystem::resize_file(segments(path).front(), std::filesystem::file_size(segments(path).front()) - 1);
    expected = "segment ends before the record";
  }
  SECTION("a missing segment") {
    std::filesystem::remove(segments(path).front());
    expected = "No such file";
  }
  SECTION("a row that names the wrong place") {
    sql(path, "UPDATE task SET offset = offset + 1 WHERE id = '" + id + "'");
    expected = "damaged record";
  }
  SECTION("a row that points to another item") {
    sql(path, "UPDATE task SET (segment, offset, size) = (SELECT segment, offset, size FROM task WHERE difficulty = 1) WHERE id = '" +
                  id + "'");
    expected = "the row's id is not what the record says";
  }
  SECTION("a verdict improved by hand") {
    sql(path, "UPDATE rollout SET passed = 1, reward = 1 WHERE passed = 0 AND scored = 1");
    expected = "the row's reward is not what the record says";
  }
  SECTION("a certificate declared sound by hand") {
    sql(path, "UPDATE certificate SET sound = 1");
    expected = "the row's sound is not what the record says";
  }
  SECTION("a task that is gone") {
    sql(path, "DELETE FROM task WHERE id = '" + id + "'");
    expected = "whose task is not there";
  }
  SECTION("a size that no record has") {
    sql(path, "UPDATE rollout SET size = 1 << 60");
    expected = "impossible size";
  }
  SECTION("a segment name that leads elsewhere") {
    sql(path, "UPDATE segment SET name = '../../etc/passwd'");
    expected = "names a segment that is not known";
  }
  const auto problems = open_store(path)->check().value();
  INFO(expected);
  REQUIRE_FALSE(problems.empty());
  CHECK(std::any_of(problems.begin(), problems.end(), [&](const std::string& p) { return p.find(expected) != std::string::npos; }));
}

TEST_CASE("a torn tail that nobody points to is no problem") {
  Folder folder;
  const std::string path = folder.file("s.db");
  fill(*open_store(path));
  std::ofstream(segments(path).front(), std::ios::app | std::ios::binary) << "ASR1 torn";
  std::ofstream(path + ".segments/0123456789abcdef.segment") << "never committed";
  auto store = open_store(path);
  CHECK(store->check().value() == std::vector<std::string>());
  CHECK(store->rollout(sample::rollout(sample::task(), 0).id).ok());
}

// ---- Opening ----

TEST_CASE("what a certificate has not measured is nothing, in stores from before, too") {
  Folder folder;
  const std::string path = folder.file("s.db");
  const Task task = sample::task();
  Certificate judged_by_tests;
  judged_by_tests.task = task.id;
  seal_certificate(judged_by_tests);
  const auto check = [&](Store& store) {
    const TaskRow row = store.tasks({}).value().front();
    CHECK(row.certificate == judged_by_tests.id);
    CHECK_FALSE((measured(row).chance_rate || measured(row).calls_low || measured(row).calls_high));
    CHECK(store.check().value() == std::vector<std::string>());
  };
  {
    auto store = open_store(path);
    REQUIRE(store->put_environment(*sample::environment()).ok());
    REQUIRE(store->put_task(task).ok());
    CHECK_FALSE(measured(store->tasks({}).value().front()).chance_rate);   // no certificate yet
    REQUIRE(store->put_certificate(judged_by_tests).ok());
    check(*store);
  }
  sql(path, "UPDATE certificate SET chance_rate = 1; PRAGMA user_version = 5");   // as it was written before
  check(*open_store(path));
  const Measured known = measured(sample::certificate(task));
  CHECK((*known.chance_rate == Approx(0.0125) && known.calls_low == 2 && known.calls_high == 5));
}

TEST_CASE("a store of version 1 is upgraded and keeps what it has") {
  Folder folder;
  const std::string path = folder.file("s.db");
  fill(*open_store(path));
  const std::string old = folder.file("old.db");
  sql(old, std::string(store_migrations()[0]) + "; PRAGMA user_version = 1; PRAGMA application_id = " + std::to_string(kStoreApplicationId));
  std::string copy = "ATTACH '" + path + "' AS new; INSERT INTO segment SELECT * FROM new.segment;";
  const std::string later = "answer state verdict";   // columns that came with version 5
  for (const StoreTable& table : store_tables()) {
    if (table.kind == RecordKind::kTokens) continue;
    std::string columns = "segment, offset, size";
    for (const std::string column : table.columns)
      if (later.find(column) == std::string::npos) columns += ", " + column;
    copy += "INSERT INTO " + std::string(table.name) + "(" + columns + ") SELECT " + columns + " FROM new." + table.name + ";";
  }
  sql(old, copy);
  std::filesystem::copy(path + ".segments", old + ".segments");

  auto store = open_store(old);
  CHECK(store->statistics().value()["schema"] == store_migrations().size());
  CHECK(store->tasks({}).value().size() == 5);
  CHECK(store->put_observation("task", "pass@8", 1).ok());
  CHECK(store->check().value() == std::vector<std::string>());
  CHECK(store->put_rollout(sample::rollout(sample::task(), 77)).ok());
  CHECK(store->flush().ok());
  store.reset();
  CHECK(open_store(old)->rollouts({}).value().size() == 11);
}

TEST_CASE("what is judged of a rollout is what its record says, wherever it is read from") {
  Folder folder;
  const Task task = sample::task();
  Rollout plain = sample::rollout(task, 0), stateful = sample::rollout(task, 1), large = sample::rollout(task, 2), broken = sample::rollout(task, 3);
  stateful.state = {{"tables", {{"orders", {{"inserted", {"a \"b\"", 1.5}}}}}}};
  large.answer.assign(kOutcomeBytes + 1, 'x');
  broken.answer = "\xff no UTF-8";
  const std::string path = folder.file("s.db");
  {
    auto store = open_store(path);
    REQUIRE(store->put_environment(*sample::environment()).ok());
    REQUIRE(store->put_task(task).ok());
    for (const Rollout* rollout : {&plain, &stateful, &large, &broken}) REQUIRE(store->put_rollout(*rollout).ok());
  }
  const auto check = [&](const std::string& in_rows) {
    auto store = open_store(path);
    const std::vector<RolloutRow> rows = store->rollouts({}).value();
    REQUIRE(rows.size() == 4);
    for (const RolloutRow& row : rows) {
      const Rollout whole = store->rollout(row.id).value();
      const StoredOutcome judged = store->outcome(row).value();
      CHECK(judged.outcome.answer == whole.answer);
      CHECK(judged.outcome.state == whole.state);
      CHECK(judged.verdict == verdict_digest(whole.verdict));
    }
    CHECK(store->check().value() == std::vector<std::string>{});
    CHECK(sql(path, "SELECT count(*) FROM rollout WHERE verdict <> ''") == in_rows);
  };
  check("2");
  SECTION("as an older version left it") {
    sql(path, "UPDATE rollout SET answer = '', state = '', verdict = ''");
    check("0");
  }
  SECTION("a row that says something else is found") {
    sql(path, "UPDATE rollout SET answer = answer || ' ' WHERE verdict <> ''");
    CHECK(open_store(path)->check().value().size() == 2);
  }
}

TEST_CASE("a store of a newer version is refused and left as it is") {
  Folder folder;
  const std::string path = folder.file("s.db");
  fill(*open_store(path));
  sql(path, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA user_version = 99");
  const auto before = std::filesystem::last_write_time(path);
  const auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock());
  REQUIRE_FALSE(store.ok());
  CHECK(store.error().text().find("newer version of assay (schema 99; this program knows " + std::to_string(store_migrations().size()) + ")") != std::string::npos);
  CHECK(store.error().where == path);
  CHECK_FALSE(store.error().hint.empty());
  CHECK(std::filesystem::last_write_time(path) == before);
}

TEST_CASE("what is no store is refused and left as it is") {
  Folder folder;
  const std::string path = folder.file("x.db");
  std::string expected;
  SECTION("another program's database") {
    sql(path, "CREATE TABLE mine(x); INSERT INTO mine VALUES (1)");
    expected = "not a store of assay";
  }
  SECTION("a database with a version of its own") {
    sql(path, "PRAGMA user_version = 1");
    expected = "not a store of assay";
  }
  SECTION("text") {
    std::ofstream(path) << std::string(5000, 'x');
    expected = "not a database";
  }
  SECTION("a folder") {
    std::filesystem::create_directory(path);
    expected = "a folder, not a store";
  }
  std::string before;
  if (!std::filesystem::is_directory(path)) before = read_file(path).value();
  const auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock());
  REQUIRE_FALSE(store.ok());
  CHECK(store.error().text().find(expected) != std::string::npos);
  CHECK_FALSE(store.error().hint.empty());
  if (!std::filesystem::is_directory(path)) CHECK(read_file(path).value() == before);
  CHECK_FALSE(std::filesystem::exists(path + ".segments"));
}

TEST_CASE("a store that must exist is not made") {
  Folder folder;
  const auto store = Store::open(folder.file("none.db"), StoreMode::kMustExist, system_clock());
  REQUIRE_FALSE(store.ok());
  CHECK(store.error().text().find("no such store") != std::string::npos);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_FALSE(Store::open(folder.file("no/folder/s.db"), StoreMode::kOpenOrCreate, system_clock()).ok());
}

TEST_CASE("a store without its schema's tables fails by name, not by crash") {
  Folder folder;
  const std::string path = folder.file("s.db");
  fill(*open_store(path));
  sql(path, "DROP TABLE rollout");
  auto store = open_store(path);
  CHECK_FALSE(store->rollouts({}).ok());
  CHECK_FALSE(store->put_rollout(sample::rollout(sample::task(), 5)).ok());
  CHECK(store->rollouts({}).error().text().find("no such table: rollout") != std::string::npos);
}

}  // namespace
}  // namespace assay
