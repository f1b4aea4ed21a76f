#include "datasets/staged_folder.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "envs/base/hash.h"
#include "envs/base/json.h"
#include "tests/datasets/sample.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<StagedFolder> begin(const std::string& folder) {
  auto staged = StagedFolder::begin(folder);
  if (!staged.ok()) FAIL(staged.error().text());
  return std::move(staged).value();
}

void publish(const std::string& folder, const std::map<std::string, std::string>& files) {
  auto staged = begin(folder);
  for (const auto& [name, text] : files) REQUIRE(staged->write(name, text).ok());
  const auto names = staged->publish();
  if (!names.ok()) FAIL(names.error().text());
  CHECK(names->size() == files.size() + 1);
}

std::set<std::string> below(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (!entry.is_directory()) names.insert(entry.path().lexically_relative(folder).string());
  return names;
}

TEST_CASE("nothing stands there before publish, all of it after, and nothing beside it") {
  sample::Folder folder;
  const std::string out = folder.file("a/b/out");
  {
    auto staged = begin(out + "/");
    REQUIRE(staged->write("data/x.txt", "x").ok());
    CHECK_FALSE(fs::exists(out));
    REQUIRE(staged->publish().ok());
    CHECK(read_file(out + "/data/x.txt").value() == "x");
  }
  CHECK(below(folder.file("a")) == std::set<std::string>{"b/out/data/x.txt", "b/out/manifest.json"});
  const Json manifest = read_json_file(out + "/manifest.json").value();
  CHECK(manifest == Json{{"format", "assay-files/1"}, {"files", {{"data/x.txt", {{"bytes", 1}, {"sha256", sha256_hex("x")}}}}}});
}

TEST_CASE("what is not published leaves nothing") {
  sample::Folder folder;
  {
    auto staged = begin(folder.file("out"));
    REQUIRE(staged->write("x", "x").ok());
    CHECK(fs::exists(folder.file(".out.partial/x")));
  }
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("an older folder is exchanged: its files go, those of others stay, links too") {
  sample::Folder folder;
  const std::string out = folder.file("out");
  publish(out, {{"old", "1"}, {"both", "1"}, {"deep/old", "1"}});
  std::ofstream(out + "/notes.txt") << "mine";
  fs::create_directory(out + "/cache");
  std::ofstream(out + "/cache/c") << "mine, too";
  fs::create_symlink("notes.txt", out + "/link");
  fs::permissions(out, fs::perms(0750));
  publish(out, {{"both", "2"}, {"new", "2"}});
  CHECK(below(out) == std::set<std::string>{"both", "new", "notes.txt", "cache/c", "link", "manifest.json"});
  CHECK(read_file(out + "/both").value() == "2");
  CHECK(read_file(out + "/link").value() == "mine");
  CHECK(fs::status(out).permissions() == fs::perms(0750));
  publish(out, {{"both", "3"}});
  CHECK(below(out) == std::set<std::string>{"both", "notes.txt", "cache/c", "link", "manifest.json"});
  CHECK(fs::directory_iterator(folder.path()) != fs::directory_iterator());
  CHECK_FALSE(fs::exists(folder.file(".out.partial")));
}

TEST_CASE("a file that no export wrote is never overwritten: the error names it and nothing changes") {
  sample::Folder folder;
  const std::string out = folder.file("out");
  fs::create_directory(out);
  std::ofstream(out + "/README.md") << "my own";
  auto staged = begin(out);
  REQUIRE(staged->write("README.md", "a card").ok());
  REQUIRE(staged->write("data", "rows").ok());
  const auto names = staged->publish();
  REQUIRE_FALSE(names.ok());
  CHECK(names.error().where.ends_with("out/README.md"));
  staged.reset();
  CHECK(below(folder.path()) == std::set<std::string>{"out/README.md"});
  CHECK(read_file(out + "/README.md").value() == "my own");
}

TEST_CASE("a folder that is being written is refused to a second writer, and free after the first") {
  sample::Folder folder;
  auto first = begin(folder.file("out"));
  const auto second = StagedFolder::begin(folder.file("out"));
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().what.find("somebody else") != std::string::npos);
  REQUIRE(first->write("x", "x").ok());
  REQUIRE(first->publish().ok());
  auto third = begin(folder.file("out"));   // while the first still lives
  REQUIRE(third->write("y", "y").ok());
  first.reset();
  REQUIRE(third->publish().ok());
  CHECK(below(folder.file("out")) == std::set<std::string>{"y", "manifest.json"});
}

TEST_CASE("what a killed writer left is cleared") {
  sample::Folder folder;
  fs::create_directories(folder.file(".out.partial/data"));
  std::ofstream(folder.file(".out.partial/data/half")) << "hal";
  publish(folder.file("out"), {{"x", "x"}});
  CHECK(below(folder.path()) == std::set<std::string>{"out/x", "out/manifest.json"});
}

TEST_CASE("a link to a folder is followed; a file and the root are refused") {
  sample::Folder folder;
  publish(folder.file("real"), {{"x", "1"}});
  fs::create_directory_symlink("real", folder.file("link"));
  publish(folder.file("link"), {{"x", "2"}});
  CHECK(fs::is_symlink(folder.file("link")));
  CHECK(read_file(folder.file("real/x")).value() == "2");
  CHECK_FALSE(StagedFolder::begin(folder.file("real/x")).ok());
  CHECK_FALSE(StagedFolder::begin("/").ok());
}

}  // namespace
}  // namespace assay
