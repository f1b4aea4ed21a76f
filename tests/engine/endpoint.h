// The chat endpoint of the tests (endpoint_server.py) as a child process on a port of loopback that the system chooses.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "envs/base/json.h"

namespace assay {

class Endpoint {
 public:
  Endpoint() {
    char pattern[] = "/tmp/assay-endpoint-XXXXXX";
    REQUIRE(::mkdtemp(pattern) != nullptr);
    folder_ = pattern;
    const char* source = std::getenv("ASSAY_SOURCE");
    const std::string script = std::string(source ? source : ".") + "/tests/engine/endpoint_server.py";
    const std::string log = log_path();
    int to_child[2], from_child[2];
    REQUIRE((::pipe(to_child) == 0 && ::pipe(from_child) == 0));
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::dup2(to_child[0], 0);
      ::dup2(from_child[1], 1);
      for (int fd : {to_child[0], to_child[1], from_child[0], from_child[1]}) ::close(fd);
      ::execlp("python3", "python3", script.c_str(), log.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    input_ = to_child[1];
    FILE* output = ::fdopen(from_child[0], "r");
    const bool started = std::fscanf(output, "%d", &port_) == 1;
    std::fclose(output);
    INFO("python3 " << script);
    REQUIRE(started);
  }

  // The child ends when its standard input does.
  ~Endpoint() {
    ::close(input_);
    ::waitpid(child_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // One object for each request so far.
  std::vector<Json> log() const {
    const auto text = read_file(log_path());
    REQUIRE(text.ok());
    std::vector<Json> out;
    for (size_t at = 0; at < text->size();) {
      const size_t end = text->find('\n', at);
      out.push_back(Json::parse(text->substr(at, end - at)));
      at = end + 1;
    }
    return out;
  }

 private:
  std::string log_path() const { return folder_ + "/log.jsonl"; }

  std::string folder_;
  pid_t child_ = -1;
  int input_ = -1;
  int port_ = 0;
};

}  // namespace assay
