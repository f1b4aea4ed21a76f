// One string put in place of another: the Replace of normalizers and of decoders.
#pragma once

#include <string>
#include <string_view>

#include "envs/base/json.h"

namespace assay {

struct Replacement {
  std::string from, to;  // `from` is not empty

  // Of the members "pattern" and "content". A pattern that is a regular expression is an error.
  static Result<Replacement> read(JsonReader& reader);

  // From left to right.
  std::string apply(std::string_view text) const;
};

}  // namespace assay
