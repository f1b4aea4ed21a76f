#include "engine/tokenizer/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace assay {
namespace {

// Every character below U+0300 is its own NFC, and composes with none below it.
bool may_change(std::string_view text) {
  return std::ranges::any_of(text, [](char byte) { return static_cast<uint8_t>(byte) >= 0xcc; });
}

std::string nfc(std::string_view text) {
  if (!may_change(text)) return std::string(text);
  utf8proc_uint8_t* composed = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &composed, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
  ASSAY_ASSERT(size >= 0);  // it fails for want of memory and for text that is not UTF-8
  return {reinterpret_cast<const char*>(composed), static_cast<size_t>(size)};
}

}  // namespace

std::string Normalizer::apply(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Step::Kind::kNfc: out = nfc(out); break;
      case Step::Kind::kReplace: out = step.replacement.apply(out); break;
      case Step::Kind::kPrepend: out = out.empty() ? out : step.prefix + out; break;
    }
  }
  return out;
}

Result<Normalizer> Normalizer::read(const Json& normalizer, const std::string& file, const std::string& path) {
  Normalizer made;
  if (!normalizer.is_null()) ASSAY_TRY(made.add_steps(normalizer, file, path));
  return made;
}

Status Normalizer::add_steps(const Json& step, const std::string& file, const std::string& path) {
  JsonReader reader(step, file, path);
  const std::string type = reader.text("type");
  if (reader.failed()) return reader.finish();
  if (type == "NFC") {
    steps_.push_back({Step::Kind::kNfc, "", {}});
  } else if (type == "Prepend") {
    steps_.push_back({Step::Kind::kPrepend, reader.text("prepend"), {}});
  } else if (type == "Replace") {
    ASSAY_ASSIGN(Replacement replacement, Replacement::read(reader));
    steps_.push_back({Step::Kind::kReplace, "", std::move(replacement)});
  } else if (type == "Sequence") {
    const Json& inner = reader.array("normalizers");
    for (size_t i = 0; i < inner.size(); ++i) ASSAY_TRY(add_steps(inner[i], file, reader.path_of("normalizers") + "[" + std::to_string(i) + "]"));
  } else {
    reader.fail("type", "the normalizer " + type + " is not supported", "one of Sequence, NFC, Replace, Prepend");
  }
  return reader.finish();
}

}  // namespace assay
