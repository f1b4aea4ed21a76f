// The way back from what a TextWriter wrote: pieces are read in the order in which they were put, at the speed of memory.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace assay {

// Total: what is not there as it would have been written fails for good, and then nothing is read any more and values are empty.
// The text is borrowed.
class TextReader {
 public:
  explicit TextReader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // Whether `raw` comes next; it has been read then.
  bool take(std::string_view raw) {
    if (!rest().starts_with(raw)) return false;
    at_ += raw.size();
    return true;
  }
  void expect(std::string_view raw) {
    if (!take(raw)) fail();
  }
  // As TextWriter::put_integer writes it.
  template <typename Integer>
  Integer integer() {
    Integer value = 0;
    const auto [next, error] = std::from_chars(at_, end_, value);
    const bool padded = next - at_ > 1 && *(at_ + (*at_ == '-')) == '0';
    if (error != std::errc() || padded) return fail(), Integer{0};
    at_ = next;
    return value;
  }
  // As TextWriter::put_json_string writes it.
  std::string json_string();
  // Up to `stop`, which must come.
  std::string_view until(char stop);
  // A JSON object, brackets matched; what is in it is the caller's to read.
  std::string_view json_object();

  void fail() { at_ = end_ = nullptr; }
  bool failed() const { return at_ == nullptr; }
  bool at_end() const { return !failed() && at_ == end_; }

 private:
  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }
  const char* plain_end(const char* from) const;
  bool take_escape(std::string& out);

  const char *at_, *end_;   // null: failed
};

}  // namespace assay
