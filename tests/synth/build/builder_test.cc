// What a recipe's layers hold, made in the sandbox.
#include "synth/build/builder.h"

#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "sandbox/backend.h"

using namespace assay;
namespace fs = std::filesystem;

TEST_CASE("after preparing, the tree is what it was, and older than what was built of it") {
  auto executor = make_executor("native");
  if (!executor.ok()) {
    std::printf("skipped: sandbox native: %s\n", executor.error().text().c_str());
    return;
  }
  char name[] = "/tmp/assay_builder_XXXXXX";
  const fs::path folder = mkdtemp(name);
  fs::create_directories(folder / "repo");
  for (const char* file : {"kept", "changed"}) REQUIRE(write_file((folder / "repo" / file).string(), "as it was\n").ok());
  REQUIRE(std::system(("cd " + (folder / "repo").string() + " && git init -q && git add -A && git -c user.name=a -c user.email=a@a commit -qm base").c_str()) == 0);
  const BuiltLayer tree{"tree", (*executor)->add_layer((folder / "repo").string(), "work/repo").value(), 0, false};
  Builder builder(**executor, {.index = (folder / "stages").string()});
  Recipe recipe;
  recipe.prepare = {{{"sh", "-c", "mkdir -p /work/build && cat kept > /work/build/of_kept && echo more >> changed && sleep 0.1"}, {}, false}};
  const auto built = builder.build({}, recipe, {}, tree);
  fs::remove_all(folder);
  if (!built.ok()) FAIL(built.error().text());
  REQUIRE(built->value);
  const auto workspace = (*executor)->workspace({.layers = built->value->identities()}).value();
  const RunResult looked = (*executor)->run({.argv = {"bash", "-c", "cat changed; test /work/build/of_kept -nt kept && echo newer"}, .directory = kTestDirectory}, *workspace).value();
  CHECK(looked.out.text() == "as it was\nnewer\n");
}
