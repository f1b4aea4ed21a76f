// Where the layers of a store's environments lie: beside it, so that they go where it goes.
#pragma once

#include <string>

namespace assay {

inline std::string layer_folder(const std::string& store) { return store + ".layers"; }

}  // namespace assay
