// From the bytes of an answer to row numbers. Strict: one JSON array of the right number of objects, each with exactly the
// shape's keys (in any order, none twice), all values strings. Anything not understood is a problem, never skipped.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envs/answer.h"
#include "envs/table.h"

namespace assay {

enum class AnswerProblem : uint8_t {
  kNone,
  kTooLarge,
  kEmpty,
  kNotJson,
  kNotArray,
  kGroupCount,
  kNotObject,
  kUnknownKey,
  kDuplicateKey,
  kMissingKey,
  kNotString,
  kWrongLiteral,   // a given field holds something else: "time" is not the date of that day
};

struct ReadAnswer {
  AnswerProblem problem = AnswerProblem::kNone;
  int group = -1, field = -1;   // where, when it applies
  Assignment rows;              // [slots]; -1 where no entity has exactly this name. Reused between calls.
  std::vector<std::string_view> names;   // [slots] as written; valid until the next read
  bool all_known = false;
};

// Holds its parser: one per thread.
class AnswerReader {
 public:
  AnswerReader(const AnswerShape& shape, const Tables& tables, size_t limit_bytes);
  ~AnswerReader();
  AnswerReader(AnswerReader&&) noexcept;
  // Total and bounded: any bytes.
  void read(std::string_view bytes, ReadAnswer& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
