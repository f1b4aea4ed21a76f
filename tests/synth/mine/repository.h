// Repositories that the tests make with the real git.
#pragma once

#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "envs/base/json.h"

namespace assay::test {

// A folder of its own; gone with the object.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "assay-mine-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path path;
};

// What a shell command prints; it must succeed. It sees no configuration of the user's.
inline std::string shell(const std::filesystem::path& folder, const std::string& command) {
  const std::string line = "cd '" + folder.string() +
                           "' && export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.com"
                           " GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.com GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'; " +
                           command;
  std::FILE* pipe = ::popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  char buffer[4096];
  for (size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, count);
  INFO(command << "\n" << out);
  REQUIRE(::pclose(pipe) == 0);
  return out;
}

inline std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

struct TestRepository {
  TestRepository() { git("init -q -b main ."); }

  std::string git(const std::string& arguments) const { return one_line(shell(folder.path, "git " + arguments)); }
  void put(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path file = folder.path / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }
  // Everything as it is now, with `message` byte for byte; the commit's id.
  std::string commit(const std::string& message) const {
    const std::filesystem::path file = folder.path / ".git" / "MESSAGE";
    std::ofstream(file, std::ios::binary) << message;
    git("add -A . && git commit -q --allow-empty --cleanup=verbatim -F .git/MESSAGE");
    return git("rev-parse HEAD");
  }
  std::string path() const { return folder.path.string(); }

  Folder folder;
};

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().text());
  return std::move(*result);
}

}  // namespace assay::test
