#include "datasets/merge.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include "envs/base/rng.h"
#include "tests/datasets/random_turns.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
using sample::Folder;

std::unique_ptr<Store> open_store(const std::string& path) {
  auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock());
  if (!store.ok()) FAIL(store.error().text());
  return std::move(store).value();
}

// Tasks [first, last) with their environment and certificates, and two rollouts of each; an engine recorded tokens of the first.
void fill(Store& store, int64_t first, int64_t last) {
  REQUIRE(store.put_environment(*sample::environment()).ok());
  for (int64_t index = first; index < last; ++index) {
    const Task task = sample::task(index);
    REQUIRE(store.put_task(task).ok());
    REQUIRE(store.put_certificate(sample::certificate(task)).ok());
    Rng rng(static_cast<uint64_t>(index), "turns");
    Rollout recorded = sample::rollout(task, 0, true);
    recorded.turns = sample::random_turns(rng, {.turns = 2}).turns;
    REQUIRE(store.put_rollout(recorded).ok());
    REQUIRE(store.put_rollout(sample::rollout(task, 1, false)).ok());
    REQUIRE(store.put_observation({task.id, "pass_rate", "0.5", 1000 + index}).ok());
    REQUIRE(store.put_observation({recorded.id, "verdict", "true", 1000 + index}).ok());
  }
  REQUIRE(store.flush().ok());
}

MergeReport merged(Store& out, const std::vector<std::string>& in, const MergeOptions& options = {}) {
  auto report = merge_stores(out, in, system_clock(), options);
  if (!report.ok()) FAIL(report.error().text());
  return std::move(report).value();
}

// Everything in a store but where it lies: identity of each record with the text it decodes to, and the observations.
std::multiset<std::string> contents(Store& store) {
  std::multiset<std::string> all;
  for (const RecordKind kind : {RecordKind::kEnvironment, RecordKind::kTask, RecordKind::kCertificate, RecordKind::kRollout})
    REQUIRE(store.visit_records(kind, [](const Values&) { return true; },
                                [&](const StoredRecord& record) {
                                  REQUIRE(record.bytes.ok());
                                  std::string text = std::get<std::string>(record.values[0]) + record_text(*record.bytes, kind, "").value();
                                  for (const StoredRecord& each : record.with) text += record_text(*each.bytes, each.kind, "").value();
                                  all.insert(std::move(text));
                                  return Status();
                                }).ok());
  REQUIRE(store.visit_observations([&](const StoredObservation& o) {
    all.insert(o.subject + " " + o.name + " " + o.value + " " + std::to_string(o.unix_ms));
    return Status();
  }).ok());
  return all;
}

void check_sound(Store& store) { CHECK(store.check().value() == std::vector<std::string>()); }

std::string only_segment(const std::string& store) {
  std::string found;
  for (const auto& entry : fs::directory_iterator(store + ".segments")) {
    REQUIRE(found.empty());
    found = entry.path().string();
  }
  return found;
}

TEST_CASE("shards of a store, merged again in any order and more than once, are the store") {
  Folder folder;
  const std::string whole = folder.file("whole.db");
  auto store = open_store(whole);
  fill(*store, 0, 40);
  const int64_t shards = GENERATE(1, 2, 5);
  std::vector<std::string> parts;
  int64_t tasks = 0;
  for (int64_t number = 1; number <= shards; ++number) {
    parts.push_back(folder.file(std::to_string(number) + ".db"));
    auto part = open_store(parts.back());
    merged(*part, {whole}, {.shard = {number, shards}});
    check_sound(*part);
    tasks += part->statistics().value()["tasks"].get<int64_t>();
    const std::vector<TaskRow> rows = part->tasks({}).value();
    for (const TaskRow& row : rows) CHECK(Shard{number, shards}.holds(row.id));
    for (const TaskRow& row : rows) CHECK(part->observations(sample::rollout(sample::task(row.index), 0).id).value().size() == 1);
  }
  CHECK(tasks == 40);
  std::reverse(parts.begin(), parts.end());
  auto out = open_store(folder.file("out.db"));
  CHECK(merged(*out, parts).copied == 1 + 40 * 4);
  CHECK(contents(*out) == contents(*store));
  const MergeReport again = merged(*out, parts);
  CHECK(again.copied == 0);
  CHECK(again.known == 40 * 4 + shards);
  CHECK(contents(*out) == contents(*store));
  check_sound(*out);
}

TEST_CASE("records are copied byte for byte") {
  Folder folder;
  auto in = open_store(folder.file("in.db"));
  fill(*in, 0, 3);
  auto out = open_store(folder.file("out.db"));
  merged(*out, {folder.file("in.db")});
  const std::vector<RolloutRow> rows = in->rollouts({}).value();
  REQUIRE(rows.size() == 6);
  for (const RolloutRow& row : rows) CHECK(in->rollout_record(row.id).value().bytes.value() == out->rollout_record(row.id).value().bytes.value());
}

TEST_CASE("two rollouts of one identity that differ are a conflict, which names both stores and the rollout") {
  Folder folder;
  const Task task = sample::task(0);
  Rollout rollout = sample::rollout(task);
  for (const char* name : {"a.db", "b.db"}) {
    auto store = open_store(folder.file(name));
    fill(*store, 5, 6);
    REQUIRE(store->put_task(task).ok());
    REQUIRE(store->put_rollout(rollout).ok());
    REQUIRE(store->flush().ok());
    rollout.answer = "[]";
  }
  auto out = open_store(folder.file("out.db"));
  const auto report = merge_stores(*out, {folder.file("a.db"), folder.file("b.db")}, system_clock(), {});
  REQUIRE_FALSE(report.ok());
  for (const std::string& named : {folder.file("a.db"), folder.file("b.db"), rollout.id}) CHECK(report.error().text().find(named) != std::string::npos);
  check_sound(*out);
  CHECK(out->rollout(rollout.id).value().answer == sample::kGold);
  const auto later = merge_stores(*out, {folder.file("b.db")}, system_clock(), {});
  REQUIRE_FALSE(later.ok());
  CHECK(later.error().text().find(folder.file("out.db")) != std::string::npos);
}

TEST_CASE("two rollouts whose tokens differ are a conflict; one whose tokens are damaged is left out whole") {
  Folder folder;
  const Task task = sample::task(0);
  for (const char* name : {"a.db", "b.db"}) {
    auto store = open_store(folder.file(name));
    REQUIRE(store->put_environment(*sample::environment()).ok());
    REQUIRE(store->put_task(task).ok());
    Rng rng(static_cast<uint64_t>(name[0]), "turns");
    Rollout rollout = sample::rollout(task);
    rollout.turns = sample::random_turns(rng, {.turns = 2}).turns;
    REQUIRE(store->put_rollout(rollout).ok());
    REQUIRE(store->flush().ok());
  }
  auto out = open_store(folder.file("out.db"));
  const auto report = merge_stores(*out, {folder.file("a.db"), folder.file("b.db")}, system_clock(), {});
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().what.find("conflict: " + folder.file("a.db")) == 0);
  fs::resize_file(only_segment(folder.file("a.db")), fs::file_size(only_segment(folder.file("a.db"))) - 1);
  auto fresh = open_store(folder.file("fresh.db"));
  CHECK(merged(*fresh, {folder.file("a.db")}).damaged == 1);
  CHECK(fresh->statistics().value()["rollouts"] == 0);
  check_sound(*fresh);
  merged(*fresh, {folder.file("b.db")});
  CHECK(fresh->turns(sample::rollout(task).id).value().size() == 2);
  check_sound(*fresh);
}

TEST_CASE("two rollouts that differ in how long they took are the same; the first one stays") {
  Folder folder;
  const Task task = sample::task(0);
  Rollout rollout = sample::rollout(task);
  for (const char* name : {"a.db", "b.db"}) {
    auto store = open_store(folder.file(name));
    fill(*store, 5, 6);
    REQUIRE(store->put_task(task).ok());
    rollout.wall_us += 1000;
    rollout.tool_us += 10;
    rollout.times.push_back({7, 8});
    REQUIRE(store->put_rollout(rollout).ok());
    REQUIRE(store->flush().ok());
  }
  auto out = open_store(folder.file("out.db"));
  const MergeReport report = merged(*out, {folder.file("a.db"), folder.file("b.db")});
  CHECK(report.problems.empty());
  CHECK(out->rollout(rollout.id).value().wall_us == 1000);
}

TEST_CASE("what a torn segment lost is named, with what hangs on it, and a whole copy elsewhere takes its place") {
  Folder folder;
  const std::string torn = folder.file("torn.db"), good = folder.file("good.db");
  { fill(*open_store(torn), 0, 4); }
  fs::resize_file(only_segment(torn), fs::file_size(only_segment(torn)) - 10);
  auto out = open_store(folder.file("out.db"));
  MergeReport report = merged(*out, {torn});
  CHECK(report.damaged == 1);
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].find(torn + ": rollout ") == 0);
  check_sound(*out);
  CHECK(out->statistics().value()["rollouts"] == 7);
  { fill(*open_store(good), 0, 4); }
  CHECK(merged(*out, {good}).copied == 1);
  CHECK(out->statistics().value()["rollouts"] == 8);
  check_sound(*out);
}

TEST_CASE("nothing is taken whose environment or task is damaged everywhere") {
  Folder folder;
  const std::string in = folder.file("in.db");
  { fill(*open_store(in), 0, 3); }
  {
    std::fstream segment(only_segment(in), std::ios::in | std::ios::out | std::ios::binary);
    segment.seekp(40);   // within the first record, the environment
    segment.put('\x55').put('\xaa');
  }
  auto out = open_store(folder.file("out.db"));
  const MergeReport report = merged(*out, {in});
  CHECK(report.damaged == 1);
  CHECK(report.left_out == 12);
  CHECK(report.copied == 0);
  check_sound(*out);
}

TEST_CASE("any bytes changed anywhere in a segment: what is taken is whole, and the rest is counted") {
  Folder folder;
  const std::string in = folder.file("in.db");
  { fill(*open_store(in), 0, 20); }
  const std::string segment = only_segment(in);
  const auto size = fs::file_size(segment);
  std::string original(size, '\0');
  std::ifstream(segment, std::ios::binary).read(original.data(), static_cast<std::streamsize>(size));
  const uint64_t seed = std::random_device()();
  INFO("seed " << seed);
  Rng rng(seed, "flips");
  int damaged = 0;
  for (int round = 0; round < 60; ++round) {
    std::string bytes = original;
    for (uint64_t flips = 1 + rng.below(3); flips > 0; --flips) bytes[rng.below(size)] ^= static_cast<char>(1 << rng.below(8));
    if (round % 4 == 0) bytes.resize(rng.below(size));
    std::ofstream(segment, std::ios::binary | std::ios::trunc) << bytes;
    const std::string path = folder.file("out" + std::to_string(round) + ".db");
    auto out = open_store(path);
    const MergeReport report = merged(*out, {in});
    CHECK(report.copied + report.damaged + report.left_out == 1 + 20 * 4);
    damaged += report.damaged > 0;
    check_sound(*out);
  }
  CHECK(damaged > 50);   // not all 60: a frame has bits that say nothing
}

TEST_CASE("a store of a newer version, a stranger's file and a missing one are refused, and the merge keeps what it has") {
  Folder folder;
  { fill(*open_store(folder.file("good.db")), 0, 2); }
  { fill(*open_store(folder.file("newer.db")), 2, 4); }
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(folder.file("newer.db").c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, "PRAGMA user_version = 99", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  std::ofstream(folder.file("stranger.db")) << "not a database, but a text that is long enough";
  auto out = open_store(folder.file("out.db"));
  for (const char* name : {"newer.db", "stranger.db", "missing.db", "out.db"}) {
    const auto report = merge_stores(*out, {folder.file("good.db"), folder.file(name)}, system_clock(), {});
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().text().find(folder.file(name)) != std::string::npos);
    check_sound(*out);
    CHECK(out->statistics().value()["rollouts"] == 4);
  }
}

TEST_CASE("the newest certificate stays the newest, whatever is merged and however often") {
  Folder folder;
  const Task task = sample::task(0);
  const Certificate older = sample::certificate(task, false), newer = sample::certificate(task, true);
  const auto store_with = [&](const std::string& name, const std::vector<Certificate>& certificates) {
    auto store = open_store(folder.file(name));
    REQUIRE(store->put_environment(*sample::environment()).ok());
    REQUIRE(store->put_task(task).ok());
    for (const Certificate& certificate : certificates) REQUIRE(store->put_certificate(certificate).ok());
    REQUIRE(store->flush().ok());
    return folder.file(name);
  };
  const std::string both = store_with("both.db", {older, newer}), first = store_with("first.db", {older}), second = store_with("second.db", {newer});
  const std::vector<std::vector<std::string>> orders = {{both, first}, {first, both}, {second, both}, {first, both, first, second, both}};
  for (size_t order = 0; order < orders.size(); ++order) {
    auto out = open_store(folder.file("out" + std::to_string(order) + ".db"));
    merged(*out, orders[order]);
    CHECK(out->certificate(task.id).value().id == newer.id);
    check_sound(*out);
  }
}

TEST_CASE("a merge killed at random moments goes on to the same store") {
  Folder folder;
  std::vector<std::string> inputs;
  for (int part = 0; part < 4; ++part) {
    inputs.push_back(folder.file("in" + std::to_string(part) + ".db"));
    fill(*open_store(inputs.back()), part * 100, part * 100 + 120);
  }
  auto whole = open_store(folder.file("whole.db"));
  merged(*whole, inputs);
  Rng rng(5, "kills");
  int kills = 0;
  for (bool done = false; !done;) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto out = Store::open(folder.file("out.db"), StoreMode::kOpenOrCreate, system_clock());
      ::_exit(out.ok() && merge_stores(**out, inputs, system_clock(), {}).ok() ? 0 : 1);
    }
    if (kills < 12) {
      ::usleep(static_cast<useconds_t>(rng.below(120'000)));
      ::kill(child, SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    kills += WIFSIGNALED(status);
    done = WIFEXITED(status);
    if (done) CHECK(WEXITSTATUS(status) == 0);
  }
  auto out = open_store(folder.file("out.db"));
  CHECK(contents(*out) == contents(*whole));
  check_sound(*out);
}

TEST_CASE("a full disk is an error; what was merged is valid, and the merge goes on with more room") {
  if (::getuid() != 0) {
    std::cout << "SKIPPED: a full disk needs root, to mount one\n";
    return;
  }
  Folder folder;
  const std::string in = folder.file("in.db"), disk = folder.file("disk");
  {
    auto store = open_store(in);
    fill(*store, 0, 2);
    Rng rng(6, "noise");
    for (int64_t i = 10; i < 60; ++i) {   // 5 MB that do not compress
      Rollout rollout = sample::rollout(sample::task(0), i);
      for (int k = 0; k < 6000; ++k) rollout.answer += std::to_string(rng.below(UINT64_MAX));
      REQUIRE(store->put_rollout(rollout).ok());
    }
    REQUIRE(store->flush().ok());
  }
  REQUIRE(::mkdir(disk.c_str(), 0755) == 0);
  if (::mount("assay-test", disk.c_str(), "tmpfs", 0, "size=2m") != 0) {
    std::cout << "SKIPPED: no tmpfs can be mounted here\n";
    return;
  }
  {
    auto out = open_store(disk + "/out.db");
    const auto report = merge_stores(*out, {in}, system_clock(), {});
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().text().find("free some space") != std::string::npos);
  }
  REQUIRE(::mount("assay-test", disk.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0);
  {
    auto out = open_store(disk + "/out.db"), whole = open_store(in);
    check_sound(*out);
    merged(*out, {in});
    CHECK(contents(*out) == contents(*whole));
    check_sound(*out);
  }
  CHECK(::umount2(disk.c_str(), MNT_DETACH) == 0);
}

TEST_CASE("layers and logs beside a store come along, whole, and what is there stays") {
  Folder folder;
  const std::string layer(64, 'a');
  for (const char* name : {"a.db", "out.db"}) fill(*open_store(folder.file(name)), 0, 1);
  fs::create_directories(folder.file("a.db.layers/" + layer + "/usr/bin"));
  fs::create_directories(folder.file("a.db.layers/draft-0123"));
  fs::create_directories(folder.file("a.db.layers/stages"));
  fs::create_directories(folder.file("a.db.logs/ab"));
  fs::create_directories(folder.file("out.db.logs/ab"));
  std::ofstream(folder.file("a.db.layers/" + layer + "/usr/bin/tool")) << "#!";
  fs::permissions(folder.file("a.db.layers/" + layer + "/usr/bin/tool"), fs::perms(0751));
  fs::create_symlink("/nowhere/at all", folder.file("a.db.layers/" + layer + "/link"));
  std::ofstream(folder.file("a.db.layers/stages/one")) << "{}";
  std::ofstream(folder.file("a.db.logs/ab/new")) << "new";
  std::ofstream(folder.file("a.db.logs/ab/both")) << "theirs";
  std::ofstream(folder.file("out.db.logs/ab/both")) << "ours";
  if (::getuid() == 0) REQUIRE(::lchown(folder.file("a.db.layers/" + layer + "/usr/bin/tool").c_str(), 12345, 12346) == 0);
  merged(*open_store(folder.file("out.db")), {folder.file("a.db")});
  const std::string out = folder.file("out.db");
  struct stat info;
  REQUIRE(::stat((out + ".layers/" + layer + "/usr/bin/tool").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0751);
  if (::getuid() == 0) CHECK((info.st_uid == 12345 && info.st_gid == 12346));
  CHECK(fs::read_symlink(out + ".layers/" + layer + "/link") == "/nowhere/at all");
  CHECK(fs::exists(out + ".layers/stages/one"));
  CHECK_FALSE(fs::exists(out + ".layers/draft-0123"));
  CHECK(fs::exists(out + ".logs/ab/new"));
  std::string kept;
  std::ifstream(out + ".logs/ab/both") >> kept;
  CHECK(kept == "ours");
}

TEST_CASE("a merge that is cancelled says so, and goes on later") {
  Folder folder;
  fill(*open_store(folder.file("in.db")), 0, 20);
  auto out = open_store(folder.file("out.db"));
  std::atomic<bool> cancelled{true};
  CHECK(merged(*out, {folder.file("in.db")}, {.cancelled = &cancelled}).interrupted);
  cancelled = false;
  CHECK(merged(*out, {folder.file("in.db")}, {.cancelled = &cancelled}).copied == 81);
}

}  // namespace
}  // namespace assay
