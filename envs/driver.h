// The programs that run inside a sandbox on our behalf: the files envs/interpreter/*.py, byte for byte.
#pragma once

#include <span>
#include <string_view>

#include "envs/base/status.h"

namespace assay {

struct EmbeddedDriver {
  std::string_view name;
  std::string_view text;
};

std::span<const EmbeddedDriver> embedded_drivers();

// Asserts that there is one of this name.
inline std::string_view embedded_driver(std::string_view name) {
  for (const EmbeddedDriver& driver : embedded_drivers())
    if (driver.name == name) return driver.text;
  ASSAY_ASSERT(!"no such driver");
  return {};
}

}  // namespace assay
