#include "datasets/token_record.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "datasets/token_sequence.h"

namespace assay {
namespace {

constexpr uint64_t kVersion = 1;
constexpr size_t kIdBytes = 32;
constexpr std::string_view kDigits = "0123456789abcdef";

// ---- Writing ----

class Writer {
 public:
  void number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
    text_ += static_cast<char>(value);
  }
  void numbers(const std::vector<int32_t>& values) {
    for (int32_t value : values) number(static_cast<uint64_t>(value));
  }
  void counted(const std::vector<int32_t>& values) {
    number(values.size());
    numbers(values);
  }
  void counted(std::string_view text) {
    number(text.size());
    text_ += text;
  }
  void id(const std::string& hexadecimal) {
    for (size_t i = 0; i < 2 * kIdBytes; i += 2)
      text_ += static_cast<char>(kDigits.find(hexadecimal[i]) << 4 | kDigits.find(hexadecimal[i + 1]));
  }
  // Byte 0 of every word, then byte 1 of every word …: exponents stand together and compress.
  void planes(const std::vector<uint32_t>& words) {
    for (int shift = 0; shift < 32; shift += 8)
      for (uint32_t word : words) text_ += static_cast<char>(word >> shift);
  }
  // `bits` of each value, the lowest first, into bytes from their lowest bit; the last byte is filled with zeros.
  void packed(const std::vector<uint16_t>& values, int bits) {
    const size_t start = text_.size();
    text_.resize(start + (values.size() * static_cast<size_t>(bits) + 7) / 8);
    char* out = text_.data() + start;
    uint64_t held = 0;
    int filled = 0;
    for (uint16_t value : values) {
      held |= uint64_t{value} << filled;
      filled += bits;
      if (filled < 32) continue;
      for (int i = 0; i < 4; ++i, held >>= 8) *out++ = static_cast<char>(held);
      filled -= 32;
    }
    for (; filled > 0; filled -= 8, held >>= 8) *out++ = static_cast<char>(held);
  }
  void reserve(size_t bytes) { text_.reserve(bytes); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// Which experts a record holds: of the turns that recorded any; none if no turn did.
struct ExpertShape {
  int32_t layers = 0, per_token = 0;
  int bits = 0;

  bool operator==(const ExpertShape&) const = default;
};

ExpertShape shape_of(const std::vector<TokenTurn>& turns) {
  ExpertShape shape;
  uint16_t all = 0;
  for (const TokenTurn& turn : turns) {
    if (turn.expert_layers == 0) continue;
    shape.layers = turn.expert_layers;
    shape.per_token = turn.experts_per_token;
    for (uint16_t expert : turn.experts) all |= expert;
  }
  if (shape.layers > 0) shape.bits = std::max(1, static_cast<int>(std::bit_width(all)));
  return shape;
}

std::vector<uint32_t> words_of(const std::vector<float>& values) {
  std::vector<uint32_t> words(values.size());
  std::transform(values.begin(), values.end(), words.begin(), [](float value) { return std::bit_cast<uint32_t>(value); });
  return words;
}

// Where nothing was cut, both log-probabilities are often the same bits: the second is kept as what differs.
void write_probabilities(const TokenTurn& turn, Writer& out) {
  const std::vector<uint32_t> words = words_of(turn.log_probabilities);
  std::vector<uint32_t> full = words_of(turn.full_log_probabilities);
  for (size_t i = 0; i < words.size(); ++i) full[i] ^= words[i];
  out.planes(words);
  out.planes(full);
}

void write_kept(const TokenTurn& turn, Writer& out) {
  out.numbers(turn.kept_counts);
  size_t at = 0;
  for (int32_t count : turn.kept_counts) {
    int32_t next = 0;
    for (int32_t i = 0; i < count; ++i, ++at) {
      out.number(static_cast<uint64_t>(turn.kept[at] - next));
      next = turn.kept[at] + 1;
    }
  }
}

void write_turn(const TokenTurn& turn, int bits, Writer& out) {
  out.number(static_cast<uint64_t>(turn.shared));
  out.counted(turn.prompt);
  out.counted(turn.sampled);
  write_probabilities(turn, out);
  write_kept(turn, out);
  if (bits > 0) out.number(turn.expert_layers > 0 ? static_cast<uint64_t>(turn.experts_from) + 1 : 0);
  out.packed(turn.experts, bits);
  out.counted(turn.policy_version);
  out.counted(turn.selection_digest);
}

// ---- Reading ----

// Every read of what is not there sets failed(), and gives zeros from then on.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool failed() const { return failed_; }
  bool at_end() const { return text_.empty(); }
  void fail() {
    failed_ = true;
    text_ = {};
  }
  // Of at most `most`, in its shortest form.
  uint64_t number(uint64_t most) {
    uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      const uint8_t byte = next_byte();
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte >= 0x80) continue;
      if (value > most || (byte == 0 && shift > 0)) break;
      return value;
    }
    fail();
    return 0;
  }
  // Of things that take at least a byte each.
  size_t count() { return number(text_.size()); }
  std::string_view bytes(uint64_t size) {
    if (size > text_.size()) {
      fail();
      return {};
    }
    const std::string_view out = text_.substr(0, size);
    text_.remove_prefix(size);
    return out;
  }
  std::vector<int32_t> numbers(size_t count) {
    std::vector<int32_t> values(failed_ ? 0 : count);
    for (int32_t& value : values) value = static_cast<int32_t>(number(INT32_MAX));
    return values;
  }
  std::vector<uint32_t> planes(size_t count) {
    const std::string_view from = bytes(4 * uint64_t{count});
    std::vector<uint32_t> words(from.size() / 4);
    for (size_t i = 0; i < from.size(); ++i) words[i % words.size()] |= uint32_t{static_cast<uint8_t>(from[i])} << 8 * (i / words.size());
    return words;
  }
  std::vector<uint16_t> packed(uint64_t count, int bits) {
    const std::string_view from = bytes((count * static_cast<uint64_t>(bits) + 7) / 8);
    std::vector<uint16_t> values(failed_ ? 0 : count);
    uint64_t held = 0;
    int filled = 0;
    size_t at = 0;
    for (uint16_t& value : values) {
      for (; filled < bits; filled += 8) held |= uint64_t{static_cast<uint8_t>(from[at++])} << filled;
      value = static_cast<uint16_t>(held & ((1u << bits) - 1));
      held >>= bits;
      filled -= bits;
    }
    if (held != 0) fail();
    return values;
  }

 private:
  uint8_t next_byte() {
    const std::string_view byte = bytes(1);
    return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
  }

  std::string_view text_;
  bool failed_ = false;
};

std::vector<float> floats_of(const std::vector<uint32_t>& words) {
  std::vector<float> values(words.size());
  std::transform(words.begin(), words.end(), values.begin(), [](uint32_t word) { return std::bit_cast<float>(word); });
  return values;
}

void read_probabilities(Reader& in, TokenTurn& turn) {
  const std::vector<uint32_t> words = in.planes(turn.sampled.size());
  std::vector<uint32_t> full = in.planes(turn.sampled.size());
  if (in.failed()) return;
  for (size_t i = 0; i < full.size(); ++i) full[i] ^= words[i];
  turn.log_probabilities = floats_of(words);
  turn.full_log_probabilities = floats_of(full);
}

void read_kept(Reader& in, TokenTurn& turn) {
  turn.kept_counts = in.numbers(turn.sampled.size());
  for (int32_t count : turn.kept_counts) {
    uint64_t next = 0;
    for (int32_t i = 0; i < count && !in.failed(); ++i) {
      const uint64_t token = next + in.number(INT32_MAX);
      if (token > INT32_MAX) return in.fail();
      turn.kept.push_back(static_cast<int32_t>(token));
      next = token + 1;
    }
  }
}

void read_experts(Reader& in, const ExpertShape& shape, TokenTurn& turn) {
  const uint64_t from = in.number(INT64_MAX);
  if (from == 0) return;
  turn.experts_from = static_cast<int64_t>(from - 1);
  turn.expert_layers = shape.layers;
  turn.experts_per_token = shape.per_token;
  const int64_t last = turn.shared + static_cast<int64_t>(turn.prompt.size() + turn.sampled.size()) - 1;
  const int64_t row = int64_t{shape.layers} * shape.per_token, rows = last - turn.experts_from;
  if (rows < 0 || rows > kSequenceCells / row) return in.fail();
  turn.experts = in.packed(static_cast<uint64_t>(rows * row), shape.bits);
}

TokenTurn read_turn(Reader& in, const ExpertShape& shape) {
  TokenTurn turn;
  turn.shared = static_cast<int64_t>(in.number(kSequenceCells));
  turn.prompt = in.numbers(in.count());
  turn.sampled = in.numbers(in.count());
  read_probabilities(in, turn);
  read_kept(in, turn);
  if (shape.layers > 0) read_experts(in, shape, turn);
  turn.policy_version = in.bytes(in.count());
  turn.selection_digest = in.bytes(in.count());
  return turn;
}

ExpertShape read_shape(Reader& in) {
  ExpertShape shape;
  shape.layers = static_cast<int32_t>(in.number(UINT16_MAX));
  if (shape.layers == 0) return shape;
  shape.per_token = static_cast<int32_t>(in.number(UINT16_MAX));
  shape.bits = static_cast<int>(in.number(16));
  if (shape.per_token == 0 || shape.bits == 0) in.fail();
  return shape;
}

std::string read_id(Reader& in) {
  std::string id;
  for (char byte : in.bytes(kIdBytes))
    for (int digit : {static_cast<uint8_t>(byte) >> 4, byte & 15}) id += kDigits[static_cast<size_t>(digit)];
  return id;
}

// By token: what `count_of(i)` says of them, in turn.
template <typename T, typename Count>
OrderedJson nested(const std::vector<T>& values, size_t rows, const Count& count_of) {
  OrderedJson out = OrderedJson::array();
  auto at = values.begin();
  for (size_t i = 0; i < rows; ++i) {
    const auto end = at + static_cast<int64_t>(count_of(i));
    out.push_back(std::vector<T>(at, end));
    at = end;
  }
  return out;
}

}  // namespace

std::string token_record_text(const Rollout& rollout) {
  const std::vector<TokenTurn>& turns = rollout.turns;
  ASSAY_ASSERT(rollout.id.size() == 2 * kIdBytes && !turns.empty());
  Writer out;
  const ExpertShape shape = shape_of(turns);
  size_t about = 256;
  for (const TokenTurn& turn : turns)
    about += 4 * turn.prompt.size() + 16 * turn.sampled.size() + 2 * turn.kept.size() + turn.experts.size() * static_cast<size_t>(shape.bits) / 8 + 256;
  out.reserve(about);
  out.number(kVersion);
  out.id(rollout.id);
  out.number(static_cast<uint64_t>(shape.layers));
  if (shape.layers > 0) {
    out.number(static_cast<uint64_t>(shape.per_token));
    out.number(static_cast<uint64_t>(shape.bits));
  }
  out.number(turns.size());
  for (const TokenTurn& turn : turns) write_turn(turn, shape.bits, out);
  return out.take();
}

Result<TokenRecord> token_record_from_text(std::string_view text, const std::string& where) {
  const auto damaged = [&](const std::string& what) {
    return make_error(Boundary::kStore, "damaged record of tokens: " + what, where, "restore the segment file from a copy");
  };
  Reader in(text);
  if (const uint64_t version = in.number(INT64_MAX); version != kVersion)
    return damaged("version " + std::to_string(version) + ", not " + std::to_string(kVersion));
  TokenRecord record{read_id(in), {}};
  const ExpertShape shape = read_shape(in);
  int64_t cells = 0;
  for (size_t turns = in.count(); turns > 0 && !in.failed(); --turns) {
    record.turns.push_back(read_turn(in, shape));
    const TokenTurn& turn = record.turns.back();
    cells += static_cast<int64_t>(turn.prompt.size() + turn.sampled.size() + turn.experts.size());
    if (cells > kSequenceCells) return damaged("it holds too much");
  }
  if (in.failed()) return damaged("turn " + std::to_string(std::max<size_t>(record.turns.size(), 1) - 1) + " cannot be read");
  if (!in.at_end()) return damaged("it goes on after its last turn");
  if (record.turns.empty()) return damaged("it has no turn");
  if (shape != shape_of(record.turns)) return damaged("its experts are of another shape than it says");
  return record;
}

OrderedJson to_json(const TokenTurn& turn) {
  const size_t layers = static_cast<size_t>(turn.expert_layers), each = static_cast<size_t>(turn.experts_per_token);
  OrderedJson experts = OrderedJson::array();
  for (size_t at = 0; at < turn.experts.size(); at += layers * each) {
    const auto row = turn.experts.begin() + static_cast<int64_t>(at);
    experts.push_back(nested(std::vector<uint16_t>(row, row + static_cast<int64_t>(layers * each)), layers, [&](size_t) { return each; }));
  }
  return {{"shared", turn.shared},
          {"prompt", turn.prompt},
          {"sampled", turn.sampled},
          {"log_probabilities", turn.log_probabilities},
          {"full_log_probabilities", turn.full_log_probabilities},
          {"kept", nested(turn.kept, turn.kept_counts.size(), [&](size_t i) { return turn.kept_counts[i]; })},
          {"expert_layers", turn.expert_layers},
          {"experts_per_token", turn.experts_per_token},
          {"experts_from", turn.experts_from},
          {"experts", std::move(experts)},
          {"policy_version", turn.policy_version},
          {"selection_digest", turn.selection_digest}};
}

}  // namespace assay
