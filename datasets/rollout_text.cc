#include "datasets/rollout_text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <memory>

namespace assay {
namespace {

static_assert(std::endian::native == std::endian::little, "the first byte of a word is its lowest");

constexpr uint64_t kOnes = 0x0101010101010101, kHighs = kOnes * 0x80;

// The top bit of every byte that cannot be copied as it is: quote, backslash, control, not ASCII. Bits above the lowest may lie.
uint64_t special(uint64_t eight) {
  const auto zero = [](uint64_t bytes) { return (bytes - kOnes) & ~bytes; };
  const uint64_t control = (eight - kOnes * 0x20) & ~eight;
  return (zero(eight ^ (kOnes * '"')) | zero(eight ^ (kOnes * '\\')) | control | eight) & kHighs;
}

bool is_special(char c) { return c == '"' || c == '\\' || static_cast<signed char>(c) < 0x20; }

// Length of the well-formed UTF-8 character at `at`, which is not ASCII; 0 if it is malformed.
size_t character_bytes(const char* at, const char* end) {
  const auto byte = [&](int i) { return static_cast<unsigned char>(at[i]); };
  const auto follows = [&](int i, unsigned low = 0x80, unsigned high = 0xBF) { return byte(i) >= low && byte(i) <= high; };
  const unsigned lead = byte(0);
  const ptrdiff_t left = end - at;
  if (lead >= 0xC2 && lead <= 0xDF) return left >= 2 && follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
    return left >= 3 && follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
    return left >= 4 && follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

// Grows without clearing what it grows by, which std::string cannot.
class Writer {
 public:
  void put(std::string_view raw) {
    reserve(raw.size());
    std::memcpy(bytes_.get() + size_, raw.data(), raw.size());
    size_ += raw.size();
  }
  template <typename Integer>
  void put_integer(Integer value) {
    char digits[24];
    put({digits, static_cast<size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits)});
  }
  void put_text(std::string_view text);
  std::string text() const { return {bytes_.get(), size_}; }

 private:
  void reserve(size_t more) {
    if (size_ + more <= capacity_) return;
    capacity_ = std::max(2 * capacity_, size_ + more);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
  }
  char* put_escape(char* to, char c);
  bool put_slice(const char*& at, const char* stop, const char* end);

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0, capacity_ = 0;
};

char* Writer::put_escape(char* to, char c) {
  constexpr std::string_view kShort = "\"\"\\\\\bb\ff\nn\rr\tt";  // pairs: character, letter
  *to++ = '\\';
  for (size_t i = 0; i < kShort.size(); i += 2) {
    if (kShort[i] != c) continue;
    *to++ = kShort[i + 1];
    return to;
  }
  std::memcpy(to, "u00", 3);
  to[3] = "0123456789abcdef"[c >> 4];
  to[4] = "0123456789abcdef"[c & 15];
  return to + 5;
}

// From `at` until `stop` is reached; false at a malformed character. There is room for 6 bytes for each and 8 more.
bool Writer::put_slice(const char*& at, const char* stop, const char* end) {
  char* to = bytes_.get() + size_;
  while (at < stop) {
    if (end - at >= 8) {
      uint64_t eight;
      std::memcpy(&eight, at, 8);
      std::memcpy(to, at, 8);
      const uint64_t found = special(eight);
      const int plain = found ? std::countr_zero(found) / 8 : 8;
      at += plain;
      to += plain;
      if (!found) continue;
    } else if (!is_special(*at)) {
      *to++ = *at++;
      continue;
    }
    if (static_cast<signed char>(*at) >= 0) {
      to = put_escape(to, *at++);
    } else {
      const size_t bytes = character_bytes(at, end);
      if (bytes == 0) return false;
      for (size_t i = 0; i < bytes; ++i) *to++ = *at++;
    }
  }
  size_ = static_cast<size_t>(to - bytes_.get());
  return true;
}

void Writer::put_text(std::string_view text) {
  constexpr ptrdiff_t kSlice = 1 << 16;
  const size_t start = size_;
  put("\"");
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    const ptrdiff_t slice = std::min(kSlice, end - at);
    reserve(6 * static_cast<size_t>(slice) + 32);
    if (put_slice(at, at + slice, end)) continue;
    size_ = start;  // rare, and how malformed bytes are replaced is the library's to say
    return put(canonical_json(Json(text)));
  }
  put("\"");
}

void put_member(Writer& out, const char* name, std::string_view text) {
  out.put(name);
  out.put_text(text);
}

void put_member(Writer& out, const char* name, int64_t value) {
  out.put(name);
  out.put_integer(value);
}

void put_message(Writer& out, const Message& message) {
  put_member(out, "{\"content\":", message.text);
  if (!message.reasoning.empty()) put_member(out, ",\"reasoning_content\":", message.reasoning);
  put_member(out, ",\"role\":", role_name(message.role));
  if (message.role == Role::kTool) put_member(out, ",\"tool_call_id\":", message.tool_call_id);
  const char* before = ",\"tool_calls\":[";
  for (const ToolCall& call : message.tool_calls) {
    out.put(before);
    put_member(out, "{\"function\":{\"arguments\":", call.arguments);
    put_member(out, ",\"name\":", call.name);
    put_member(out, "},\"id\":", call.id);
    out.put(",\"type\":\"function\"}");
    before = ",";
  }
  if (!message.tool_calls.empty()) out.put("]");
  out.put("}");
}

void put_verdict(Writer& out, const Verdict& verdict) {
  out.put("{\"checks\":[");
  for (const Check& check : verdict.checks) {
    if (&check != &verdict.checks.front()) out.put(",");
    out.put("{");
    if (!check.evidence.empty()) put_member(out, "\"evidence\":", check.evidence), out.put(",");
    put_member(out, "\"name\":", check.name);
    out.put(check.passed ? ",\"passed\":true}" : ",\"passed\":false}");
  }
  out.put(verdict.passed ? "],\"passed\":true,\"reward\":" : "],\"passed\":false,\"reward\":");
  out.put(canonical_json(Json(verdict.reward)));
  put_member(out, ",\"verifier\":", verdict.verifier);
  out.put("}");
}

}  // namespace

std::string rollout_text(const Rollout& rollout) {
  if (rollout.status != RolloutStatus::kScored) return canonical_json(to_json(rollout));  // few
  Writer out;
  put_member(out, "{\"answer\":", rollout.answer);
  put_member(out, ",\"calls\":", rollout.calls);
  put_member(out, ",\"failed_calls\":", rollout.failed_calls);
  put_member(out, ",\"format\":\"assay-rollout/1\",\"id\":", rollout.id);
  out.put(",\"messages\":[");
  for (const Message& message : rollout.messages) {
    if (&message != &rollout.messages.front()) out.put(",");
    put_message(out, message);
  }
  put_member(out, "],\"policy\":", rollout.policy);
  put_member(out, ",\"sample\":", rollout.sample);
  out.put(",\"seed\":");
  out.put_integer(rollout.seed);
  if (!rollout.state.is_null()) out.put(",\"state\":" + canonical_json(rollout.state));
  put_member(out, ",\"steps\":", rollout.steps);
  put_member(out, ",\"stop\":", rollout.stop);
  out.put(rollout.submitted ? ",\"submitted\":true" : ",\"submitted\":false");
  put_member(out, ",\"task\":", rollout.task);
  put_member(out, ",\"tool_us\":", rollout.tool_us);
  put_member(out, ",\"usage\":{\"cached_tokens\":", rollout.usage.cached_tokens);
  put_member(out, ",\"completion_tokens\":", rollout.usage.completion_tokens);
  put_member(out, ",\"prompt_tokens\":", rollout.usage.prompt_tokens);
  out.put("},\"verdict\":");
  put_verdict(out, rollout.verdict);
  put_member(out, ",\"wall_us\":", rollout.wall_us);
  out.put("}");
  return out.text();
}

}  // namespace assay
