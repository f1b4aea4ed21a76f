#include "envs/message_encoding.h"

namespace assay {

Result<const MessageEncoding*> find_encoding(const std::string& name) {
  std::vector<std::string> known;
  for (const MessageEncoding& encoding : encodings::all()) {
    if (encoding.name == name) return &encoding;
    known.push_back(encoding.name);
  }
  return unknown_name("format", name, known);
}

}  // namespace assay
