#include "datasets/held_out.h"

#include <algorithm>

#include "envs/base/json.h"

namespace assay {
namespace {

bool is_json_lines(const std::string& path) { return path.ends_with(".jsonl") || path.ends_with(".ndjson") || path.ends_with(".json"); }

// Every string of a value, one after the other.
void add_strings(HeldOut& held_out, const Json& json, const std::string& where) {
  if (json.is_string()) held_out.add(json.get_ref<const std::string&>(), where);
  else if (json.is_structured())
    for (const Json& member : json) add_strings(held_out, member, where);
}

// Calls take(line, number) for each line, numbers from 1, without line feed and carriage return.
template <typename Take>
Status for_each_line(std::string_view text, const Take& take) {
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ASSAY_TRY(take(line, number));
  }
  return {};
}

bool blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

}  // namespace

Status HeldOut::add_file(const std::string& path) {
  ASSAY_ASSIGN(const std::string text, read_file(path));
  const auto place = [&](int64_t number) { return path + ":" + std::to_string(number); };
  if (is_json_lines(path))
    return for_each_line(text, [&](std::string_view line, int64_t number) -> Status {
      if (blank(line)) return {};
      ASSAY_ASSIGN(const Json json, parse_json(line, place(number)));
      add_strings(*this, json, place(number));
      return {};
    });
  std::string paragraph;
  int64_t first = 1;
  ASSAY_TRY(for_each_line(text, [&](std::string_view line, int64_t number) -> Status {
    if (blank(line)) {
      if (!paragraph.empty()) add(paragraph, place(first));
      paragraph.clear();
      return {};
    }
    if (paragraph.empty()) first = number;
    paragraph.append(line).append("\n");
    return {};
  }));
  if (!paragraph.empty()) add(paragraph, place(first));
  return {};
}

void HeldOut::add(std::string_view text, std::string where) {
  WordText words(text);
  if (words.size() < n_) {
    ++too_short_;
    return;
  }
  const auto number = static_cast<uint32_t>(texts_.size());
  const std::vector<uint64_t> grams = words.gram_hashes(n_);
  for (size_t i = 0; i < grams.size(); ++i) grams_.try_emplace(grams[i], Place{number, static_cast<uint32_t>(i)});
  texts_.push_back({std::move(words), std::move(where)});
}

std::optional<HeldOut::Match> HeldOut::find(std::string_view text) const {
  const WordText words(text);
  const std::vector<uint64_t> grams = words.gram_hashes(n_);
  for (size_t i = 0; i < grams.size(); ++i) {
    const auto found = grams_.find(grams[i]);
    if (found == grams_.end()) continue;
    const Place place = found->second;
    const WordText& other = texts_[place.text].words;
    if (words.words(i, n_) != other.words(place.word, n_)) continue;   // hashes collide once in 2^64
    size_t count = n_;
    while (i + count < words.size() && place.word + count < other.size() && words.words(i + count, 1) == other.words(place.word + count, 1)) ++count;
    return Match{texts_[place.text].where, std::string(words.words(i, count))};
  }
  return std::nullopt;
}

}  // namespace assay
