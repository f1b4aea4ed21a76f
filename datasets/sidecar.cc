#include "datasets/sidecar.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <filesystem>

namespace assay {
namespace {

namespace fs = std::filesystem;

bool is_layer(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Error copy_error(const std::error_code& error, const fs::path& path) {
  const bool full = error == std::errc::no_space_on_device;
  return make_error(Boundary::kStore, "cannot copy: " + error.message(), path.string(), full ? "free some space and run the same command again" : "");
}

std::error_code copy_owner(const fs::path& from, const fs::path& to) {
  struct stat info;
  if (::lstat(from.c_str(), &info) == 0 && ::lchown(to.c_str(), info.st_uid, info.st_gid) == 0) return {};
  return {errno, std::generic_category()};
}

// Owners too: the files of a layer belong to whom the sandbox runs programs as.
std::error_code copy_tree(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
  if (!error) error = copy_owner(from, to);
  if (error || !fs::is_directory(fs::symlink_status(from))) return error;
  fs::recursive_directory_iterator item(from, error), end;
  for (; !error && item != end; item.increment(error))
    if (const auto failed = copy_owner(item->path(), to / item->path().lexically_relative(from))) return failed;
  return error;
}

// One file, link or layer.
Status copy_item(const fs::path& from, const fs::path& to) {
  const fs::path draft = to.string() + ".draft-" + std::to_string(::getpid());
  std::error_code ignored;
  std::error_code error = copy_tree(from, draft);
  if (!error) fs::rename(draft, to, error);
  if (!error || fs::exists(fs::symlink_status(to, ignored))) error.clear();   // somebody else's is as good
  fs::remove_all(draft, ignored);
  return error ? Status(copy_error(error, from)) : Status();
}

// One that is being written, or was when somebody was killed.
bool is_draft(const fs::path& path) { return path.filename().string().find("draft-") != std::string::npos; }

}  // namespace

Status copy_missing(const std::string& from, const std::string& to) {
  std::error_code error;
  if (!fs::is_directory(from, error)) return {};
  fs::create_directories(to, error);
  if (error) return copy_error(error, to);
  fs::directory_iterator entry(from, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    if (is_draft(entry->path())) continue;
    const fs::path target = fs::path(to) / entry->path().filename();
    std::error_code ignored;
    const bool folder = entry->symlink_status(ignored).type() == fs::file_type::directory;
    if (folder && !is_layer(entry->path())) ASSAY_TRY(copy_missing(entry->path(), target));
    else if (!fs::exists(fs::symlink_status(target, ignored))) ASSAY_TRY(copy_item(entry->path(), target));
  }
  return error ? Status(copy_error(error, from)) : Status();
}

}  // namespace assay
