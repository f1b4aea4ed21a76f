// The programs that run inside a sandbox on our behalf: the files envs/interpreter/*.py, byte for byte.
#pragma once

#include <span>
#include <string_view>

namespace assay {

struct EmbeddedDriver {
  std::string_view name;
  std::string_view text;
};

std::span<const EmbeddedDriver> embedded_drivers();

}  // namespace assay
