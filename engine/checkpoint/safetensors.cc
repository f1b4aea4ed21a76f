#include "engine/checkpoint/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>

#include "envs/base/json.h"

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian and are used as they are mapped");

namespace assay {
namespace {

constexpr uint64_t kPrefixBytes = 8;

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  int64_t bytes;
};

// In the order of the enumeration.
constexpr std::array<DTypeInfo, 17> kDTypes = {{{DType::kBool, "BOOL", 1},
                                                {DType::kU8, "U8", 1},
                                                {DType::kI8, "I8", 1},
                                                {DType::kF8E4M3, "F8_E4M3", 1},
                                                {DType::kF8E5M2, "F8_E5M2", 1},
                                                {DType::kF8E8M0, "F8_E8M0", 1},
                                                {DType::kI16, "I16", 2},
                                                {DType::kU16, "U16", 2},
                                                {DType::kF16, "F16", 2},
                                                {DType::kBF16, "BF16", 2},
                                                {DType::kI32, "I32", 4},
                                                {DType::kU32, "U32", 4},
                                                {DType::kF32, "F32", 4},
                                                {DType::kI64, "I64", 8},
                                                {DType::kU64, "U64", 8},
                                                {DType::kF64, "F64", 8},
                                                {DType::kC64, "C64", 8}}};

// One tensor of the header, as read.
struct Entry {
  std::string name;
  std::optional<DType> dtype;
  std::vector<int64_t> shape;
  std::array<uint64_t, 2> offsets = {};
  bool has_shape = false;
  size_t offset_count = 0;
};

// Accepts exactly the format's grammar: {name: {"dtype": text, "shape": [n…], "data_offsets": [n, n]}…, "__metadata__": {text: text}}.
// A handler instead of a document, because headers of large models have 100,000 tensors.
class HeaderHandler : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t value) override { return refuse(subject() + " has the negative number " + std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return refuse(subject() + " has " + text.substr(0, 40) + ", not a whole number"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ == State::kShape) {
      if (value > INT64_MAX) return refuse(subject() + " has the size " + std::to_string(value));
      if (entries.back().shape.size() == SafetensorsFile::kMaxRank)
        return refuse(subject() + " has more than " + std::to_string(SafetensorsFile::kMaxRank) + " dimensions");
      entries.back().shape.push_back(static_cast<int64_t>(value));
      return true;
    }
    if (state_ != State::kOffsets) return unexpected("a number");
    if (entries.back().offset_count == 2) return refuse(subject() + " has more than two data_offsets");
    entries.back().offsets[entries.back().offset_count++] = value;
    return true;
  }

  bool string(string_t& value) override {
    if (state_ == State::kMetadataValue) {
      if (!metadata.emplace(key_, value).second) return refuse("__metadata__ has the key " + shown_name(key_) + " twice");
      state_ = State::kMetadata;
      return true;
    }
    if (state_ != State::kDType) return unexpected("a text");
    const auto found = std::ranges::find(kDTypes, std::string_view(value), &DTypeInfo::name);
    if (found == kDTypes.end()) return refuse(subject() + " has the unknown dtype " + shown_name(value));
    entries.back().dtype = found->dtype;
    state_ = State::kEntry;
    return true;
  }

  bool start_object(size_t) override {
    switch (state_) {
      case State::kStart: state_ = State::kHeader; return true;
      case State::kMetadataStart: state_ = State::kMetadata; return true;
      case State::kEntryStart: state_ = State::kEntry; return true;
      default: return unexpected("an object");
    }
  }

  bool key(string_t& name) override {
    switch (state_) {
      case State::kHeader: return header_key(name);
      case State::kMetadata:
        key_ = name;
        state_ = State::kMetadataValue;
        return true;
      default: return entry_key(name);
    }
  }

  bool end_object() override {
    if (state_ == State::kEntry && !complete(entries.back())) return false;
    state_ = state_ == State::kHeader ? State::kEnd : State::kHeader;
    return true;
  }

  bool start_array(size_t) override {
    if (state_ == State::kShapeStart) return state_ = State::kShape, true;
    if (state_ == State::kOffsetsStart) return state_ = State::kOffsets, true;
    return unexpected("a list");
  }

  bool end_array() override {
    state_ = State::kEntry;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("the header is not JSON at byte " + std::to_string(position));
  }

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
  std::string problem;

 private:
  enum class State {
    kStart, kHeader, kMetadataStart, kMetadata, kMetadataValue, kEntryStart, kEntry, kDType, kShapeStart, kShape, kOffsetsStart,
    kOffsets, kEnd
  };

  std::string subject() const {
    return entries.empty() || state_ < State::kEntryStart ? "the header" : "tensor " + shown_name(entries.back().name);
  }
  bool refuse(std::string why) {
    if (problem.empty()) problem = std::move(why);
    return false;
  }
  bool unexpected(const char* what) { return refuse(subject() + " has " + what + " where the format has none"); }

  bool header_key(string_t& name) {
    if (name == "__metadata__") {
      if (has_metadata_) return refuse("the header has __metadata__ twice");
      has_metadata_ = true;
      state_ = State::kMetadataStart;
      return true;
    }
    entries.emplace_back().name = std::move(name);
    state_ = State::kEntryStart;
    return true;
  }

  bool entry_key(const string_t& name) {
    Entry& entry = entries.back();
    bool repeated = false;
    if (name == "dtype") {
      repeated = entry.dtype.has_value();
      state_ = State::kDType;
    } else if (name == "shape") {
      repeated = std::exchange(entry.has_shape, true);
      state_ = State::kShapeStart;
    } else if (name == "data_offsets") {
      repeated = entry.offset_count != 0;
      state_ = State::kOffsetsStart;
    } else {
      return refuse(subject() + " has the unknown member " + shown_name(name));
    }
    return repeated ? refuse(subject() + " has " + name + " twice") : true;
  }

  bool complete(const Entry& entry) {
    if (!entry.dtype) return refuse(subject() + " has no dtype");
    if (!entry.has_shape) return refuse(subject() + " has no shape");
    if (entry.offset_count != 2) return refuse(subject() + " has no two data_offsets");
    return true;
  }

  State state_ = State::kStart;
  bool has_metadata_ = false;
  std::string key_;
};

// shape × size, or nothing on overflow.
std::optional<uint64_t> byte_count(const Entry& entry) {
  uint64_t bytes = static_cast<uint64_t>(size_of(*entry.dtype));
  bool overflow = false;
  for (int64_t size : entry.shape) overflow |= __builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes);
  // A later 0 makes the product small again; such a shape is still nonsense.
  if (overflow || bytes > INT64_MAX) return std::nullopt;
  return bytes;
}

std::string range_text(const Entry& entry) {
  return "bytes " + std::to_string(entry.offsets[0]) + " to " + std::to_string(entry.offsets[1]);
}

// One tensor by itself; `data_start` is where tensor bytes begin in the file.
std::string entry_problem(const Entry& entry, uint64_t data_start, uint64_t data_bytes) {
  const auto [begin, end] = entry.offsets;
  const std::string subject = "tensor " + shown_name(entry.name);
  if (entry.name.empty()) return "a tensor has no name";
  if (begin > end) return subject + " ends before it begins: " + range_text(entry);
  if (end > data_bytes)
    return subject + " has " + range_text(entry) + ", but the file has only " + std::to_string(data_bytes) + " bytes of tensors";
  const std::optional<uint64_t> bytes = byte_count(entry);
  if (!bytes) return subject + " has the shape " + shape_text(entry.shape) + ", which is too large";
  if (*bytes != end - begin)
    return subject + " has " + std::to_string(end - begin) + " bytes, but " + std::string(name_of(*entry.dtype)) + " of shape " +
           shape_text(entry.shape) + " takes " + std::to_string(*bytes);
  const uint64_t element = static_cast<uint64_t>(size_of(*entry.dtype));
  if ((data_start + begin) % element != 0)
    return subject + " begins at byte " + std::to_string(data_start + begin) + " of the file, no multiple of its element's " +
           std::to_string(element) + " bytes";
  return "";
}

// Sorts by position; every byte belongs to exactly one tensor.
std::string layout_problem(std::vector<Entry>& entries, uint64_t data_bytes) {
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  uint64_t covered = 0;
  const Entry* before = nullptr;
  for (const Entry& entry : entries) {
    if (entry.offsets[0] < covered) return "tensors " + shown_name(before->name) + " and " + shown_name(entry.name) + " overlap";
    if (entry.offsets[0] > covered)
      return "bytes " + std::to_string(covered) + " to " + std::to_string(entry.offsets[0]) + " belong to no tensor";
    covered = entry.offsets[1];
    before = &entry;
  }
  if (covered != data_bytes) return "the last " + std::to_string(data_bytes - covered) + " bytes belong to no tensor";
  return "";
}

std::string repeated_name(const std::vector<Entry>& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const Entry& entry : entries) names.push_back(entry.name);
  std::ranges::sort(names);
  const auto found = std::ranges::adjacent_find(names);
  return found == names.end() ? "" : "the tensor name " + shown_name(*found) + " occurs twice";
}

// Closes on every way out.
struct Descriptor {
  explicit Descriptor(const std::string& path) : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  int number;
};

}  // namespace

std::string_view name_of(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }
int64_t size_of(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].bytes; }

std::string shape_text(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string shown_name(std::string_view text) {
  constexpr size_t kShown = 100;
  return Json(text.substr(0, kShown)).dump(-1, ' ', false, Json::error_handler_t::replace) + (text.size() > kShown ? "…" : "");
}

int64_t TensorView::element_count() const {
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  return count;
}

namespace {

Error bad_file(const std::string& path, std::string what, std::string hint = "fetch or write the file again") {
  return input_error(std::move(what), path, std::move(hint));
}

std::string count_text(uint64_t bytes) { return std::to_string(bytes) + " bytes"; }

// The header's JSON, found by its length and checked against the file's size.
Result<std::string_view> header_of(std::string_view file, const std::string& path) {
  if (file.size() < kPrefixBytes)
    return bad_file(path, "truncated: a safetensors file begins with 8 bytes of header length, this one has " + count_text(file.size()));
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), sizeof header_bytes);
  if (header_bytes > SafetensorsFile::kMaxHeaderBytes)
    return bad_file(path, "the header claims " + count_text(header_bytes) + "; the format allows " + std::to_string(SafetensorsFile::kMaxHeaderBytes),
                    "check that this is a safetensors file");
  if (header_bytes > file.size() - kPrefixBytes)
    return bad_file(path, "truncated: the header claims " + count_text(header_bytes) + ", after its length the file has " +
                              count_text(file.size() - kPrefixBytes));
  if (header_bytes == 0 || file[kPrefixBytes] != '{')
    return bad_file(path, "the header does not begin with {", "check that this is a safetensors file");
  return file.substr(kPrefixBytes, header_bytes);
}

Result<HeaderHandler> parse_header(std::string_view header, uint64_t data_bytes, const std::string& path) {
  HeaderHandler handler;
  bool good = false;
  try {
    good = Json::sax_parse(header.begin(), header.end(), &handler);
  } catch (const std::exception& error) {
    handler.problem = error.what();
  }
  if (!good || !handler.problem.empty()) return bad_file(path, handler.problem);
  const uint64_t data_start = kPrefixBytes + header.size();
  for (const Entry& entry : handler.entries)
    if (std::string problem = entry_problem(entry, data_start, data_bytes); !problem.empty()) return bad_file(path, problem);
  if (std::string problem = repeated_name(handler.entries); !problem.empty()) return bad_file(path, problem);
  if (std::string problem = layout_problem(handler.entries, data_bytes); !problem.empty()) return bad_file(path, problem);
  return handler;
}

}  // namespace

struct SafetensorsFile::Contents {
  ~Contents() {
    if (bytes) ::munmap(bytes, size);
  }

  std::string_view view() const { return {static_cast<const char*>(bytes), size}; }

  void* bytes = nullptr;
  size_t size = 0;
  std::vector<Entry> entries;
};

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  const Descriptor file(path);
  if (file.number < 0)
    return bad_file(path, std::string("cannot open: ") + std::strerror(errno), "check the path and its permissions");
  struct stat info = {};
  if (::fstat(file.number, &info) != 0 || !S_ISREG(info.st_mode)) return bad_file(path, "not a regular file", "");
  auto contents = std::make_shared<Contents>();
  if (info.st_size > 0) {
    void* mapped = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file.number, 0);
    if (mapped == MAP_FAILED) return bad_file(path, std::string("cannot map: ") + std::strerror(errno), "");
    contents->bytes = mapped;
    contents->size = static_cast<size_t>(info.st_size);
  }
  ASSAY_ASSIGN(const std::string_view header, header_of(contents->view(), path));
  const uint64_t data_start = kPrefixBytes + header.size();
  ASSAY_ASSIGN(HeaderHandler parsed, parse_header(header, contents->size - data_start, path));
  contents->entries = std::move(parsed.entries);

  SafetensorsFile opened;
  opened.path_ = path;
  opened.metadata_ = std::move(parsed.metadata);
  opened.tensors_.reserve(contents->entries.size());
  const std::byte* data = static_cast<const std::byte*>(contents->bytes) + data_start;
  for (const Entry& entry : contents->entries)
    opened.tensors_.push_back({entry.name, *entry.dtype, entry.shape, data + entry.offsets[0]});
  opened.contents_ = std::move(contents);
  return opened;
}

}  // namespace assay
