#include "synth/leaks.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>

#include "envs/base/utf8.h"
#include "synth/mine/git_repository.h"
#include "synth/mine/patch.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr size_t kEnoughFingerprints = 4;            // of one hunk in one place; fewer where it has fewer
constexpr size_t kDistinctWords = 3;                 // of two characters or more, in a sequence that is looked for
constexpr size_t kNameBytes = 8;                     // shorter identifiers are everywhere
constexpr size_t kBlobBytes = 40;                    // smaller files are alike by chance
constexpr size_t kContentBytes = size_t{1} << 30;    // of a file
constexpr size_t kStreamBytes = size_t{256} << 20;   // of what comes out of one compressed stream, and of one object
constexpr int kMostDepth = 3;                        // archives in archives
constexpr size_t kMostFindings = 100;
constexpr size_t kFilterBits = size_t{1} << 20;

enum Kind : uint8_t { kSpace, kLineEnd, kBackslash, kWord, kSign };

constexpr std::array<Kind, 256> kKinds = [] {
  std::array<Kind, 256> out{};
  for (int c = 0; c < 256; ++c) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 128;
    out[static_cast<size_t>(c)] = word ? kWord : c == '\n' ? kLineEnd : c == '\\' ? kBackslash : c <= ' ' ? kSpace : kSign;
  }
  return out;
}();

uint64_t mixed(uint64_t x) {
  x ^= x >> 32;
  x *= 0x9E3779B97F4A7C15u;
  return x ^ (x >> 29);
}

// Words (letters, digits, _, $, all beyond ASCII) and single signs. A backslash, the n, r or t after it, and the signs + and - at the
// beginning of a line count as white space: so the same code has the same tokens in a file, in a patch and in JSON.
template <typename Take>
void each_token(std::string_view text, Take take) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  bool line_begins = true;
  while (at < end) {
    const unsigned char c = *at;
    switch (kKinds[c]) {
      case kSpace: ++at; break;
      case kLineEnd: ++at, line_begins = true; break;
      case kBackslash:
        ++at;
        if (at < end && (*at == 'n' || *at == 'r' || *at == 't')) line_begins |= *at++ == 'n';
        break;
      case kWord: {
        const auto* const begin = at;
        uint64_t hash = 0xCBF29CE484222325u;
        do hash = (hash ^ *at) * 0x100000001B3u;
        while (++at < end && kKinds[*at] == kWord);
        line_begins = false;
        take(mixed(hash), std::string_view(reinterpret_cast<const char*>(begin), static_cast<size_t>(at - begin)));
        break;
      }
      case kSign:
        ++at;
        if (line_begins && (c == '+' || c == '-')) break;
        line_begins = false;
        take(mixed(c), std::string_view(reinterpret_cast<const char*>(at - 1), 1));
        break;
    }
  }
}

// The hash of the last kLeakTokens tokens.
class Roller {
 public:
  // Whether there are as many by now.
  bool push(uint64_t token) {
    uint64_t& oldest = ring_[count_ % kLeakTokens];
    sum_ = sum_ * kBase + token - oldest * kPower;
    oldest = token;
    return ++count_ >= kLeakTokens;
  }
  uint64_t hash() const { return mixed(sum_); }

 private:
  static constexpr uint64_t kBase = 0xD6E8FEB86659FD93u;
  static constexpr uint64_t kPower = [] {
    uint64_t out = 1;
    for (size_t i = 0; i < kLeakTokens; ++i) out *= kBase;
    return out;
  }();
  std::array<uint64_t, kLeakTokens> ring_{};
  uint64_t sum_ = 0;
  size_t count_ = 0;
};

template <typename Take>
void each_fingerprint(std::string_view text, Take take) {
  Roller roller;
  each_token(text, [&](uint64_t token, std::string_view) {
    if (roller.push(token)) take(roller.hash());
  });
}

// The fingerprints of sequences that tell where they come from. Without different words they are data and punctuation, ['a', 'b', 'b'] say,
// that anybody may have written.
template <typename Take>
void each_distinctive_fingerprint(std::string_view text, Take take) {
  Roller roller;
  std::array<std::string_view, kLeakTokens> last;
  size_t count = 0;
  each_token(text, [&](uint64_t token, std::string_view word) {
    last[count++ % kLeakTokens] = word;
    if (!roller.push(token)) return;
    std::set<std::string_view> words;
    for (const std::string_view each : last)
      if (each.size() >= 2 && !(each[0] >= '0' && each[0] <= '9')) words.insert(each);
    if (words.size() >= kDistinctWords) take(roller.hash());
  });
}

bool is_name(std::string_view token) { return token.size() >= kNameBytes && !(token[0] >= '0' && token[0] <= '9'); }

// One side of a hunk: ' ' and the lines of `kind`.
std::string side(const Hunk& hunk, char kind) {
  std::string out;
  for (const PatchLine& line : hunk.lines)
    if (line.kind == ' ' || line.kind == kind) out += line.text + "\n";
  return out;
}

std::string lines_of(const Hunk& hunk, char kind) {
  std::string out;
  for (const PatchLine& line : hunk.lines)
    if (line.kind == kind) out += line.text + "\n";
  return out;
}

std::string shortened(std::string text, size_t bytes) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() > bytes) text = text.substr(0, bytes) + "…";
  return with_replacements(text);
}

// Files below `root`, never through a link, in an order of its own; `enter` may pass directories over.
Status each_file(const fs::path& root, const std::function<bool(const fs::path&)>& enter, const std::function<Status(const fs::path&)>& take,
                 const std::function<void(const fs::path&, const std::string&)>& cannot) {
  std::error_code error;
  fs::recursive_directory_iterator at(root, error), end;
  if (error) return input_error("cannot be read: " + error.message(), root.string(), "a directory");
  while (at != end) {
    const fs::file_status status = at->symlink_status(error);
    if (error) cannot(at->path(), error.message());
    else if (fs::is_directory(status) && !enter(at->path())) at.disable_recursion_pending();
    else if (fs::is_directory(status) && ::access(at->path().c_str(), R_OK | X_OK) != 0) cannot(at->path(), std::strerror(errno)), at.disable_recursion_pending();
    else if (fs::is_regular_file(status)) ASSAY_TRY(take(at->path()));
    at.increment(error);
    if (error) cannot(root, error.message());
  }
  return {};
}

void note(LeakSearch& into, const std::string& what) {
  ++into.unsearched_count;
  if (into.unsearched.size() < kMostFindings) into.unsearched.push_back(with_replacements(what));
}

void report(LeakSearch& into, Leak leak) {
  ++into.leak_count;
  leak.where = with_replacements(leak.where);
  if (into.leaks.size() < kMostFindings) into.leaks.push_back(std::move(leak));
}

// What a compressed stream (zlib's window bits: -15 raw, 15 zlib, 31 gzip) that begins at the beginning of `bytes` holds.
struct Inflated {
  std::string bytes;
  bool whole = false, too_long = false;
};

Inflated inflated(std::string_view bytes, int window_bits) {
  Inflated out;
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) return out;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(std::min<size_t>(bytes.size(), UINT32_MAX));
  int state = Z_OK;
  while (state == Z_OK && !out.too_long) {
    const size_t had = out.bytes.size();
    out.bytes.resize(had + std::max<size_t>(had, 64 << 10));
    stream.next_out = reinterpret_cast<Bytef*>(out.bytes.data() + had);
    stream.avail_out = static_cast<uInt>(out.bytes.size() - had);
    state = inflate(&stream, Z_NO_FLUSH);
    out.bytes.resize(out.bytes.size() - stream.avail_out);
    out.too_long = out.bytes.size() > kStreamBytes;
  }
  out.whole = state == Z_STREAM_END;
  inflateEnd(&stream);
  return out;
}

// Where compressed streams begin in a content: anywhere, since caches put archives behind headers of their own.
struct Stream {
  size_t at;
  int window_bits;
};

std::vector<Stream> streams_in(std::string_view bytes) {
  std::vector<Stream> out;
  // "PK\3\4": its end is looked for, since text holds hardly a byte 3.
  for (size_t end = 0; (end = bytes.find(std::string_view("\3\4", 2), end)) != std::string_view::npos; end += 2) {
    const size_t at = end < 2 ? end : end - 2;
    if (!bytes.substr(at).starts_with(std::string_view("PK\3\4", 4)) || bytes.size() - at < 30) continue;
    const auto field = [&](size_t offset) { return static_cast<size_t>(static_cast<unsigned char>(bytes[at + offset]) | static_cast<unsigned char>(bytes[at + offset + 1]) << 8); };
    const size_t data = at + 30 + field(26) + field(28);
    if (field(8) == 8 && data < bytes.size()) out.push_back({data, -15});   // what is stored without compression stands there as it is
  }
  for (size_t at = 0; (at = bytes.find(std::string_view("\x1f\x8b\x08", 3), at)) != std::string_view::npos; at += 3) out.push_back({at, 31});
  const auto byte = [&](size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
  if (bytes.size() > 8 && (byte(0) & 0x0F) == 8 && (byte(0) >> 4) <= 7 && (byte(0) * 256 + byte(1)) % 31 == 0) out.push_back({0, 15});   // a loose object, say
  return out;
}

std::string closed_archive(std::string_view bytes) {
  for (const auto& [magic, name] : {std::pair(std::string_view("\xFD" "7zXZ\0", 6), "xz"), {std::string_view("BZh"), "bzip2"}, {std::string_view("\x28\xB5\x2F\xFD", 4), "zstd"},
                                    {std::string_view("7z\xBC\xAF\x27\x1C"), "7z"}, {std::string_view("PACK\0\0\0\2", 8), "a git pack outside of a repository"}})
    if (bytes.starts_with(magic)) return name;
  return "";
}

bool is_repository(const fs::path& directory) {
  std::error_code error;
  return fs::is_directory(directory / "objects", error) && fs::exists(directory / "HEAD", error);
}

}  // namespace

void LeakSearch::add(const LeakSearch& other) {
  files += other.files, bytes += other.bytes, archives += other.archives, compiled += other.compiled;
  repositories += other.repositories, objects += other.objects;
  unsearched_count += other.unsearched_count;
  leak_count += other.leak_count;
  const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.begin() + static_cast<ptrdiff_t>(std::min(from.size(), kMostFindings - std::min(kMostFindings, to.size())))); };
  append(unsearched, other.unsearched);
  append(leaks, other.leaks);
}

Json to_json(const LeakSearch& s) {
  Json leaks = Json::array();
  for (const Leak& leak : s.leaks) leaks.push_back({{"where", leak.where}, {"kind", leak.kind}, {"path", leak.path}, {"evidence", leak.evidence}});
  return {{"searched", {{"files", s.files}, {"bytes", s.bytes}, {"archives", s.archives}, {"compiled", s.compiled}, {"repositories", s.repositories}, {"objects", s.objects}}},
          {"looked_for", {{"blobs", s.blobs}, {"fingerprints", s.fingerprints}, {"names", s.names}}},
          {"unsearched", s.unsearched}, {"unsearched_count", s.unsearched_count}, {"leaks", std::move(leaks)}, {"leak_count", s.leak_count}, {"clean", s.clean()}};
}

Result<LeakProbe> LeakProbe::make(std::string_view patch, const std::string& base, const std::string& where) {
  ASSAY_ASSIGN(const std::vector<FilePatch> files, parse_patch(patch, where));
  LeakProbe out;
  for (const FilePatch& file : files) {
    for (const Hunk& hunk : file.hunks) out.add_hunk(file.path(), hunk);
    if (file.is_deleted() || (base.empty() && !file.is_new())) continue;
    std::string before;
    if (!file.is_new()) {
      ASSAY_ASSIGN(before, read_file(base + "/" + file.old_path, kContentBytes));
    }
    Result<std::string> after = apply_file_patch(file, before);
    if (!after.ok()) return input_error("the patch does not apply to the base: " + after.error().what, where + ", " + file.path());
    if (*after != before && after->size() >= kBlobBytes) {
      out.blobs_[git_blob_id(*after)] = file.path();
      out.blob_sizes_.insert(static_cast<int64_t>(after->size()));
    }
  }
  out.index();
  if (!base.empty()) {
    const auto known = [&](const fs::path& path) -> Status {
      ASSAY_ASSIGN(const std::string bytes, read_file(path.string(), kContentBytes));
      out.drop_known(bytes);
      return {};
    };
    ASSAY_TRY(each_file(base, [](const fs::path& directory) { return directory.filename() != ".git"; }, known, [](const fs::path&, const std::string&) {}));
  }
  for (Site& site : out.sites_) site.fingerprints = 0;
  for (const auto& [hash, site] : out.fingerprints_) ++out.sites_[site].fingerprints;
  out.index();
  return out;
}

void LeakProbe::add_hunk(const std::string& path, const Hunk& hunk) {
  const auto number = static_cast<uint32_t>(sites_.size());
  Site site;
  site.path = path;
  site.stem = fs::path(path).stem().string();
  site.shown = shortened(lines_of(hunk, '+'), 160);
  std::unordered_set<uint64_t> old;
  each_fingerprint(side(hunk, '-'), [&](uint64_t hash) { old.insert(hash); });
  each_distinctive_fingerprint(side(hunk, '+'), [&](uint64_t hash) {
    if (!old.count(hash)) fingerprints_.emplace(hash, number);
  });
  std::unordered_set<uint64_t> old_names;
  each_token(side(hunk, '-'), [&](uint64_t hash, std::string_view) { old_names.insert(hash); });
  each_token(lines_of(hunk, '+'), [&](uint64_t hash, std::string_view token) {
    if (!is_name(token) || old_names.count(hash)) return;
    site.names.insert(std::string(token));
    names_.insert(std::string(token));
  });
  sites_.push_back(std::move(site));
}

void LeakProbe::index() {
  filter_.assign(kFilterBits / 64, 0);
  for (const auto& [hash, site] : fingerprints_) filter_[(hash >> 44) / 64] |= uint64_t{1} << ((hash >> 44) % 64);
}

void LeakProbe::drop_known(std::string_view bytes) {
  if (blob_sizes_.count(static_cast<int64_t>(bytes.size()))) blobs_.erase(git_blob_id(bytes));
  Roller roller;
  each_token(bytes, [&](uint64_t token, std::string_view text) {
    if (roller.push(token) && maybe(roller.hash())) fingerprints_.erase(roller.hash());
    if (const auto name = is_name(text) ? names_.find(text) : names_.end(); name != names_.end()) {
      for (Site& site : sites_) site.names.erase(*name);
      names_.erase(name);
    }
  });
}

LeakSearch LeakProbe::search() const {
  LeakSearch out;
  out.blobs = static_cast<int64_t>(blobs_.size());
  out.fingerprints = static_cast<int64_t>(fingerprints_.size());
  out.names = static_cast<int64_t>(names_.size());
  return out;
}

void LeakProbe::look_at_blob(const std::string& id, std::string_view bytes, const std::string& name, LeakSearch& into) const {
  ++into.objects;
  if (const auto found = blobs_.find(id); found != blobs_.end()) report(into, {name, "blob", found->second, id});
  look_inside(bytes, name, 0, into);
}

void LeakProbe::look(std::string_view bytes, const std::string& name, LeakSearch& into) const {
  look_at_depth(bytes, name, 0, into);
}

void LeakProbe::look_at_depth(std::string_view bytes, const std::string& name, int depth, LeakSearch& into) const {
  if (blob_sizes_.count(static_cast<int64_t>(bytes.size())))
    if (const auto found = blobs_.find(git_blob_id(bytes)); found != blobs_.end()) report(into, {name, "blob", found->second, found->first});
  look_inside(bytes, name, depth, into);
}

void LeakProbe::look_inside(std::string_view bytes, const std::string& name, int depth, LeakSearch& into) const {
  into.bytes += static_cast<int64_t>(bytes.size());
  look_for_tokens(bytes, name, into);
  if (std::memchr(bytes.data(), 0, std::min<size_t>(bytes.size(), 8 << 10))) look_for_names(bytes, name, into);
  if (const std::string closed = closed_archive(bytes); !closed.empty()) note(into, name + ": " + closed + " is not looked into");
  for (const Stream& stream : streams_in(bytes)) {
    const std::string inner = name + " ! stream at byte " + std::to_string(stream.at);
    if (depth == kMostDepth) return note(into, inner + ": archives are nested too deep");
    const Inflated content = inflated(bytes.substr(stream.at), stream.window_bits);
    if (content.bytes.empty()) continue;   // no stream after all
    ++into.archives;
    if (content.too_long) note(into, inner + ": more than " + std::to_string(kStreamBytes >> 20) + " MiB");
    look_at_depth(content.bytes, inner, depth + 1, into);
  }
}

void LeakProbe::look_for_tokens(std::string_view bytes, const std::string& name, LeakSearch& into) const {
  std::map<uint32_t, std::unordered_set<uint64_t>> found;   // by hunk
  each_fingerprint(bytes, [&](uint64_t hash) {
    if (!maybe(hash)) return;
    if (const auto at = fingerprints_.find(hash); at != fingerprints_.end()) found[at->second].insert(hash);
  });
  std::unordered_set<std::string> told;
  for (const auto& [number, hashes] : found) {
    const Site& site = sites_[number];
    if (hashes.size() < std::min(site.fingerprints, kEnoughFingerprints) || !told.insert(site.path).second) continue;
    report(into, {name, "tokens", site.path, std::to_string(hashes.size()) + " of " + std::to_string(site.fingerprints) + " sequences of: " + site.shown});
  }
}

void LeakProbe::look_for_names(std::string_view bytes, const std::string& name, LeakSearch& into) const {
  ++into.compiled;
  const std::string file = fs::path(name).filename().string();
  for (const Site& site : sites_) {
    if (site.names.empty() || !file.starts_with(site.stem)) continue;
    // As they stand: in compiled files anything may stand beside them.
    size_t found = 0;
    std::string names;
    for (const std::string& each : site.names)
      if (bytes.find(each) != std::string_view::npos) ++found, names += (names.empty() ? "" : ", ") + each;
    if (2 * found <= site.names.size()) continue;
    return report(into, {name, "names", site.path, shortened(names, 160)});
  }
}

namespace {

class DirectorySearch {
 public:
  DirectorySearch(const LeakProbe& probe, fs::path root) : probe_(probe), root_(std::move(root)), out_(probe.search()) {}

  Result<LeakSearch> run() {
    if (is_repository(root_)) repository(root_);
    ASSAY_TRY(each_file(
        root_,
        [this](const fs::path& directory) {
          if (is_repository(directory)) repository(directory);
          return !opened_.count((directory).string());
        },
        [this](const fs::path& path) { return file(path); }, [this](const fs::path& path, const std::string& why) { note(out_, shown(path) + ": " + why); }));
    return std::move(out_);
  }

 private:
  std::string shown(const fs::path& path) const { return path.lexically_relative(root_).string(); }

  Status file(const fs::path& path) {
    Result<std::string> bytes = read_file(path.string(), kContentBytes);
    if (!bytes.ok()) {
      note(out_, shown(path) + ": " + bytes.error().what);
      return {};
    }
    ++out_.files;
    probe_.look(*bytes, shown(path), out_);
    if (path.filename() == ".git") note(out_, shown(path) + ": points to a repository elsewhere");
    return {};
  }

  // Its objects as git reads them. Where that works its object directory is not looked at as files.
  void repository(const fs::path& directory) {
    const std::string name = shown(directory);
    const auto opened = GitRepository::open(directory.string());
    if (!opened.ok()) return note(out_, name + ": a repository that cannot be opened: " + opened.error().what);
    const Result<Scan> scan = (*opened)->visit_blobs(kStreamBytes, [&](const std::string& id, std::string_view content) -> Status {
      if (content.empty() && id != git_blob_id("")) note(out_, name + ": blob " + id + " has more than " + std::to_string(kStreamBytes >> 20) + " MiB");
      probe_.look_at_blob(id, content, name + " ! blob " + id, out_);
      return {};
    });
    if (!scan.ok()) return note(out_, name + ": its objects cannot be listed: " + scan.error().what);
    for (const GitNote& problem : scan->problems) note(out_, name + ": object " + problem.subject + ": " + problem.reason);
    ++out_.repositories;
    if (scan->problem_count == 0) opened_.insert((directory / "objects").string());
  }

  const LeakProbe& probe_;
  const fs::path root_;
  LeakSearch out_;
  std::unordered_set<std::string> opened_;   // object directories that have been read
};

}  // namespace

Result<LeakSearch> find_leaks(const LeakProbe& probe, const std::string& directory) { return DirectorySearch(probe, directory).run(); }

}  // namespace assay
