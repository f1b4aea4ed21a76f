#include "synth/mine/patch.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "envs/base/utf8.h"
#include "synth/mine/binary_patch.h"

namespace assay {
namespace {

constexpr size_t kPathBytes = 4096;
constexpr int64_t kLargestNumber = int64_t{1} << 40;
constexpr int64_t kComparisons = 50'000'000;   // of lines, looking for hunks that moved

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_number(std::string_view& text, int64_t& value) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || value < 0 || value > kLargestNumber) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

std::optional<uint32_t> mode_of(std::string_view text) {
  uint32_t mode = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return mode;
}

// A name as git quotes it (quote.c): "\n", "\"", "\303". `text` begins after the first quote and is left after the last.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return out;
    }
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) break;
    constexpr std::string_view kLetters = "abtnvfr\"\\", kMeant = "\a\b\t\n\v\f\r\"\\";
    if (const size_t letter = kLetters.find(text[i]); letter != std::string_view::npos) out += kMeant[letter];
    else if (i + 2 < text.size() && text[i] >= '0' && text[i] <= '3') {
      int value = 0;
      for (size_t end = i + 3; i < end; ++i) {
        if (text[i] < '0' || text[i] > '7') return std::nullopt;
        value = value * 8 + (text[i] - '0');
      }
      --i;
      out += static_cast<char>(value);
    } else return std::nullopt;
  }
  return std::nullopt;
}

std::string quoted(const std::string& name) {
  bool plain = well_formed_bytes(name) == name.size();
  const bool raw_above_ascii = plain;
  for (char c : name) plain &= static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '"' && c != '\\';
  if (plain) return name;
  std::string out = "\"";
  for (char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += {'\\', c};
    else if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !raw_above_ascii))
      out += {'\\', static_cast<char>('0' + (byte >> 6)), static_cast<char>('0' + (byte >> 3 & 7)), static_cast<char>('0' + (byte & 7))};
    else out += c;
  }
  return out + '"';
}

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kPathBytes || path.find('\0') != path.npos) return false;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, end - at);
    if (name.empty() || name == "." || name == "..") return false;
    if (name.size() == 4 && name[0] == '.' && (name[1] | 32) == 'g' && (name[2] | 32) == 'i' && (name[3] | 32) == 't') return false;
    at = end + 1;
  }
  return true;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& where, const PatchLimits& limits) : rest_(text), where_(where), limits_(limits) {}

  Result<std::vector<FilePatch>> parse() {
    if (rest_.size() > limits_.bytes) return input_error("the patch is longer than " + std::to_string(limits_.bytes) + " bytes", where_);
    std::vector<FilePatch> files;
    while (next()) {
      std::string_view line = line_;
      if (!take_prefix(line, "diff --git ") && !begins_plain_file()) continue;
      if (files.size() == limits_.files) return wrong("more than " + std::to_string(limits_.files) + " files");
      FilePatch file;
      const bool plain = line_.starts_with("--- ");
      if (plain) back();
      ASSAY_TRY(read_file(plain ? std::string_view() : line, file));
      files.push_back(std::move(file));
    }
    return files;
  }

 private:
  Error wrong(std::string what) const { return input_error("malformed patch: " + std::move(what), where_ + ":" + std::to_string(number_)); }

  bool next() {
    if (rest_.empty()) return false;
    const size_t end = rest_.find('\n');
    last_ = rest_;
    ended_ = end != std::string_view::npos;
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(ended_ ? end + 1 : rest_.size());
    ++number_;
    return true;
  }
  void back() {
    rest_ = last_;
    --number_;
  }
  bool begins_plain_file() const { return line_.starts_with("--- ") && rest_.starts_with("+++ "); }

  // The headers of one file and what follows them, up to the next file. `names`: "a/x b/x", or nothing for a plain patch.
  Status read_file(std::string_view names, FilePatch& file) {
    bool deleted = false, made = false, renamed = false;
    while (next()) {
      std::string_view line = line_;
      if (take_prefix(line, "old mode ")) ASSAY_TRY(read_mode(line, file.old_mode));
      else if (take_prefix(line, "new mode ")) ASSAY_TRY(read_mode(line, file.new_mode));
      else if (take_prefix(line, "deleted file mode ")) deleted = true, file.old_mode = mode_of(line).value_or(0);
      else if (take_prefix(line, "new file mode ")) made = true, file.new_mode = mode_of(line).value_or(0);
      else if (take_prefix(line, "rename from ")) renamed = true, file.old_path = name_of(line);
      else if (take_prefix(line, "rename to ")) file.new_path = name_of(line);
      else if (take_prefix(line, "copy from ")) renamed = file.copied = true, file.old_path = name_of(line);
      else if (take_prefix(line, "copy to ")) file.new_path = name_of(line);
      else if (take_prefix(line, "index ")) file.index = line.substr(0, line.find(' '));
      else if (line.starts_with("similarity index ") || line.starts_with("dissimilarity index ")) continue;
      else if (line.starts_with("Binary files ")) file.binary = true;
      else if (line == "GIT binary patch") read_binary(file);
      else {
        back();
        break;
      }
    }
    if (!renamed && !names.empty()) ASSAY_TRY(read_names(names, file));
    if (next()) {
      if (begins_plain_file()) ASSAY_TRY(read_text(file, renamed, names.empty()));
      else back();
    }
    if (!file.binary) file.index.clear();
    if (deleted) file.new_path.clear();
    if (made) file.old_path.clear();
    if (file.old_path.empty() && file.new_path.empty()) return wrong("a file without a name");
    for (const std::string* path : {&file.old_path, &file.new_path})
      if (!path->empty() && !is_safe_path(*path)) return wrong("the path '" + quoted(*path) + "' does not stay in the tree");
    return {};
  }

  Status read_mode(std::string_view text, uint32_t& mode) {
    const auto value = mode_of(text);
    if (!value) return wrong("not a mode");
    mode = *value;
    return {};
  }

  // The name of a line that holds one name alone.
  static std::string name_of(std::string_view text) {
    if (!take_prefix(text, "\"")) return std::string(text);
    return take_quoted(text).value_or("");
  }

  // "a/x b/x" of a file whose name does not change: nothing else says it where there are no lines.
  Status read_names(std::string_view text, FilePatch& file) {
    if (text.starts_with('"')) {
      text.remove_prefix(1);
      const auto name = take_quoted(text);
      if (!name) return wrong("a quoted name breaks off");
      file.old_path = file.new_path = without_side(*name);
      return {};
    }
    // Both names are the same but for the side, or one of them is quoted and the other is not, which git does not do.
    const size_t middle = text.size() / 2;
    if (text.size() % 2 == 1 && text[middle] == ' ' && without_side(text.substr(0, middle)) == without_side(text.substr(middle + 1)))
      file.old_path = file.new_path = without_side(text.substr(0, middle));
    return {};
  }

  static std::string without_side(std::string_view name) {
    if (name.starts_with("a/") || name.starts_with("b/")) name.remove_prefix(2);
    return std::string(name);
  }

  // "--- a/x" and "+++ b/x"; a tab ends a name (git after names with spaces, diff before dates). Empty: /dev/null.
  Result<std::string> side(std::string_view text) {
    if (take_prefix(text, "\"")) {
      const auto name = take_quoted(text);
      if (!name) return wrong("a quoted name breaks off");
      return without_side(*name);
    }
    text = text.substr(0, text.find('\t'));
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text == "/dev/null") return std::string();
    return without_side(text);
  }

  // Of an empty file some say the names, though it has no hunks; in a plain patch it would be nothing at all.
  Status read_text(FilePatch& file, bool renamed, bool plain) {
    ASSAY_ASSIGN(std::string before, side(line_.substr(4)));
    next();
    ASSAY_ASSIGN(std::string after, side(line_.substr(4)));
    if (!renamed) {
      file.old_path = std::move(before);
      file.new_path = std::move(after);
    }
    while (next()) {
      if (!line_.starts_with("@@ ")) {
        back();
        break;
      }
      ASSAY_TRY(read_hunk(file));
    }
    if (plain && file.hunks.empty()) return wrong("a file with names and without hunks");
    return {};
  }

  Status read_hunk(FilePatch& file) {
    Hunk hunk;
    std::string_view line = line_;
    int64_t old_left = 1, new_left = 1;
    const bool good = take_prefix(line, "@@ -") && take_number(line, hunk.old_start) && (!take_prefix(line, ",") || take_number(line, old_left)) &&
                      take_prefix(line, " +") && take_number(line, hunk.new_start) && (!take_prefix(line, ",") || take_number(line, new_left)) &&
                      take_prefix(line, " @@");
    if (!good) return wrong("not the head of a hunk");
    take_prefix(line, " ");
    hunk.heading = line;
    while (old_left > 0 || new_left > 0) {
      if (!next()) return wrong("it breaks off in a hunk");
      const char kind = line_.empty() ? ' ' : line_[0];   // some editors strip the blank of an empty line
      if (kind == '\\') {
        ASSAY_TRY(unend(hunk));
        continue;
      }
      if ((kind != ' ' && kind != '-' && kind != '+') || (kind != '+' && old_left-- == 0) || (kind != '-' && new_left-- == 0))
        return wrong("a hunk's lines are not as many as its head says");
      hunk.lines.push_back({kind, std::string(line_.substr(line_.empty() ? 0 : 1)), true});
    }
    if (rest_.starts_with('\\')) {
      next();
      ASSAY_TRY(unend(hunk));
    }
    file.hunks.push_back(std::move(hunk));
    return {};
  }

  Status unend(Hunk& hunk) {
    if (hunk.lines.empty()) return wrong("a missing line feed before any line");
    hunk.lines.back().ended = false;
    return {};
  }

  // One or two blocks, each ended by an empty line.
  void read_binary(FilePatch& file) {
    file.binary = true;
    for (int block = 0; block < 2 && (rest_.starts_with("literal ") || rest_.starts_with("delta ")); ++block) {
      while (next()) {
        file.binary_text += line_;
        file.binary_text += '\n';
        if (line_.empty()) break;
      }
    }
  }

  std::string_view rest_, last_, line_;
  bool ended_ = true;
  int64_t number_ = 0;
  const std::string& where_;
  const PatchLimits& limits_;
};

std::string octal(uint32_t mode) {
  char digits[16];
  const auto [end, problem] = std::to_chars(digits, digits + sizeof digits, mode, 8);
  const std::string text(digits, end);
  return std::string(text.size() < 6 ? 6 - text.size() : 0, '0') + text;
}

int64_t lines_of(const Hunk& hunk, char other) {
  return std::count_if(hunk.lines.begin(), hunk.lines.end(), [&](const PatchLine& line) { return line.kind != other; });
}

void put_hunk(const Hunk& hunk, std::string& out) {
  const auto range = [](int64_t start, int64_t count) { return std::to_string(start) + (count == 1 ? "" : "," + std::to_string(count)); };
  out += "@@ -" + range(hunk.old_start, lines_of(hunk, '+')) + " +" + range(hunk.new_start, lines_of(hunk, '-')) + " @@";
  if (!hunk.heading.empty()) out += " " + hunk.heading;
  out += '\n';
  for (const PatchLine& line : hunk.lines) {
    out += line.kind;
    out += line.text;
    out += line.ended ? "\n" : "\n\\ No newline at end of file\n";
  }
}

struct Line {
  std::string_view text;
  bool ended = true;
  bool operator==(const Line&) const = default;
};

std::vector<Line> split_lines(std::string_view bytes) {
  std::vector<Line> lines;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    lines.push_back({bytes.substr(0, end), end != bytes.npos});
    bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  }
  return lines;
}

// Where `wanted` stands in `lines`, not before `from`: at `guess`, else as near to it as can be.
std::optional<size_t> find_lines(const std::vector<Line>& lines, const std::vector<Line>& wanted, size_t from, size_t guess, int64_t& budget) {
  if (from > lines.size() || wanted.size() > lines.size() - from) return std::nullopt;
  const size_t last = lines.size() - wanted.size();
  guess = std::clamp(guess, from, last);
  const auto stands_at = [&](size_t at) {
    for (size_t i = 0; i < wanted.size(); ++i)
      if (--budget < 0 || !(lines[at + i] == wanted[i])) return false;
    return true;
  };
  for (size_t away = 0; budget >= 0 && (guess >= from + away || guess + away <= last); ++away) {
    if (guess + away <= last && stands_at(guess + away)) return guess + away;
    if (away > 0 && guess >= from + away && stands_at(guess - away)) return guess - away;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<FilePatch>> parse_patch(std::string_view text, const std::string& where, const PatchLimits& limits) {
  return Parser(text, where, limits).parse();
}

std::string patch_text(const FilePatch& file) {
  const std::string before = file.is_new() ? file.new_path : file.old_path, after = file.is_deleted() ? file.old_path : file.new_path;
  std::string out = "diff --git " + quoted("a/" + before) + " " + quoted("b/" + after) + "\n";
  if (file.is_new()) out += "new file mode " + octal(file.new_mode ? file.new_mode : 0100644) + "\n";
  else if (file.is_deleted()) out += "deleted file mode " + octal(file.old_mode ? file.old_mode : 0100644) + "\n";
  else {
    if (file.old_mode != file.new_mode) out += "old mode " + octal(file.old_mode) + "\nnew mode " + octal(file.new_mode) + "\n";
    if (file.copied || before != after) {
      const std::string verb = file.copied ? "copy" : "rename";
      out += verb + " from " + quoted(before) + "\n" + verb + " to " + quoted(after) + "\n";
    }
  }
  if (file.binary && !file.index.empty()) out += "index " + file.index + "\n";
  if (file.binary && file.binary_text.empty()) return out + "Binary files differ\n";
  if (file.binary) return out + "GIT binary patch\n" + file.binary_text;
  if (file.hunks.empty()) return out;
  // A tab says where a name with spaces ends.
  const auto side = [](const char* prefix, const std::string& path) {
    return path.empty() ? std::string("/dev/null") : quoted(prefix + path) + (path.find(' ') == path.npos ? "" : "\t");
  };
  out += "--- " + side("a/", file.old_path) + "\n+++ " + side("b/", file.new_path) + "\n";
  for (const Hunk& hunk : file.hunks) put_hunk(hunk, out);
  return out;
}

std::string patch_text(const std::vector<FilePatch>& files) {
  std::string out;
  for (const FilePatch& file : files) out += patch_text(file);
  return out;
}

PatchStats patch_stats(const FilePatch& file) {
  PatchStats stats;
  for (const Hunk& hunk : file.hunks)
    for (const PatchLine& line : hunk.lines) {
      if (line.kind == ' ') continue;
      ++(line.kind == '+' ? stats.added : stats.removed);
      stats.bytes += static_cast<int64_t>(line.text.size()) + line.ended;
    }
  return stats;
}

Result<std::string> apply_file_patch(const FilePatch& file, std::string_view before, const PatchLimits& limits) {
  const std::string name = quoted(file.path());
  if (file.binary) {
    if (file.binary_text.empty()) return input_error("the patch says that a binary file differs, and not how", name);
    Result<std::string> after = apply_binary_patch(file.binary_text, before, limits.bytes);
    if (!after.ok()) return input_error(after.error().what, name);
    return after;
  }
  const std::vector<Line> lines = split_lines(before);
  std::string out;
  size_t at = 0;              // first line not copied yet
  int64_t moved = 0, budget = kComparisons;
  const auto put = [&](const Line& line) {
    out += line.text;
    if (line.ended) out += '\n';
  };
  for (size_t number = 1; number <= file.hunks.size(); ++number) {
    const Hunk& hunk = file.hunks[number - 1];
    std::vector<Line> wanted;
    for (const PatchLine& line : hunk.lines)
      if (line.kind != '+') wanted.push_back({line.text, line.ended});
    const int64_t guess = std::max<int64_t>(0, hunk.old_start - (wanted.empty() ? 0 : 1) + moved);
    const auto found = find_lines(lines, wanted, at, static_cast<size_t>(guess), budget);
    if (!found) return input_error("hunk " + std::to_string(number) + " does not fit: its lines are not in the file, at line " + std::to_string(hunk.old_start) + " or elsewhere", name);
    moved += static_cast<int64_t>(*found) - guess;
    while (at < *found) put(lines[at++]);
    for (const PatchLine& line : hunk.lines)
      if (line.kind != '-') put({line.text, line.ended});
    at += wanted.size();
    if (out.size() > limits.bytes) return input_error("the file would be longer than " + std::to_string(limits.bytes) + " bytes", name);
  }
  while (at < lines.size()) put(lines[at++]);
  if (out.size() > limits.bytes) return input_error("the file would be longer than " + std::to_string(limits.bytes) + " bytes", name);
  if (file.is_deleted() && !out.empty()) return input_error("the patch deletes the file and does not remove all of its lines", name);
  return out;
}

Result<std::vector<PatchedFile>> apply_patch(std::string_view patch, const std::string& where,
                                             const std::function<std::optional<std::string>(const std::string& path)>& read,
                                             const PatchLimits& limits) {
  ASSAY_ASSIGN(const std::vector<FilePatch> files, parse_patch(patch, where, limits));
  std::map<std::string, PatchedFile> changed;
  const auto current = [&](const std::string& path) -> std::optional<std::string> {
    auto it = changed.find(path);
    return it == changed.end() ? read(path) : it->second.bytes;
  };
  for (const FilePatch& file : files) {
    std::optional<std::string> before;
    if (!file.is_new()) {
      before = current(file.old_path);
      if (!before) return input_error("the patch changes a file that is not there", where + ": " + quoted(file.old_path));
    }
    if (file.new_path != file.old_path && !file.is_deleted() && current(file.new_path))
      return input_error("the patch makes a file that is there already", where + ": " + quoted(file.new_path));
    Result<std::string> after = apply_file_patch(file, before.value_or(""), limits);
    if (!after.ok()) return input_error(after.error().what, where + ": " + after.error().where);
    if (!file.is_new() && !file.copied && file.old_path != file.new_path) changed[file.old_path] = {file.old_path, std::nullopt, 0};
    if (!file.is_deleted()) changed[file.new_path] = {file.new_path, std::move(*after), file.new_mode};
  }
  std::vector<PatchedFile> out;
  for (auto& [path, file] : changed) out.push_back(std::move(file));
  return out;
}

}  // namespace assay
