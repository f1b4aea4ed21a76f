#include "synth/mine/git_repository.h"

#include <dirent.h>
#include <fcntl.h>
#include <git2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <unordered_set>

#include "envs/base/utf8.h"
#include "synth/mine/licence.h"
#include "synth/mine/paths.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMessageBytes = 16 << 10;
constexpr size_t kNameBytes = 255;       // of one name, as Linux has it
constexpr int64_t kProblems = 1'000;
constexpr uint32_t kSubmodule = GIT_FILEMODE_COMMIT, kLink = GIT_FILEMODE_LINK, kProgram = GIT_FILEMODE_BLOB_EXECUTABLE;

// An owned pointer of libgit2's.
template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* pointer) const { kFree(pointer); }
};
template <typename T, auto kFree>
using Owned = std::unique_ptr<T, Free<kFree>>;
using OwnedRepository = Owned<git_repository, git_repository_free>;
using OwnedOdb = Owned<git_odb, git_odb_free>;
using OwnedObject = Owned<git_odb_object, git_odb_object_free>;
using OwnedTree = Owned<git_tree, git_tree_free>;
using OwnedCommit = Owned<git_commit, git_commit_free>;
using OwnedIndex = Owned<git_index, git_index_free>;
using OwnedDiff = Owned<git_diff, git_diff_free>;

// A library function that hands out a pointer, as an owned one; `code` gets what it returned.
template <typename Pointer, typename Function, typename... Arguments>
Pointer owned(int& code, Function function, Arguments... arguments) {
  typename Pointer::pointer raw = nullptr;
  code = function(&raw, arguments...);
  return Pointer(code == 0 ? raw : nullptr);
}

void initialise() {
  static const bool done = [] {
    ASSAY_ASSERT(git_libgit2_init() > 0);
    // What the user or the machine configured must not change what is mined; mirrors may belong to anybody, and nothing of them runs.
    for (int level : {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL})
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    return true;
  }();
  ASSAY_ASSERT(done);
}

// Malformed UTF-8 becomes U+FFFD; ISO 8859-1, where a commit says so, its characters.
std::string utf8(std::string_view text, std::string_view encoding = "") {
  std::string out;
  const bool latin = encoding == "ISO-8859-1" || encoding == "iso-8859-1" || encoding == "latin1" || encoding == "ISO8859-1";
  while (!text.empty()) {
    const size_t good = latin ? 0 : well_formed_bytes(text);
    out += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    if (!latin) out += "\xEF\xBF\xBD";
    else if (byte < 0x80) out += text.front();
    else out += {static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3f))};
    text.remove_prefix(1);
  }
  return out;
}

std::string_view cut_message(std::string_view text) {
  if (text.size() <= kMessageBytes) return text;
  text = text.substr(0, kMessageBytes);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.remove_suffix(1);
  return text.substr(0, text.empty() ? 0 : text.size() - 1);
}

std::string hex(const git_oid& id) {
  char text[GIT_OID_HEXSZ];
  git_oid_fmt(text, &id);
  return {text, sizeof text};
}

Result<git_oid> oid_of(const std::string& text) {
  git_oid id;
  if (text.size() != GIT_OID_HEXSZ || git_oid_fromstrn(&id, text.data(), text.size()) != 0)
    return input_error("not an object's id: expected 40 hexadecimal digits", text.substr(0, 80));
  return id;
}

constexpr const char* kMissing = "missing object";
constexpr const char* kCorrupt = "corrupt object";
constexpr const char* kTooLarge = "too large";
constexpr const char* kNoRepository = "not a git repository";

Error git_error_of(int code, const std::string& subject) {
  const git_error* last = git_error_last();
  const std::string why = last && last->message ? utf8(last->message) : "no reason given";
  return input_error(std::string(code == GIT_ENOTFOUND ? kMissing : kCorrupt) + ": " + why, subject);
}

struct OidHash {
  size_t operator()(const git_oid& id) const {
    size_t hash;
    std::memcpy(&hash, id.id, sizeof hash);
    return hash;
  }
};
struct OidEqual {
  bool operator()(const git_oid& a, const git_oid& b) const { return git_oid_equal(&a, &b); }
};
using OidSet = std::unordered_set<git_oid, OidHash, OidEqual>;

void note_problem(Scan& scan, std::string subject, std::string reason) {
  if (++scan.problem_count <= kProblems) scan.problems.push_back({std::move(subject), std::move(reason)});
}

bool may_be_a_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytes || name == "." || name == ".." || name.find('/') != name.npos) return false;
  return !(name.size() == 4 && name[0] == '.' && (name[1] | 32) == 'g' && (name[2] | 32) == 'i' && (name[3] | 32) == 't');
}

struct Descriptor {
  explicit Descriptor(int number) : fd(number) {}
  ~Descriptor() { if (fd >= 0) ::close(fd); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int fd;
};

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return make_error(Boundary::kSandbox, std::string("cannot write: ") + std::strerror(errno), path);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

// An entry of a tree on the way through it. `reason` is not empty where it cannot be what it says.
struct Visited {
  std::string path, name, reason;
  uint32_t mode = 0;
  git_oid id;
};

std::string_view content_of(git_odb_object* object) {
  return {static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object)};
}

}  // namespace

struct GitRepository::State {
  std::string path;
  OwnedRepository repository;
  OwnedOdb odb;
  std::map<std::string, std::string> licences;   // by blob

  Result<OwnedCommit> commit(const std::string& id) const {
    ASSAY_ASSIGN(const git_oid oid, oid_of(id));
    int code = 0;
    OwnedCommit commit = owned<OwnedCommit>(code, git_commit_lookup, repository.get(), &oid);
    if (code != 0) return git_error_of(code, "commit " + id);
    return commit;
  }

  Result<OwnedTree> tree_of(const std::string& id) const {
    ASSAY_ASSIGN(const OwnedCommit found, commit(id));
    return tree(*git_commit_tree_id(found.get()));
  }

  Result<OwnedTree> tree(const git_oid& id) const {
    int code = 0;
    OwnedTree tree = owned<OwnedTree>(code, git_tree_lookup, repository.get(), &id);
    if (code != 0) return git_error_of(code, "tree " + hex(id));
    return tree;
  }

  // 0 for a submodule, whose commit is elsewhere.
  Result<int64_t> bytes_of(const git_oid& id, uint32_t mode) const {
    if (mode == kSubmodule || git_oid_is_zero(&id)) return int64_t{0};
    size_t bytes = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (int code = git_odb_read_header(&bytes, &type, odb.get(), &id); code != 0) return git_error_of(code, "blob " + hex(id));
    return static_cast<int64_t>(bytes);
  }

  Result<OwnedObject> object(const git_oid& id) const {
    int code = 0;
    OwnedObject object = owned<OwnedObject>(code, git_odb_read, odb.get(), &id);
    if (code != 0) return git_error_of(code, "object " + hex(id));
    return object;
  }

  // Calls enter(folder), then everything in it, then leave(), and visit(entry) for what is no folder, in the tree's order.
  struct Walk {
    std::function<Result<bool>(const Visited&)> enter = [](const Visited&) { return true; };
    std::function<void()> leave = [] {};
    std::function<Status(const Visited&)> visit;
  };

  Status walk(const git_oid& id, const std::string& prefix, int64_t depth, const TreeLimits& limits, const Walk& steps) const {
    if (depth > limits.depth) return input_error(std::string(kTooLarge) + ": folders more than " + std::to_string(limits.depth) + " deep", utf8(prefix));
    ASSAY_ASSIGN(const OwnedTree found, tree(id));
    for (size_t i = 0; i < git_tree_entrycount(found.get()); ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(found.get(), i);
      Visited visited;
      visited.name = git_tree_entry_name(entry);
      visited.path = prefix + visited.name;
      visited.mode = static_cast<uint32_t>(git_tree_entry_filemode(entry));
      visited.id = *git_tree_entry_id(entry);
      if (!may_be_a_name(visited.name)) visited.reason = "forbidden_name";
      if (visited.mode != GIT_FILEMODE_TREE || !visited.reason.empty()) {
        ASSAY_TRY(steps.visit(visited));
        continue;
      }
      ASSAY_ASSIGN(const bool entered, steps.enter(visited));
      if (!entered) continue;
      ASSAY_TRY(walk(visited.id, visited.path + "/", depth + 1, limits, steps));
      steps.leave();
    }
    return {};
  }
};

namespace {

// Writes what a walk meets below one folder, by descriptors, so that nothing is ever reached through a link.
class TreeWriter {
 public:
  TreeWriter(int root, const TreeLimits& limits) : limits_(limits) { folders_.push_back(std::make_unique<Descriptor>(root)); }

  Result<bool> enter(const Visited& folder) {
    const int above = folders_.back()->fd;
    if (::mkdirat(above, folder.name.c_str(), 0755) != 0) {
      if (errno == EEXIST) return note(folder.path, "duplicate_name"), false;
      return failed(folder.path);
    }
    const int fd = ::openat(above, folder.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return failed(folder.path);
    folders_.push_back(std::make_unique<Descriptor>(fd));
    return true;
  }
  void leave() { folders_.pop_back(); }

  // Whether there is room for one more file of `bytes`.
  Status admit(int64_t bytes) {
    if (++written.files > limits_.files) return input_error(std::string(kTooLarge) + ": more than " + std::to_string(limits_.files) + " files");
    if ((written.bytes += bytes) > limits_.bytes) return input_error(std::string(kTooLarge) + ": more than " + std::to_string(limits_.bytes) + " bytes");
    return {};
  }

  // False, with a note: it was not written.
  Result<bool> put(const Visited& entry, std::string_view content) {
    const int folder = folders_.back()->fd;
    if (entry.mode == kLink) {
      if (!link_stays_inside(entry.path, content)) return note(entry.path, "symlink_leaves_tree"), false;
      if (::symlinkat(std::string(content).c_str(), folder, entry.name.c_str()) == 0) return true;
    } else if (entry.mode == kSubmodule) {
      note(entry.path, "submodule");
      if (::mkdirat(folder, entry.name.c_str(), 0755) == 0) return true;
    } else {
      const Descriptor file(::openat(folder, entry.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, entry.mode == kProgram ? 0755 : 0644));
      if (file.fd >= 0) {
        ASSAY_TRY(write_all(file.fd, content, utf8(entry.path)));
        if (content.starts_with("version https://git-lfs.github.com/spec/")) note(entry.path, "lfs_pointer");
        return true;
      }
    }
    if (errno == EEXIST) return note(entry.path, "duplicate_name"), false;
    if (errno == ENAMETOOLONG || errno == EILSEQ || errno == EINVAL) return note(entry.path, "forbidden_name"), false;
    return failed(entry.path);
  }

  void note(const std::string& path, const char* reason) { written.notes.push_back({path, reason}); }

  WrittenTree written;

 private:
  static Error failed(const std::string& path) {
    return make_error(Boundary::kSandbox, std::string("cannot write: ") + std::strerror(errno), utf8(path));
  }

  const TreeLimits& limits_;
  std::vector<std::unique_ptr<Descriptor>> folders_;   // from the root down
};

Result<int> open_empty(const std::string& directory) {
  std::error_code failure;
  fs::create_directories(directory, failure);
  if (failure) return make_error(Boundary::kSandbox, "cannot make the folder: " + failure.message(), directory);
  if (!fs::is_empty(directory, failure) || failure) return input_error("the folder is not empty", directory, "a new one");
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return make_error(Boundary::kSandbox, std::string("cannot open the folder: ") + std::strerror(errno), directory);
  return fd;
}

// What was written, as an index of a repository that is about to be.
Status add_to(git_index* index, const std::string& path, uint32_t mode, const git_oid& id) {
  git_index_entry made{};
  made.path = path.c_str();
  made.mode = mode;
  made.id = id;
  if (int code = git_index_add(index, &made); code != 0) return git_error_of(code, utf8(path));
  return {};
}

}  // namespace

GitRepository::GitRepository(std::unique_ptr<State> state) : state_(std::move(state)) {}
GitRepository::~GitRepository() = default;


Result<std::unique_ptr<GitRepository>> GitRepository::open(const std::string& path) {
  initialise();
  int code = 0;
  auto state = std::make_unique<State>();
  state->path = path;
  state->repository = owned<OwnedRepository>(code, git_repository_open_ext, path.c_str(), unsigned{GIT_REPOSITORY_OPEN_NO_SEARCH}, nullptr);
  if (code == 0) state->odb = owned<OwnedOdb>(code, git_repository_odb, state->repository.get());
  if (code != 0) return input_error(std::string(kNoRepository) + ": " + git_error_of(code, "").what, path, "a clone, or a bare mirror: git clone --mirror URL");
  return std::unique_ptr<GitRepository>(new GitRepository(std::move(state)));
}

std::string GitRepository::name() const {
  int code = 0;
  const auto origin = owned<Owned<git_remote, git_remote_free>>(code, git_remote_lookup, state_->repository.get(), "origin");
  const char* url = origin ? git_remote_url(origin.get()) : nullptr;
  std::string text = utf8(url ? url : fs::absolute(state_->path).lexically_normal().string());
  for (const char* end : {"/", ".git", "/"})
    if (text.ends_with(end)) text.resize(text.size() - std::strlen(end));
  size_t begin = text.find_last_of("/:");
  if (url && begin != std::string::npos && begin > 0) begin = text.find_last_of("/:", begin - 1);
  return begin == std::string::npos ? text : text.substr(begin + 1);
}

Result<std::string> GitRepository::resolve(const std::string& revision) const {
  int code = 0;
  using Object = Owned<git_object, git_object_free>;
  const Object named = owned<Object>(code, git_revparse_single, state_->repository.get(), revision.c_str());
  if (code != 0) return git_error_of(code, "revision " + revision);
  const Object commit = owned<Object>(code, git_object_peel, named.get(), GIT_OBJECT_COMMIT);
  if (code != 0) return git_error_of(code, "revision " + revision);
  return hex(*git_object_id(commit.get()));
}

Result<std::vector<GitReference>> GitRepository::references(const std::string& prefix) const {
  int code = 0;
  using Iterator = Owned<git_reference_iterator, git_reference_iterator_free>;
  const Iterator iterator = owned<Iterator>(code, git_reference_iterator_glob_new, state_->repository.get(), (prefix + "*").c_str());
  if (code != 0) return git_error_of(code, "references " + prefix);
  std::vector<GitReference> out;
  git_reference* raw = nullptr;
  while ((code = git_reference_next(&raw, iterator.get())) == 0) {
    const Owned<git_reference, git_reference_free> reference(raw);
    if (const git_oid* target = git_reference_target(raw)) out.push_back({utf8(git_reference_name(raw)), hex(*target)});
  }
  if (code != GIT_ITEROVER) return git_error_of(code, "references " + prefix);
  std::sort(out.begin(), out.end(), [](const GitReference& a, const GitReference& b) { return a.name < b.name; });
  return out;
}

namespace {

Commit read_commit(git_commit* raw) {
  Commit commit;
  commit.id = hex(*git_commit_id(raw));
  commit.tree = hex(*git_commit_tree_id(raw));
  for (unsigned i = 0; i < git_commit_parentcount(raw); ++i) commit.parents.push_back(hex(*git_commit_parent_id(raw, i)));
  const char* encoding = git_commit_message_encoding(raw);
  const auto text = [&](const char* bytes) { return utf8(cut_message(bytes ? bytes : ""), encoding ? encoding : ""); };
  const git_signature* author = git_commit_author(raw);
  commit.author = text(author->name);
  commit.email = text(author->email);
  commit.message = text(git_commit_message(raw));
  commit.authored_s = author->when.time;
  commit.committed_s = git_commit_time(raw);
  return commit;
}

}  // namespace

Result<Commit> GitRepository::commit(const std::string& id) const {
  ASSAY_ASSIGN(const OwnedCommit found, state_->commit(id));
  return read_commit(found.get());
}

Result<Scan> GitRepository::scan(const std::vector<std::string>& from, const std::function<Status(const Commit&)>& visit,
                                 const std::function<bool(const std::string& id)>& enter) const {
  Scan scan;
  OidSet seen;
  std::vector<git_oid> open;
  const auto push = [&](const std::string& text) -> Status {
    ASSAY_ASSIGN(const git_oid id, oid_of(text));
    if (seen.insert(id).second && (!enter || enter(text))) open.push_back(id);
    return {};
  };
  for (auto id = from.rbegin(); id != from.rend(); ++id) ASSAY_TRY(push(*id));
  while (!open.empty()) {
    const git_oid id = open.back();
    open.pop_back();
    int code = 0;
    const OwnedCommit raw = owned<OwnedCommit>(code, git_commit_lookup, state_->repository.get(), &id);
    if (code != 0) {
      note_problem(scan, hex(id), git_reason(git_error_of(code, "")));
      continue;
    }
    const Commit commit = read_commit(raw.get());
    ++scan.commits;
    ASSAY_TRY(visit(commit));
    for (auto parent = commit.parents.rbegin(); parent != commit.parents.rend(); ++parent) ASSAY_TRY(push(*parent));
  }
  return scan;
}

Result<std::vector<TreeEntry>> GitRepository::list(const std::string& commit, const TreeLimits& limits) const {
  ASSAY_ASSIGN(const OwnedTree root, state_->tree_of(commit));
  std::vector<TreeEntry> out;
  State::Walk steps;
  steps.visit = [&](const Visited& entry) -> Status {
    if (static_cast<int64_t>(out.size()) == limits.files) return input_error(std::string(kTooLarge) + ": more than " + std::to_string(limits.files) + " files", commit);
    if (entry.reason.empty()) out.push_back({entry.path, entry.mode, hex(entry.id)});
    return {};
  };
  ASSAY_TRY(state_->walk(*git_tree_id(root.get()), "", 0, limits, steps));
  std::sort(out.begin(), out.end(), [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
  return out;
}

Result<std::optional<std::string>> GitRepository::read(const std::string& commit, const std::string& path, size_t limit_bytes) const {
  ASSAY_ASSIGN(OwnedTree tree, state_->tree_of(commit));
  for (size_t at = 0;;) {
    const size_t end = path.find('/', at);
    const git_tree_entry* entry = git_tree_entry_byname(tree.get(), path.substr(at, end == path.npos ? path.npos : end - at).c_str());
    if (!entry) return std::optional<std::string>();
    const git_oid id = *git_tree_entry_id(entry);
    const auto mode = static_cast<uint32_t>(git_tree_entry_filemode(entry));
    if (end == path.npos) {
      if (mode == GIT_FILEMODE_TREE || mode == kSubmodule) return std::optional<std::string>();
      ASSAY_ASSIGN(const int64_t bytes, state_->bytes_of(id, mode));
      if (bytes > static_cast<int64_t>(limit_bytes)) return input_error(std::string(kTooLarge) + ": more than " + std::to_string(limit_bytes) + " bytes", utf8(path));
      ASSAY_ASSIGN(const OwnedObject object, state_->object(id));
      return std::optional<std::string>(content_of(object.get()));
    }
    if (mode != GIT_FILEMODE_TREE) return std::optional<std::string>();
    ASSAY_ASSIGN(tree, state_->tree(id));
    at = end + 1;
  }
}

namespace {

struct Buffer {
  git_buf raw{};
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { git_buf_dispose(&raw); }
  std::string_view view() const { return {raw.ptr ? raw.ptr : "", raw.size}; }
};

Result<OwnedDiff> compare(git_repository* repository, git_tree* before, git_tree* after, uint32_t flags, const char* path = nullptr) {
  git_diff_options options = GIT_DIFF_OPTIONS_INIT;
  options.flags = flags | GIT_DIFF_SHOW_BINARY | GIT_DIFF_DISABLE_PATHSPEC_MATCH;
  options.id_abbrev = GIT_OID_HEXSZ;
  options.max_size = -1;
  char* only[] = {const_cast<char*>(path)};
  if (path) options.pathspec = {only, 1};
  int code = 0;
  OwnedDiff diff = owned<OwnedDiff>(code, git_diff_tree_to_tree, repository, before, after, &options);
  if (code != 0) return git_error_of(code, "comparing two trees");
  return diff;
}

Status put_patch(git_diff* diff, size_t index, Buffer& out) {
  int code = 0;
  const auto patch = owned<Owned<git_patch, git_patch_free>>(code, git_patch_from_diff, diff, index);
  if (code == 0) code = git_patch_to_buf(&out.raw, patch.get());
  return code == 0 ? Status() : git_error_of(code, "comparing two files");
}

}  // namespace

Result<std::string> GitRepository::diff(const std::string& base, const std::string& head, const DiffLimits& limits) const {
  ASSAY_ASSIGN(const OwnedTree before, state_->tree_of(base));
  ASSAY_ASSIGN(const OwnedTree after, state_->tree_of(head));
  git_repository* repository = state_->repository.get();
  ASSAY_ASSIGN(const OwnedDiff diff, compare(repository, before.get(), after.get(), 0));
  const size_t count = git_diff_num_deltas(diff.get());
  if (count > static_cast<size_t>(limits.files)) return input_error(std::string(kTooLarge) + ": " + std::to_string(count) + " files change", base + ".." + head);
  int64_t bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    const git_diff_delta* delta = git_diff_get_delta(diff.get(), i);
    for (const git_diff_file* side : {&delta->old_file, &delta->new_file}) {
      ASSAY_ASSIGN(const int64_t size, state_->bytes_of(side->id, side->mode));
      bytes += size;
    }
    if (bytes > limits.bytes) return input_error(std::string(kTooLarge) + ": the files that change have more than " + std::to_string(limits.bytes) + " bytes", base + ".." + head);
  }
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    Buffer text;
    ASSAY_TRY(put_patch(diff.get(), i, text));
    if (well_formed_bytes(text.view()) == text.view().size()) {
      out += text.view();
      continue;
    }
    // JSON holds no other bytes than UTF-8, and a binary patch holds any.
    ASSAY_ASSIGN(const OwnedDiff binary, compare(repository, before.get(), after.get(), GIT_DIFF_FORCE_BINARY, git_diff_get_delta(diff.get(), i)->new_file.path));
    for (size_t j = 0; j < git_diff_num_deltas(binary.get()); ++j) {
      Buffer piece;
      ASSAY_TRY(put_patch(binary.get(), j, piece));
      out += piece.view();
    }
  }
  return out;
}

Result<std::string> GitRepository::licence(const std::string& commit) const {
  ASSAY_ASSIGN(const OwnedTree root, state_->tree_of(commit));
  std::string unrecognised;
  for (size_t i = 0; i < git_tree_entrycount(root.get()); ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(root.get(), i);
    if (!is_licence_file(git_tree_entry_name(entry)) || git_tree_entry_type(entry) != GIT_OBJECT_BLOB) continue;
    const git_oid id = *git_tree_entry_id(entry);
    auto known = state_->licences.find(hex(id));
    if (known == state_->licences.end()) {
      ASSAY_ASSIGN(const int64_t bytes, state_->bytes_of(id, GIT_FILEMODE_BLOB));
      std::string found;
      if (bytes < (1 << 20)) {
        ASSAY_ASSIGN(const OwnedObject object, state_->object(id));
        found = spdx_licence(content_of(object.get()));
      }
      known = state_->licences.emplace(hex(id), found).first;
    }
    if (!known->second.empty()) return known->second;
    if (unrecognised.empty()) unrecognised = utf8(git_tree_entry_name(entry));
  }
  return unrecognised;
}

namespace {

// The written files' blobs as one pack of the new repository.
Status copy_blobs(git_repository* from, git_index* index, const std::string& to) {
  int code = 0;
  const auto pack = owned<Owned<git_packbuilder, git_packbuilder_free>>(code, git_packbuilder_new, from);
  if (code != 0) return git_error_of(code, to);
  git_packbuilder_set_threads(pack.get(), 1);
  for (size_t i = 0; i < git_index_entrycount(index); ++i) {
    const git_index_entry* entry = git_index_get_byindex(index, i);
    if (entry->mode == kSubmodule) continue;
    if ((code = git_packbuilder_insert(pack.get(), &entry->id, entry->path)) != 0) return git_error_of(code, utf8(entry->path));
  }
  if (git_packbuilder_object_count(pack.get()) == 0) return {};
  code = git_packbuilder_write(pack.get(), (to + "/objects/pack").c_str(), 0, nullptr, nullptr);
  return code == 0 ? Status() : git_error_of(code, to);
}

// Makes the folder a repository whose one commit has the index's content.
Status commit_index(git_repository* from, git_index* written, const std::string& directory, const std::string& message, int64_t committed_s, WrittenTree& out) {
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_MKDIR | GIT_REPOSITORY_INIT_NO_REINIT;
  options.initial_head = "main";
  int code = 0;
  const OwnedRepository made = owned<OwnedRepository>(code, git_repository_init_ext, directory.c_str(), &options);
  if (code != 0) return git_error_of(code, directory);
  const std::string inside = directory + "/.git";
  ASSAY_TRY(copy_blobs(from, written, inside));
  git_oid tree_id, commit_id;
  if ((code = git_index_write_tree_to(&tree_id, written, made.get())) != 0) return git_error_of(code, directory);
  const OwnedTree tree = owned<OwnedTree>(code, git_tree_lookup, made.get(), &tree_id);
  if (code != 0) return git_error_of(code, directory);
  Owned<git_signature, git_signature_free> author = owned<Owned<git_signature, git_signature_free>>(code, git_signature_new, "assay", "assay@localhost", committed_s, 0);
  if (code != 0) return git_error_of(code, directory);
  code = git_commit_create(&commit_id, made.get(), nullptr, author.get(), author.get(), nullptr, message.c_str(), tree.get(), 0, nullptr);
  using Reference = Owned<git_reference, git_reference_free>;
  if (code == 0) owned<Reference>(code, git_reference_create, made.get(), "refs/heads/main", &commit_id, 0, nullptr);
  const OwnedIndex index = code == 0 ? owned<OwnedIndex>(code, git_repository_index, made.get()) : OwnedIndex();
  if (code == 0) code = git_index_read_tree(index.get(), tree.get());
  if (code == 0) code = git_index_write(index.get());
  if (code != 0) return git_error_of(code, directory);
  // What would differ from one making to the next (the reference's log has the time) or is of no use.
  std::error_code ignored;
  for (const char* name : {"logs", "hooks", "info", "description"}) fs::remove_all(fs::path(inside) / name, ignored);
  out.tree = hex(tree_id);
  out.commit = hex(commit_id);
  return {};
}

}  // namespace

Result<WrittenTree> GitRepository::write(const std::string& commit, const std::string& directory, const TreeLimits& limits,
                                         const std::function<Status(const std::string& path, uint32_t mode, const std::string& id)>& wrote) const {
  ASSAY_ASSIGN(const OwnedTree root, state_->tree_of(commit));
  ASSAY_ASSIGN(const int folder, open_empty(directory));
  TreeWriter writer(folder, limits);
  State::Walk steps;
  steps.enter = [&](const Visited& entry) { return writer.enter(entry); };
  steps.leave = [&] { writer.leave(); };
  steps.visit = [&](const Visited& entry) -> Status {
    if (!entry.reason.empty()) return writer.note(entry.path, entry.reason.c_str()), Status();
    ASSAY_ASSIGN(const int64_t bytes, state_->bytes_of(entry.id, entry.mode));
    ASSAY_TRY(writer.admit(bytes));
    OwnedObject object;
    if (entry.mode != kSubmodule) {
      ASSAY_ASSIGN(object, state_->object(entry.id));
    }
    ASSAY_ASSIGN(const bool put, writer.put(entry, object ? content_of(object.get()) : std::string_view()));
    return put ? wrote(entry.path, entry.mode, hex(entry.id)) : Status();
  };
  ASSAY_TRY(state_->walk(*git_tree_id(root.get()), "", 0, limits, steps));
  return std::move(writer.written);
}

Result<WrittenTree> GitRepository::write_tree(const std::string& commit, const std::string& directory, const TreeLimits& limits) const {
  return write(commit, directory, limits, [](const std::string&, uint32_t, const std::string&) { return Status(); });
}

Result<WrittenTree> GitRepository::write_repository(const std::string& commit, const std::string& directory, const std::string& message,
                                                    int64_t committed_s, const TreeLimits& limits) const {
  int code = 0;
  const OwnedIndex index = owned<OwnedIndex>(code, git_index_new);
  if (code != 0) return git_error_of(code, directory);
  ASSAY_ASSIGN(WrittenTree out, write(commit, directory, limits, [&](const std::string& path, uint32_t mode, const std::string& id) -> Status {
    ASSAY_ASSIGN(const git_oid oid, oid_of(id));
    return add_to(index.get(), path, mode, oid);
  }));
  ASSAY_TRY(commit_index(state_->repository.get(), index.get(), directory, message, committed_s, out));
  return out;
}

Result<Scan> GitRepository::visit_blobs(size_t limit_bytes, const std::function<Status(const std::string& id, std::string_view content)>& visit) const {
  std::vector<git_oid> ids;
  const auto collect = [](const git_oid* id, void* to) { return static_cast<std::vector<git_oid>*>(to)->push_back(*id), 0; };
  if (int code = git_odb_foreach(state_->odb.get(), collect, &ids); code != 0) return git_error_of(code, state_->path);
  Scan scan;
  for (const git_oid& id : ids) {
    size_t bytes = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    int code = git_odb_read_header(&bytes, &type, state_->odb.get(), &id);
    if (code == 0 && type != GIT_OBJECT_BLOB) continue;
    OwnedObject object;
    if (code == 0 && bytes <= limit_bytes) object = owned<OwnedObject>(code, git_odb_read, state_->odb.get(), &id);
    if (code != 0) note_problem(scan, hex(id), git_reason(git_error_of(code, "")));
    else ASSAY_TRY(visit(hex(id), object ? content_of(object.get()) : std::string_view()));
  }
  return scan;
}

std::string git_blob_id(std::string_view content) {
  initialise();
  git_oid id;
  const int code = git_odb_hash(&id, content.data(), content.size(), GIT_OBJECT_BLOB);
  ASSAY_ASSERT(code == 0);
  return hex(id);
}

std::string git_reason(const Error& error) {
  for (const auto& [words, reason] : {std::pair{kMissing, "missing_object"}, std::pair{kCorrupt, "corrupt_object"},
                                      std::pair{kTooLarge, "too_large"}, std::pair{kNoRepository, "not_a_repository"}})
    if (error.what.starts_with(words)) return reason;
  return "unreadable";
}

}  // namespace assay
