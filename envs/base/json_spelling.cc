#include "envs/base/json_spelling.h"

#include <charconv>
#include <cmath>
#include <set>
#include <vector>

namespace assay {
namespace {

// repr(float): the shortest digits that read back as the same number, in positional form from 1e-4 to below 1e16.
void put_float(TextWriter& out, double value) {
  char scientific[32];  // d.ddde±XX
  const auto end = std::to_chars(scientific, scientific + sizeof scientific, value, std::chars_format::scientific).ptr;
  std::string_view text(scientific, static_cast<size_t>(end - scientific));
  const size_t e = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), end, exponent);
  if (exponent < -4 || exponent >= 16) return out.put(text);
  if (text[0] == '-') out.put("-");
  std::string digits;
  for (const char c : text.substr(0, e))
    if (c != '.' && c != '-') digits += c;
  if (exponent < 0) digits.insert(0, static_cast<size_t>(-exponent), '0');
  const size_t whole = exponent < 0 ? 1 : static_cast<size_t>(exponent) + 1;
  if (digits.size() < whole + 1) digits.append(whole + 1 - digits.size(), '0');
  out.put(std::string_view(digits).substr(0, whole));
  out.put(".");
  out.put(std::string_view(digits).substr(whole));
}

class Speller final : public nlohmann::json_sax<Json> {
 public:
  using Members = std::function<Status(const JsonMember&)>;
  // With `members`, the members of the outermost object go there instead of to `out`, which is scratch then.
  Speller(TextWriter& out, size_t depth_limit, const Members* members) : out_(out), depth_limit_(depth_limit), members_(members) {}

  bool null() override { return literal("null"); }
  bool boolean(bool value) override { return literal(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return begin() && (out_.put_integer(value), end()); }
  bool number_unsigned(number_unsigned_t value) override { return begin() && (out_.put_integer(value), end()); }
  bool number_float(number_float_t value, const string_t& digits) override {
    if (!begin()) return false;
    if (digits.find_first_of(".eE") == std::string::npos) out_.put(digits);  // an integer beyond 64 bits
    else put_float(out_, value);
    return end();
  }
  bool string(string_t& value) override {
    if (at_member()) return hand_over(true, value);
    if (!begin()) return false;
    out_.put_json_string(value);
    return end();
  }
  bool binary(binary_t&) override { return refuse("binary value"); }
  bool start_object(size_t) override { return open('{', true); }
  bool start_array(size_t) override { return open('[', false); }
  bool key(string_t& name) override {
    if (!levels_.back().names.insert(name).second) return refuse("the key \"" + name + "\" occurs twice in one object");
    if (members_ && levels_.size() == 1) {
      name_ = std::move(name);
    } else {
      separate();
      out_.put_json_string(name);
      out_.put(": ");
    }
    return true;
  }
  bool end_object() override { return close("}"); }
  bool end_array() override { return close("]"); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    // The library's text starts with its own error number in brackets; what follows is for people.
    std::string text = error.what();
    if (const auto bracket = text.find("] "); bracket != std::string::npos) text = text.substr(bracket + 2);
    return refuse("not JSON at byte " + std::to_string(position) + ": " + text);
  }

  Status status;

 private:
  struct Level {
    bool object, empty = true;
    std::set<std::string> names = {};
  };

  bool refuse(std::string why) {
    if (status.ok()) status = input_error(std::move(why));
    return false;
  }
  bool at_member() const { return members_ && levels_.size() == 1; }
  bool literal(std::string_view text) { return begin() && (out_.put(text), end()); }
  void separate() {
    if (!levels_.back().empty) out_.put(", ");
    levels_.back().empty = false;
  }
  // Before and after a value of any kind.
  bool begin() {
    if (levels_.empty()) return !members_ || refuse("not a JSON object");
    if (at_member()) out_.clear();
    else if (!levels_.back().object) separate();
    return true;
  }
  bool end() { return !at_member() || hand_over(false, out_.view()); }
  bool hand_over(bool is_string, std::string_view text) {
    if (auto taken = (*members_)({name_, is_string, text}); !taken.ok()) {
      status = taken;
      return false;
    }
    return true;
  }
  bool open(char bracket, bool object) {
    if (levels_.size() >= depth_limit_) return refuse("nested deeper than " + std::to_string(depth_limit_) + " levels");
    const bool outermost = members_ && levels_.empty() && object;
    if (!outermost && !begin()) return false;
    out_.put({&bracket, 1});
    levels_.push_back({object});
    return true;
  }
  bool close(std::string_view bracket) {
    levels_.pop_back();
    out_.put(bracket);
    return levels_.empty() || end();
  }

  TextWriter& out_;
  const size_t depth_limit_;
  const Members* members_;
  std::vector<Level> levels_;
  std::string name_;
};

Status spell(TextWriter& out, std::string_view text, std::string_view where, const JsonLimits& limits, const Speller::Members* members) {
  if (text.size() > limits.bytes)
    return input_error("larger than the limit of " + std::to_string(limits.bytes) + " bytes", std::string(where));
  Speller speller(out, limits.depth, members);
  bool good = false;
  try {
    good = Json::sax_parse(text.begin(), text.end(), &speller);
  } catch (const std::exception& error) {
    return input_error(error.what(), std::string(where));
  }
  if (good && speller.status.ok()) return {};
  Error error = speller.status.ok() ? input_error("not JSON") : speller.status.error();
  if (error.where.empty()) error.where = where;
  return error;
}

}  // namespace

Status spell_json(TextWriter& out, std::string_view text, std::string_view where, const JsonLimits& limits) {
  return spell(out, text, where, limits, nullptr);
}

Status read_json_members(std::string_view text, std::string_view where, const std::function<Status(const JsonMember&)>& each,
                         const JsonLimits& limits) {
  TextWriter scratch;
  return spell(scratch, text, where, limits, &each);
}

}  // namespace assay
