// A policy's plan for one rollout, written from top to bottom as a coroutine: it yields assistant messages and gets
// back what their tool calls returned.
//
//   Script plan(Plan plan) {
//     ToolResults results = co_yield calls_message(...);   // texts of the tool messages, in the order of the calls
//     if (...) co_return make_error(Boundary::kPolicy, ...);
//     co_return Status();
//   }
//
// A coroutine's parameters must be values: it outlives the call that made it.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envs/policy.h"

namespace assay {

using ToolResults = std::vector<std::string>;

class Script {
 public:
  struct promise_type {
    Message message;
    ToolResults results;
    Status end;

    struct TakeResults {
      promise_type& promise;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<>) const noexcept {}
      ToolResults await_resume() const { return std::move(promise.results); }
    };
    Script get_return_object() { return Script(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    TakeResults yield_value(Message next) {
      message = std::move(next);
      return TakeResults{*this};
    }
    void return_value(Status status) { end = std::move(status); }
    void unhandled_exception() { end = make_error(Boundary::kInternal, "a policy's script threw an exception"); }
  };

  Script(Script&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Script& operator=(Script&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Script() {
    if (handle_) handle_.destroy();
  }

  // The next message. After the end: the error the script ended with, else a message without tool calls.
  Result<Message> next(ToolResults results);

 private:
  explicit Script(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

// The texts of the tool messages after the last assistant message.
ToolResults last_results(const Conversation& conversation);

// A policy that answers each turn at once by a function of it, which keeps one state per rollout: made by `start` at
// step 0, dropped when the rollout finishes.
std::unique_ptr<Policy> script_policy(std::string descriptor, std::function<Script(const Turn&)> start);

}  // namespace assay
