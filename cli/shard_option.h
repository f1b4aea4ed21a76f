// The option --shard I/N, which verbs share whose work can be cut.
#pragma once

#include <string>

#include "datasets/shard.h"

namespace CLI {
class App;
}

namespace assay {

void declare_shard(CLI::App& app, Shard& shard, const std::string& help);

}  // namespace assay
