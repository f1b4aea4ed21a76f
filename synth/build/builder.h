// Makes a recipe's layers. Everything runs in the Executor: a mined repository's setup.py, postinstall or CMake script is hostile.
// Only steps that say so have a network, and that reaches the ecosystem's registries alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "synth/build/recipe.h"

namespace assay {

// Why a candidate is no environment: a code to count, and words for people.
struct Rejection {
  std::string reason;   // "dependencies_failed"
  std::string detail;   // bounded
};

// A value, or why there is none; an Error beside it (Result<Possible<T>>) is the machinery's.
template <typename T>
struct Possible {
  std::optional<T> value;
  Rejection rejection;

  Possible(T made) : value(std::move(made)) {}
  Possible(Rejection why) : rejection(std::move(why)) {}
};

struct BuilderOptions {
  std::string index;                          // folder that remembers which inputs gave which layer; must live as long as the executor's layers
  std::map<std::string, std::string> registries;   // name -> URL, for those that are not the public ones
  RunLimits limits = {.wall_ms = 15 * 60'000, .cpu_ms = 30 * 60'000, .memory_bytes = int64_t{4} << 30, .processes = 512, .output_bytes = 64 << 20,
                      .file_bytes = int64_t{1} << 30, .disk_bytes = int64_t{3} << 30, .files = 400'000, .open_files = 4096};
};

struct BuiltLayer {
  std::string name, identity;
  int64_t bytes = 0;       // of its files
  bool shared = false;     // it was there before: costs nothing
};

// What a recipe comes to, above the layer of the tree itself.
struct BuiltTree {
  std::vector<BuiltLayer> layers;   // lowest first, the tree's first
  int64_t wall_us = 0;              // of steps that were run

  std::vector<std::string> identities() const;
  int64_t added_bytes() const;      // of layers that were not there before
};

// Thread-safe. Equal stages are made once, whoever asks first; what failed once is not tried again by this builder.
class Builder {
 public:
  Builder(Executor& executor, BuilderOptions options) : executor_(executor), options_(std::move(options)) {}

  // `tree`: the layer of the tree at its base commit, at work/repo. Reasons: "toolchain_missing:NAME", "STAGE_failed" or
  // "STAGE_limit:WHAT" for a stage's name or "prepare".
  Result<Possible<BuiltTree>> build(const Ecosystem& ecosystem, const Recipe& recipe, const TreeView& view, BuiltLayer tree);

 private:
  struct Stage {
    std::mutex mutex;
    std::optional<BuiltLayer> layer;
    std::optional<Rejection> failed;
  };

  Result<std::optional<std::string>> missing_program(const std::vector<std::string>& programs);
  Result<Possible<BuiltLayer>> stage(const Ecosystem& ecosystem, const RecipeStage& stage, const Recipe& recipe, const TreeView& view, const BuiltTree& below, int64_t& wall_us);
  Result<Possible<BuiltLayer>> run(const Ecosystem& ecosystem, const std::string& name, const std::vector<RecipeStep>& steps, const std::vector<std::string>& keeps,
                                  const BuiltTree& below, int64_t& wall_us);
  std::shared_ptr<Stage> entry(const std::string& key);

  Executor& executor_;
  const BuilderOptions options_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Stage>> stages_;
  std::map<std::string, bool> programs_;
};

}  // namespace assay
