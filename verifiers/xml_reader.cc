#include "verifiers/xml_reader.h"

#include <expat.h>

#include <array>
#include <charconv>
#include <cstring>
#include <memory>

#include "envs/base/utf8.h"

namespace assay {
namespace {

constexpr size_t kBytes = size_t{1} << 30;   // expat counts in int
// Every text is read inside of one element, so documents may follow each other and none has a document type.
constexpr std::string_view kBefore = "<x>", kAfter = "</x>";

// Where a byte may be not what XML allows: everything but printable ASCII without '<' and '&'.
constexpr std::array<bool, 256> kSuspects = [] {
  std::array<bool, 256> out{};
  for (int c = 0; c < 256; ++c) out[static_cast<size_t>(c)] = c < ' ' || c >= 0x80 || c == '<' || c == '&';
  return out;
}();

bool is_character(unsigned long code) {
  return code == '\t' || code == '\n' || code == '\r' || (code >= ' ' && code < 0xD800) || (code >= 0xE000 && code < 0xFFFE) ||
         (code >= 0x10000 && code <= 0x10FFFF);
}

// Length of a reference "&#27;" or "&#x1b;" at the front to what is no character, or 0.
size_t bad_reference_bytes(std::string_view text) {
  if (!text.starts_with("&#")) return 0;
  const bool hex = text.size() > 2 && text[2] == 'x';
  const char* const from = text.data() + (hex ? 3 : 2);
  unsigned long code = 0;
  const auto [end, error] = std::from_chars(from, text.data() + text.size(), code, hex ? 16 : 10);
  if (end == from || end == text.data() + text.size() || *end != ';' || (error == std::errc() && is_character(code))) return 0;
  return static_cast<size_t>(end + 1 - text.data());
}

size_t declaration_bytes(std::string_view text) {
  if (!text.starts_with("<?xml")) return 0;
  const size_t end = text.substr(0, 256).find("?>");
  return end == std::string_view::npos ? 0 : end + 2;
}

// The same number of bytes, of which XML allows each.
std::string allowed(std::string_view bytes) {
  std::string out(bytes);
  char* const end = out.data() + out.size();
  for (char* at = out.data(); at != end;) {
    const unsigned char c = static_cast<unsigned char>(*at);
    if (!kSuspects[c]) {
      ++at;
      continue;
    }
    const std::string_view rest(at, static_cast<size_t>(end - at));
    size_t good = 1, bad = 0;
    if (c == '<') bad = declaration_bytes(rest);
    else if (c == '&') bad = bad_reference_bytes(rest);
    else if (c < ' ') bad = is_character(c) ? 0 : 1;
    else if ((good = character_bytes(rest.data(), rest.data() + rest.size())) == 0) bad = 1;
    else if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) bad = 3;
    std::memset(at, ' ', bad);
    at += bad > 0 ? bad : good;
  }
  return out;
}

struct Reading {
  XmlHandler& handler;
  XML_Parser parser;
  int depth = -1;   // of the element that is open; -1: ours
  bool too_deep = false;
};

void on_open(void* user, const char* name, const char** attributes) {
  auto& reading = *static_cast<Reading*>(user);
  if (++reading.depth > kXmlDepth) {
    reading.too_deep = true;
    XML_StopParser(reading.parser, XML_FALSE);
  } else if (reading.depth > 0) {
    reading.handler.open(name, XmlAttributes(attributes), reading.depth - 1);
  }
}

void on_close(void* user, const char* name) {
  auto& reading = *static_cast<Reading*>(user);
  if (reading.depth-- > 0) reading.handler.close(name, reading.depth);
}

void on_comment(void* user, const char* text) { static_cast<Reading*>(user)->handler.comment(text); }

}  // namespace

std::optional<std::string_view> XmlAttributes::find(std::string_view name) const {
  for (const char** pair = pairs_; *pair; pair += 2)
    if (name == *pair) return pair[1];
  return {};
}

std::optional<std::string> read_xml(std::string_view bytes, XmlHandler& handler) {
  const bool whole = bytes.size() <= kBytes;
  const std::string text = allowed(bytes.substr(0, kBytes));
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> owner(XML_ParserCreate("UTF-8"), &XML_ParserFree);
  XML_Parser parser = owner.get();
  if (!parser) return "no memory for a parser";
  Reading reading{handler, parser};
  XML_SetHashSalt(parser, 1);   // the same bytes, the same work
  XML_SetUserData(parser, &reading);
  XML_SetElementHandler(parser, on_open, on_close);
  XML_SetCommentHandler(parser, on_comment);
  const auto parse = [&](std::string_view part, int last) { return XML_Parse(parser, part.data(), static_cast<int>(part.size()), last) == XML_STATUS_OK; };
  if (parse(kBefore, 0) && parse(text, 0) && parse(kAfter, 1)) return whole ? std::nullopt : std::optional<std::string>("larger than a gigabyte");
  if (reading.too_deep) return "nested deeper than " + std::to_string(kXmlDepth) + " levels";
  const int64_t at = static_cast<int64_t>(XML_GetCurrentByteIndex(parser)) - static_cast<int64_t>(kBefore.size());
  if (at >= static_cast<int64_t>(text.size())) return "its end is missing";
  return std::string(XML_ErrorString(XML_GetErrorCode(parser))) + " at byte " + std::to_string(at);
}

}  // namespace assay
