#include "datasets/store_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace assay {
namespace {

int newest_version() { return static_cast<int>(store_migrations().size()); }

// The version of a store, 0 for an empty file; an error for anything that is not ours to touch.
Result<int64_t> recognise(const SqlFile& database, const std::string& path) {
  ASSAY_ASSIGN(const int64_t application, database.integer("PRAGMA application_id"));
  ASSAY_ASSIGN(const int64_t version, database.integer("PRAGMA user_version"));
  ASSAY_ASSIGN(const int64_t objects, database.integer("SELECT count(*) FROM sqlite_schema"));
  const bool fresh = application == 0 && version == 0 && objects == 0;
  if (!fresh && (application != kStoreApplicationId || version < 1))
    return input_error("a SQLite file, but not a store of assay", path, "name another file with --store");
  if (version > newest_version())
    return input_error("made by a newer version of assay (schema " + std::to_string(version) + "; this program knows " +
                           std::to_string(newest_version()) + ")",
                       path, "install the newer version, or use another store");
  return version;
}

// Two processes may find the same new or old file: the version is read again inside the transaction.
Status migrate(const SqlFile& database, const std::string& path) {
  return database.transaction([&]() -> Status {
    ASSAY_ASSIGN(int64_t version, recognise(database, path));
    for (; version < newest_version(); ++version) ASSAY_TRY(database.execute(std::string(store_migrations()[version])));
    ASSAY_TRY(database.execute("PRAGMA application_id = " + std::to_string(kStoreApplicationId)));
    return database.execute("PRAGMA user_version = " + std::to_string(version));
  });
}

// Held on the store's folder while a store is opened: two processes that switch one new file to WAL at once are answered "busy"
// at any time-out, and one that looks at a file half made by another would take it for a stranger's.
class FolderLock {
 public:
  static Result<std::unique_ptr<FolderLock>> take(const std::string& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return make_error(Boundary::kStore, std::string("cannot open: ") + std::strerror(errno), folder);
    std::unique_ptr<FolderLock> lock(new FolderLock(fd));
    while (::flock(fd, LOCK_EX) != 0)
      if (errno != EINTR) return make_error(Boundary::kStore, std::string("cannot lock: ") + std::strerror(errno), folder);
    return lock;
  }
  ~FolderLock() { ::close(fd_); }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace

Result<SqlFile> open_store_file(const std::string& path, StoreMode mode) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return input_error("a folder, not a store", path, "name a file with --store");
  if (mode == StoreMode::kMustExist && !std::filesystem::exists(path, ignored))
    return input_error("there is no such store", path, "make one with: assay synth travel --store " + path);
  ASSAY_ASSIGN(SqlFile database, SqlFile::open(path, mode == StoreMode::kOpenOrCreate));
  const std::string parent = std::filesystem::path(path).parent_path().string();
  ASSAY_ASSIGN(const auto lock, FolderLock::take(parent.empty() ? "." : parent));
  ASSAY_TRY(recognise(database, path));   // nothing is made beside a file that is not ours
  const std::string folder = path + ".segments";
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    return make_error(Boundary::kStore, std::string("cannot create the folder of segments: ") + std::strerror(errno), folder,
                      "check that its parent folder can be written");
  ASSAY_ASSIGN(const std::string journal, database.text("PRAGMA journal_mode = WAL"));
  if (journal != "wal")
    return make_error(Boundary::kStore, "the file system does not support a write-ahead log", path, "put the store on a local disk");
  // A commit need not be synced: what it points to was, and an older state is a valid one.
  ASSAY_TRY(database.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -65536"));
  ASSAY_ASSIGN(const int64_t version, recognise(database, path));
  if (version < newest_version()) ASSAY_TRY(migrate(database, path));
  return database;
}

}  // namespace assay
