#include "engine/tokenizer/replacement.h"

namespace assay {

Result<Replacement> Replacement::read(JsonReader& reader) {
  Replacement read;
  const Json& pattern = reader.object("pattern");
  read.to = reader.text("content");
  ASSAY_TRY(reader.finish());
  JsonReader kind(pattern, reader.file(), reader.path_of("pattern"));
  if (kind.has("Regex")) kind.fail("Regex", "only strings are replaced, regular expressions are not supported");
  read.from = kind.text("String");
  if (read.from.empty()) kind.fail("String", "the empty text cannot be replaced");
  ASSAY_TRY(kind.finish());
  return read;
}

std::string Replacement::apply(std::string_view text) const {
  std::string out;
  for (size_t found = text.find(from); found != std::string_view::npos; found = text.find(from)) {
    out += text.substr(0, found);
    out += to;
    text.remove_prefix(found + from.size());
  }
  return out += text;
}

}  // namespace assay
