#include "engine/checkpoint/identity.h"

#include "envs/base/json.h"
#include "tests/engine/folder.h"

namespace assay::test {
namespace {

void put(const std::string& directory, const std::string& name, const std::string& bytes) {
  std::filesystem::create_directories(directory);
  need(write_file(directory + "/" + name, bytes));
}

void fill(const std::string& directory) {
  put(directory, "config.json", "{}");
  put(directory, "tokenizer.json", "[]");
  put(directory, "model-1.safetensors", std::string((size_t{1} << 20) + 7, 'w'));
  put(directory, "model.safetensors.index.json", "{}");
}

TEST_CASE("copies have one identity, and any change of what is run another") {
  const Folder folder;
  const std::string a = folder.path() + "/a", b = folder.path() + "/b";
  fill(a);
  fill(b);
  const std::string identity = need(checkpoint_identity(a));
  CHECK(identity.size() == 64);
  CHECK(need(checkpoint_identity(b)) == identity);
  put(b, "README.md", "what is not run does not count");
  CHECK(need(checkpoint_identity(b)) == identity);
  std::string weights((size_t{1} << 20) + 7, 'w');
  weights.back() = 'v';
  put(b, "model-1.safetensors", weights);
  CHECK(need(checkpoint_identity(b)) != identity);
  fill(b);
  CHECK(need(checkpoint_identity(b)) == identity);
  std::filesystem::rename(b + "/model-1.safetensors", b + "/model-2.safetensors");
  CHECK(need(checkpoint_identity(b)) != identity);
}

TEST_CASE("a stamp is another after any replacement, also by equal bytes") {
  const Folder folder;
  const std::string directory = folder.path() + "/a";
  fill(directory);
  const std::string stamp = need(checkpoint_stamp(directory));
  CHECK(need(checkpoint_stamp(directory)) == stamp);
  put(directory, "notes.txt", "x");
  CHECK(need(checkpoint_stamp(directory)) == stamp);
  put(directory, "tokenizer.json", "[]");
  CHECK(need(checkpoint_stamp(directory)) != stamp);
}

TEST_CASE("a directory that is not there is named") {
  for (const auto& look : {checkpoint_identity, checkpoint_stamp}) {
    const auto missing = look("/nowhere/at/all");
    REQUIRE_FALSE(missing.ok());
    CHECK_THAT(missing.error().text(), Catch::Contains("/nowhere/at/all"));
  }
}

}  // namespace
}  // namespace assay::test
