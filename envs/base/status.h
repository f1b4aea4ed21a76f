// Errors as values. A function that can fail on data returns Status or Result<T>; nothing above a library call throws.
//
// An Error says what went wrong, where (file, JSON path, table, URL …) and what the reader can try. It is made where the
// failure happens; callers pass it on, adding to `where` only if they know more.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace assay {

// The part of the world a failure belongs to. A rollout that fails stores this, so a broken sandbox is never a wrong answer.
enum class Boundary { kInput, kPolicy, kTool, kSandbox, kEnvironment, kVerifier, kStore, kLimit, kInternal };

// "policy", "tool", … as stored and printed.
std::string boundary_name(Boundary boundary);

struct Error {
  Boundary boundary = Boundary::kInput;
  std::string what;   // a sentence without a full stop
  std::string where;  // may be empty
  std::string hint;   // what to try; may be empty

  // "where: what (try: hint)".
  std::string text() const;
};

Error input_error(std::string what, std::string where = "", std::string hint = "");
Error make_error(Boundary boundary, std::string what, std::string where = "", std::string hint = "");

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return std::get<1>(state_); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

 private:
  std::variant<T, Error> state_;
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

// Aborts with a message: for our own mistakes, never for data from users, models or child processes.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace assay

#define ASSAY_ASSERT(condition) \
  ((condition) ? void(0) : ::assay::assertion_failed(#condition, __FILE__, __LINE__))

// ASSAY_TRY(expr) returns the error of a Status or Result expression from the enclosing function.
#define ASSAY_TRY(expr)                                   \
  do {                                                    \
    if (auto assay_status_ = (expr); !assay_status_.ok()) \
      return assay_status_.error();                       \
  } while (0)

#define ASSAY_CONCAT_INNER(a, b) a##b
#define ASSAY_CONCAT(a, b) ASSAY_CONCAT_INNER(a, b)

// ASSAY_ASSIGN(auto x, expr) declares x from a Result expression or returns its error.
#define ASSAY_ASSIGN(target, expr) ASSAY_ASSIGN_IMPL(ASSAY_CONCAT(assay_result_, __LINE__), target, expr)
#define ASSAY_ASSIGN_IMPL(name, target, expr) \
  auto name = (expr);                         \
  if (!name.ok()) return name.error();        \
  target = std::move(name).value()
