#include "cli/child_lines.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "envs/base/program.h"

namespace assay {
namespace {

namespace asio = boost::asio;

constexpr const char* kWhere = "the verifier's program";

class Child final : public ChildLines {
 public:
  Child(Program program, Fd to, Fd from) : program_(std::move(program)), to_(io_, to.release()), from_(io_, from.release()) {}

  Result<std::string> ask(const std::string& line, int64_t timeout_ms) override {
    const std::string request = line + "\n";
    size_t answered = 0;
    boost::system::error_code writing, reading = asio::error::would_block;
    asio::async_write(to_, asio::buffer(request), [&](const boost::system::error_code& error, size_t) {
      writing = error;
      if (error) from_.cancel();
    });
    asio::async_read_until(from_, asio::dynamic_buffer(read_, kAnswerBytes), '\n', [&](const boost::system::error_code& error, size_t bytes) {
      reading = error;
      answered = bytes;
      if (error) to_.cancel();
    });
    io_.restart();
    io_.run_for(std::chrono::milliseconds(timeout_ms));
    if (!io_.stopped()) {   // what was begun ends before its buffers do
      to_.cancel();
      from_.cancel();
      io_.run();
      return make_error(Boundary::kLimit, "no answer within " + std::to_string(timeout_ms) + " ms", kWhere);
    }
    if (reading == asio::error::not_found) return make_error(Boundary::kLimit, "an answer of more than " + std::to_string(kAnswerBytes) + " bytes", kWhere);
    if (reading == asio::error::eof) return make_error(Boundary::kVerifier, "it ended before it answered", kWhere);
    if (writing && writing != asio::error::operation_aborted) return make_error(Boundary::kVerifier, "it does not listen: " + writing.message(), kWhere);
    if (reading) return make_error(Boundary::kVerifier, "its answer cannot be read: " + reading.message(), kWhere);
    std::string answer = read_.substr(0, answered - 1);
    read_.erase(0, answered);
    return answer;
  }

 private:
  asio::io_context io_;
  Program program_;
  asio::posix::stream_descriptor to_, from_;   // closed before the program is ended
  std::string read_;                           // after the last answer
};

}  // namespace

Result<std::unique_ptr<ChildLines>> ChildLines::start(const std::string& command) {
  ASSAY_ASSIGN(auto to, open_pipe(false));
  ASSAY_ASSIGN(auto from, open_pipe(true));
  ASSAY_ASSIGN(Program program, Program::start({"/bin/sh", "-c", command}, {.descriptors = {{STDIN_FILENO, to.second.get()}, {STDOUT_FILENO, from.second.get()}}, .group = true}));
  return std::unique_ptr<ChildLines>(new Child(std::move(program), std::move(to.first), std::move(from.first)));
}

}  // namespace assay
