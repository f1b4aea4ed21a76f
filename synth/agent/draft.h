// A domain as a model writes it, reply by reply: whole, or as JSON Patches (RFC 6902) of what it sent last.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "envs/base/json.h"
#include "synth/agent/examination.h"

namespace assay {

inline constexpr size_t kDraftBytes = 1 << 20;   // of a whole domain

class Draft {
 public:
  // Takes what the last fenced block of `reply` brings. What is wrong with it is a finding for the author, and the draft stays as
  // it was: "no_domain" (no block), "cut_off" (a block without an end), "not_json", "patch_failed", "too_large".
  std::optional<Finding> take(std::string_view reply);
  // Whether `reply` has a block at all.
  static bool brings_something(std::string_view reply);

  bool empty() const { return domain_.is_null(); }
  const OrderedJson& json() const { return domain_; }
  std::string text() const;   // as a person reads and edits it; ends with a line feed

 private:
  std::optional<Finding> patch(const OrderedJson& operations);

  OrderedJson domain_;
};

// JSON for people: what fits into `width` columns stands on one line, the rest is broken at its outermost level.
std::string readable_json(const OrderedJson& json, size_t width = 140);

}  // namespace assay
