// What engines recorded, in a store: put and read back, beside other writers, damaged, and read by another program.
#include <sqlite3.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <set>

#include "datasets/store.h"
#include "datasets/token_record.h"
#include "tests/datasets/random_turns.h"

namespace assay {
namespace {

using sample::Folder;

std::unique_ptr<Store> open_store(const std::string& path) {
  auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock());
  if (!store.ok()) FAIL(store.error().text());
  return std::move(store).value();
}

void fill(Store& store, const std::vector<Rollout>& rollouts) {
  REQUIRE(store.put_environment(*sample::environment()).ok());
  REQUIRE(store.put_task(sample::task()).ok());
  REQUIRE(store.put_certificate(sample::certificate(sample::task())).ok());
  for (const Rollout& rollout : rollouts) REQUIRE(store.put_rollout(rollout).ok());
  REQUIRE(store.flush().ok());
}

// Every third without a record.
std::vector<Rollout> random_rollouts(uint64_t seed, int count) {
  Rng rng(seed, "store_tokens");
  std::vector<Rollout> rollouts;
  for (int i = 0; i < count; ++i) {
    rollouts.push_back(sample::random_turns(rng, {}, i));
    if (i % 3 == 2) rollouts.back().turns.clear();
  }
  return rollouts;
}

TEST_CASE("turns come back with their rollout, flushed or not, and after the store is opened again") {
  Folder folder;
  const std::vector<Rollout> rollouts = random_rollouts(1, 6);
  auto store = open_store(folder.file("s.db"));
  fill(*store, {});
  for (int round = 0; round < 3; ++round) {
    for (const Rollout& rollout : rollouts) {
      if (round == 0) REQUIRE(store->put_rollout(rollout).ok());
      CHECK(store->turns(rollout.id).value() == rollout.turns);
      CHECK(store->turns(rollout.id.substr(0, 12)).value() == rollout.turns);
      CHECK(store->rollout(rollout.id).value().turns.empty());
    }
    if (round == 1) store.reset(), store = open_store(folder.file("s.db"));
  }
  CHECK(store->statistics().value()["token_records"] == 4);
  CHECK(store->check().value() == std::vector<std::string>());
  CHECK(store->turns(sample::rollout(sample::task(), 99).id).error().boundary == Boundary::kInput);
}

TEST_CASE("turns that contradict each other are refused, and their rollout with them") {
  Folder folder;
  auto store = open_store(folder.file("s.db"));
  Rollout rollout = random_rollouts(2, 1)[0];
  rollout.turns[1].log_probabilities.push_back(-1);
  const Status put = store->put_rollout(rollout);
  REQUIRE_FALSE(put.ok());
  CHECK(put.error().where == "rollout " + rollout.id.substr(0, 12) + ", turn 1");
  CHECK_FALSE(store->has_rollout(rollout.id).value());
}

TEST_CASE("of two processes that play one rollout, the first stands with what was recorded of it, or with nothing") {
  for (const bool first_recorded : {false, true}) {
    Folder folder;
    auto one = open_store(folder.file("s.db")), two = open_store(folder.file("s.db"));
    fill(*one, {});
    Rollout mine = random_rollouts(3, 1)[0], other = mine;
    other.turns[0].policy_version += " (another)";
    if (!first_recorded) mine.turns.clear();
    REQUIRE(one->put_rollout(mine).ok());
    REQUIRE(two->put_rollout(other).ok());
    REQUIRE(one->flush().ok());
    REQUIRE(two->flush().ok());
    CHECK(two->turns(mine.id).value() == mine.turns);
    CHECK(two->check().value() == std::vector<std::string>());
  }
}

// ---- Damage ----

struct Place {
  std::string item;  // "tokens 0123…", as check() names it
  int64_t offset = 0, size = 0;
};

std::vector<Place> places(const std::string& path) {
  std::vector<Place> out;
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  for (const std::string table : {"environment", "task", "certificate", "rollout", "tokens"}) {
    const auto add = [](void* to, int, char** cells, char**) {
      static_cast<std::vector<Place>*>(to)->push_back({std::string(cells[0]), std::stoll(cells[1]), std::stoll(cells[2])});
      return 0;
    };
    REQUIRE(sqlite3_exec(database, ("SELECT '" + table + " ' || id, offset, size FROM " + table).c_str(), add, &out, nullptr) == SQLITE_OK);
  }
  sqlite3_close(database);
  return out;
}

// What check() names, each once.
std::set<std::string> named(const std::vector<std::string>& problems) {
  std::set<std::string> items;
  for (const std::string& problem : problems) items.insert(problem.substr(0, problem.find(' ') + 65));
  return items;
}

// Damages the one segment of a store; `hit` tells of each record whether the damage lies in it.
template <typename Damage, typename Hit>
void expect_exactly(const std::vector<Rollout>& rollouts, const Damage& damage, const Hit& hit) {
  Folder folder;
  const std::string path = folder.file("s.db");
  fill(*open_store(path), rollouts);
  const std::string segment = std::filesystem::directory_iterator(path + ".segments")->path().string();
  damage(segment);
  std::set<std::string> expected;
  for (const Place& place : places(path))
    if (hit(place)) expected.insert(place.item);
  auto store = open_store(path);
  REQUIRE(named(store->check().value()) == expected);
  for (const Rollout& rollout : rollouts) {
    const auto turns = store->turns(rollout.id);
    const bool lost = expected.contains("tokens " + rollout.id) || expected.contains("rollout " + rollout.id);
    if (turns.ok()) REQUIRE(*turns == rollout.turns);
    else REQUIRE(turns.error().boundary == Boundary::kStore);
    REQUIRE((turns.ok() || lost));
    if (expected.contains("tokens " + rollout.id)) REQUIRE_FALSE(turns.ok());
  }
}

TEST_CASE("of a segment that was cut anywhere, what lies behind the cut is lost, and named") {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "store_tokens/cut");
    int64_t kept = 0;
    expect_exactly(
        random_rollouts(seed, 4),
        [&](const std::string& segment) {
          kept = static_cast<int64_t>(rng.below(std::filesystem::file_size(segment)));
          std::filesystem::resize_file(segment, static_cast<uintmax_t>(kept));
        },
        [&](const Place& place) { return place.offset + place.size > kept; });
  }
}

TEST_CASE("a flipped bit loses the record that it lies in, and no other") {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "store_tokens/flip");
    int64_t at = 0;
    expect_exactly(
        random_rollouts(seed, 4),
        [&](const std::string& segment) {
          std::string bytes = read_file(segment).value();
          at = static_cast<int64_t>(rng.below(bytes.size()));
          bytes[static_cast<size_t>(at)] = static_cast<char>(bytes[static_cast<size_t>(at)] ^ (1 << rng.below(8)));
          std::ofstream(segment, std::ios::binary) << bytes;
        },
        [&](const Place& place) { return place.offset <= at && at < place.offset + place.size; });
  }
}

// ---- Another reader ----

std::vector<Json> lines_of(const std::string& command, int expected_status = 0) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  char buffer[65536];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, got);
  const int status = ::pclose(pipe);
  INFO(command);
  REQUIRE(WEXITSTATUS(status) == expected_status);
  std::vector<Json> lines;
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    lines.push_back(parse_json(text.substr(at, end - at), "line").value());
  }
  return lines;
}

std::vector<Json> read_by_document(const std::string& store) {
  return lines_of("python3 '" + std::string(std::getenv("ASSAY_SOURCE")) + "/tests/datasets/read_segments.py' '" + store + "'");
}

TEST_CASE("a reader made from SEGMENTS.md reads what assay show prints") {
  Folder folder;
  const std::string path = folder.file("s.db");
  const std::vector<Rollout> rollouts = random_rollouts(5, 6);
  fill(*open_store(path), rollouts);
  std::map<std::string, Json> read;
  for (const Json& line : read_by_document(path))
    if (line.contains("id")) read[line["kind"].get<std::string>() + " " + line["id"].get<std::string>()] = line["record"];
    else CHECK(line == Json{{"rows", 13}, {"lost", Json::array()}});
  CHECK(read.size() == 13);
  CHECK(read["task " + sample::task().id] == to_json(sample::task()));
  for (const Rollout& rollout : rollouts) {
    Json shown = lines_of("\"$ASSAY\" show rollout " + rollout.id + " --full --json --store '" + path + "'").at(0);
    Json expected = read["rollout " + rollout.id];
    if (!rollout.turns.empty()) expected["turns"] = read["tokens " + rollout.id];
    shown.erase("recorded");
    CHECK(shown == expected);
  }
}

TEST_CASE("the reader made from SEGMENTS.md names a torn tail and a damaged record, and reads all others") {
  Folder folder;
  const std::string path = folder.file("s.db");
  fill(*open_store(path), random_rollouts(6, 2));
  const std::string segment = std::filesystem::directory_iterator(path + ".segments")->path().string();
  std::string bytes = read_file(segment).value();
  const std::vector<Place> all = places(path);
  Place last;
  for (const Place& place : all)
    if (place.offset > last.offset) last = place;
  const Place& damaged = all[3];  // a rollout
  REQUIRE(damaged.item != last.item);
  bytes.resize(bytes.size() - 5);
  bytes[static_cast<size_t>(damaged.offset + damaged.size - 1)] ^= 1;
  std::ofstream(segment, std::ios::binary) << bytes;
  const std::vector<Json> lines = read_by_document(path);
  REQUIRE(lines.size() == all.size() + 1);
  CHECK(lines[lines.size() - 2]["torn"] == last.offset);
  std::vector<std::string> lost = {damaged.item, last.item};
  std::sort(lost.begin(), lost.end());
  CHECK(lines.back() == Json{{"rows", all.size()}, {"lost", lost}});
}

}  // namespace
}  // namespace assay
