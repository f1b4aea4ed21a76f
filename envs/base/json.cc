#include "envs/base/json.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>

#include "envs/base/utf8.h"

template class nlohmann::basic_json<>;
template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace assay {
namespace {

// Builds a value while refusing what nlohmann would let pass: duplicate keys, numbers out of range, and depth.
template <typename AnyJson>
class StrictHandler final : public nlohmann::json_sax<AnyJson> {
  using Base = nlohmann::json_sax<AnyJson>;

 public:
  explicit StrictHandler(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(typename Base::number_integer_t value) override { return put(value); }
  bool number_unsigned(typename Base::number_unsigned_t value) override { return put(value); }
  bool number_float(typename Base::number_float_t value, const typename Base::string_t& digits) override {
    if (!std::isfinite(value)) return refuse("a number is out of range");
    if (std::is_same_v<AnyJson, OrderedJson> && digits.find_first_of(".eE") == std::string::npos)
      return refuse("the integer " + digits + " is beyond 64 bits");
    return put(value);
  }
  bool string(typename Base::string_t& value) override { return put(std::move(value)); }
  bool binary(typename Base::binary_t&) override { return refuse("binary value"); }
  bool start_object(size_t) override { return open(AnyJson::object()); }
  bool key(typename Base::string_t& name) override {
    AnyJson& object = *stack_.back();
    if constexpr (std::is_same_v<AnyJson, OrderedJson>)
      if (object.size() >= limits_.ordered_members)
        return refuse("an object has more than " + std::to_string(limits_.ordered_members) + " members");
    const auto [place, fresh] = object.emplace(name, nullptr);
    if (!fresh) return refuse("the key \"" + name + "\" occurs twice in one object");
    slot_ = &*place;
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(AnyJson::array()); }
  bool end_array() override { return close(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    // The library's text starts with its own error number in brackets; what follows is for people.
    std::string text = error.what();
    if (auto bracket = text.find("] "); bracket != std::string::npos) text = text.substr(bracket + 2);
    // It quotes the bytes it stumbled over, which may be no UTF-8.
    if (well_formed_bytes(text) < text.size()) text = Json::parse(canonical_json(text)).get<std::string>();
    return refuse("not JSON at byte " + std::to_string(position) + ": " + text);
  }

  AnyJson root;
  std::string problem;

 private:
  bool refuse(std::string why) {
    if (problem.empty()) problem = std::move(why);
    return false;
  }
  AnyJson* place(AnyJson value) {
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    if (stack_.back()->is_array()) {
      stack_.back()->push_back(std::move(value));
      return &stack_.back()->back();
    }
    *slot_ = std::move(value);
    return slot_;
  }
  bool put(AnyJson value) {
    place(std::move(value));
    return true;
  }
  bool open(AnyJson value) {
    if (stack_.size() >= limits_.depth) return refuse("nested deeper than " + std::to_string(limits_.depth) + " levels");
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  const JsonLimits& limits_;
  std::vector<AnyJson*> stack_;  // pointers stay valid: only the innermost container grows
  AnyJson* slot_ = nullptr;
};

template <typename AnyJson>
Result<AnyJson> parse_strictly(std::string_view text, std::string_view where, const JsonLimits& limits) {
  if (text.size() > limits.bytes)
    return input_error("larger than the limit of " + std::to_string(limits.bytes) + " bytes", std::string(where));
  StrictHandler<AnyJson> handler(limits);
  bool good = false;
  try {
    good = AnyJson::sax_parse(text.begin(), text.end(), &handler);
  } catch (const std::exception& error) {
    handler.problem = error.what();
  }
  if (!good || !handler.problem.empty()) return input_error(handler.problem, std::string(where));
  return std::move(handler.root);
}

std::string system_error(const char* doing) { return std::string(doing) + ": " + std::strerror(errno); }

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where, const JsonLimits& limits) {
  return parse_strictly<Json>(text, where, limits);
}

Result<OrderedJson> parse_ordered_json(std::string_view text, std::string_view where, const JsonLimits& limits) {
  return parse_strictly<OrderedJson>(text, where, limits);
}

std::string canonical_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> read_file(const std::string& path, size_t limit_bytes) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return input_error(system_error("cannot open"), path, "check the path and its permissions");
  std::string out;
  char buffer[1 << 16];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof buffer)) > 0) {
    out.append(buffer, static_cast<size_t>(got));
    if (out.size() > limit_bytes) break;
  }
  std::string problem = got < 0 ? system_error("cannot read") : "";
  ::close(fd);
  if (!problem.empty()) return input_error(problem, path);
  if (out.size() > limit_bytes) return input_error("larger than the limit of " + std::to_string(limit_bytes) + " bytes", path);
  return out;
}

Result<Json> read_json_file(const std::string& path, const JsonLimits& limits) {
  ASSAY_ASSIGN(std::string text, read_file(path, limits.bytes));
  return parse_json(text, path, limits);
}

Status write_file(const std::string& path, std::string_view bytes) {
  const std::string beside = path + ".tmp-" + std::to_string(::getpid());
  int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return make_error(Boundary::kStore, system_error("cannot create"), path, "check that the folder exists and is writable");
  std::string problem;
  for (size_t done = 0; done < bytes.size() && problem.empty();) {
    ssize_t put = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) problem = system_error("cannot write");
    else done += static_cast<size_t>(put);
  }
  if (problem.empty() && ::fsync(fd) != 0) problem = system_error("cannot sync");
  if (::close(fd) != 0 && problem.empty()) problem = system_error("cannot close");
  if (problem.empty() && ::rename(beside.c_str(), path.c_str()) != 0) problem = system_error("cannot rename");
  if (problem.empty()) return {};
  ::unlink(beside.c_str());
  return make_error(Boundary::kStore, problem, path, "free some space or choose another folder");
}

JsonReader::JsonReader(const Json& object, std::string file, std::string path)
    : object_(object), file_(std::move(file)), path_(std::move(path)) {
  if (!object_.is_object()) fail("", std::string("expected an object, found ") + object_.type_name());
}

bool JsonReader::has(const char* name) const { return object_.is_object() && object_.contains(name); }

void JsonReader::fail(const std::string& name, std::string what, std::string hint) {
  if (error_) return;
  error_ = input_error(std::move(what), file_ + ": " + (name.empty() ? path_ : path_ + "." + name), std::move(hint));
}

const Json* JsonReader::find(const char* name) {
  known_.emplace_back(name);
  if (!object_.is_object()) return nullptr;
  auto it = object_.find(name);
  return it == object_.end() ? nullptr : &*it;
}

namespace {
const Json kNull;
const Json kEmptyObject = Json::object();
const Json kEmptyArray = Json::array();
}  // namespace

const Json& JsonReader::need(const char* name, const char* type, bool (Json::*test)() const noexcept) {
  const Json* found = find(name);
  if (!found) {
    fail(name, std::string("missing; expected ") + type);
  } else if (!(found->*test)()) {
    fail(name, std::string("expected ") + type + ", found " + found->type_name());
  } else {
    return *found;
  }
  return kNull;
}

std::string JsonReader::text(const char* name) {
  const Json& value = need(name, "a string", &Json::is_string);
  return value.is_string() ? value.get<std::string>() : "";
}

std::string JsonReader::text_or(const char* name, std::string fallback) {
  if (has(name)) return text(name);
  find(name);
  return fallback;
}

int64_t JsonReader::integer(const char* name) { return integer(name, IntegerRule{}); }

int64_t JsonReader::integer(const char* name, const IntegerRule& rule) {
  if (rule.fallback && !has(name)) {
    find(name);
    return *rule.fallback;
  }
  const Json& value = need(name, "an integer", &Json::is_number_integer);
  if (!value.is_number_integer()) return rule.fallback.value_or(std::max<int64_t>(rule.minimum, 0));
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) {
    fail(name, "the integer is too large");
    return rule.minimum;
  }
  int64_t number = value.get<int64_t>();
  if (number < rule.minimum || number > rule.maximum)
    fail(name, "expected an integer from " + std::to_string(rule.minimum) + " to " + std::to_string(rule.maximum) +
                   ", found " + std::to_string(number));
  return number;
}

double JsonReader::number(const char* name) {
  const Json& value = need(name, "a number", &Json::is_number);
  return value.is_number() ? value.get<double>() : 0;
}

double JsonReader::number_or(const char* name, double fallback) {
  if (has(name)) return number(name);
  find(name);
  return fallback;
}

bool JsonReader::boolean_or(const char* name, bool fallback) {
  if (!has(name)) {
    find(name);
    return fallback;
  }
  const Json& value = need(name, "true or false", &Json::is_boolean);
  return value.is_boolean() ? value.get<bool>() : fallback;
}

std::vector<std::string> JsonReader::texts(const char* name) {
  std::vector<std::string> out;
  for (const Json& item : array(name)) {
    if (!item.is_string()) {
      fail(name, std::string("expected an array of strings, found an element of type ") + item.type_name());
      return {};
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::vector<std::string> JsonReader::texts_or(const char* name, std::vector<std::string> fallback) {
  if (has(name)) return texts(name);
  find(name);
  return fallback;
}

const Json& JsonReader::member(const char* name) {
  const Json* found = find(name);
  if (!found) fail(name, "missing");
  return found ? *found : kNull;
}

const Json& JsonReader::member_or_null(const char* name) {
  const Json* found = find(name);
  return found ? *found : kNull;
}

const Json& JsonReader::object(const char* name) {
  const Json& value = need(name, "an object", &Json::is_object);
  return value.is_object() ? value : kEmptyObject;
}

const Json& JsonReader::array(const char* name) {
  const Json& value = need(name, "an array", &Json::is_array);
  return value.is_array() ? value : kEmptyArray;
}

Status JsonReader::finish() {
  if (!error_ && object_.is_object()) {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      std::string near = nearest_name(name, known_);
      std::string all;
      for (const std::string& known : known_) all += (all.empty() ? "" : ", ") + known;
      fail(name, "unknown member", near.empty() ? "one of: " + all : "\"" + near + "\"");
      break;
    }
  }
  if (error_) return *error_;
  return {};
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    if (candidate.size() > 200 || name.size() > 200) continue;
    std::vector<size_t> row(candidate.size() + 1);
    for (size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= name.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= candidate.size(); ++j) {
        size_t above = row[j];
        row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (name[i - 1] != candidate[j - 1])});
        diagonal = above;
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

Error unknown_name(std::string_view noun, std::string_view name, const std::vector<std::string>& known, std::string where) {
  std::string all;
  for (const std::string& item : known) all += (all.empty() ? "" : ", ") + item;
  std::string near = nearest_name(name, known);
  return input_error("unknown " + std::string(noun) + " '" + std::string(name) + "'; known: " + (all.empty() ? "none" : all),
                     std::move(where), near.empty() ? "" : "'" + near + "'");
}

}  // namespace assay
