// Which weights a checkpoint's directory holds, and whether they are still the same files.
#pragma once

#include <string>

#include "envs/base/status.h"

namespace assay {

// SHA-256 over the names, sizes and bytes of config.json, tokenizer.json and every *.safetensors and *.safetensors.index.json, in the
// order of their names. Reads all of them once, about a second a gigabyte. Equal for copies of a directory, another for any changed weight.
Result<std::string> checkpoint_identity(const std::string& directory);

// What can be told of the same files without reading them: names, sizes, times of change, file numbers. Another after any replacement.
Result<std::string> checkpoint_stamp(const std::string& directory);

}  // namespace assay
