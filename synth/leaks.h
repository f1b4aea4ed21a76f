// Is the fix already there? What a gold patch adds is looked for in everything an environment holds: plain files, archives
// (what package caches are made of), compiled files (what installed packages are made of), and every object of git repositories,
// reachable or not.
//
// Three things give a fix away. A *blob*: a file as the patch leaves it, byte for byte. *Tokens*: kLeakTokens tokens in a row as
// the patch leaves them, with a changed one and three different words among them, that the base lacks; white space, line ends, escapes (as in JSON) and the
// signs of a patch do not matter. *Names*: identifiers that the patch adds and the base lacks, in a file compiled from one that
// it changes. What only changes white space, or is shorter than that, is found as a blob alone; other spellings (base 64, UTF-16)
// and archives in xz, bzip2 or zstd are not looked into, and the search says where it met the latter.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "envs/base/json.h"

namespace assay {

struct Hunk;   // synth/mine/patch.h

inline constexpr size_t kLeakTokens = 16;

struct Leak {
  std::string where;      // "site-packages/a.py", "cache/x.whl ! stream at byte 310", ".git ! blob 5f2c…"; UTF-8
  std::string kind;       // "blob", "tokens", "names"
  std::string path;       // the patch's file that is given away
  std::string evidence;   // what was found, shortened
};

// What was searched, and what came of it.
struct LeakSearch {
  int64_t files = 0, bytes = 0;                       // files, and all bytes looked at: those inside archives and objects, too
  int64_t archives = 0, compiled = 0;                 // compressed streams; files that are no text
  int64_t repositories = 0, objects = 0;              // git; blobs read from them
  int64_t blobs = 0, fingerprints = 0, names = 0;     // what was looked for
  std::vector<std::string> unsearched;                // what could not be looked into, and why; at most 100
  int64_t unsearched_count = 0;
  std::vector<Leak> leaks;                            // at most 100, at most one for each place and file of the patch
  int64_t leak_count = 0;

  // Takes in another place that was searched for the same.
  void add(const LeakSearch& other);
  // Nothing was found, there was something to look for, and nothing was left out.
  bool clean() const { return leak_count == 0 && unsearched_count == 0 && blobs + fingerprints > 0; }
};

Json to_json(const LeakSearch& search);

// What a patch must not have left behind. Immutable once made; searched by any number of threads.
class LeakProbe {
 public:
  // `base` is the directory of the tree that the patch applies to, whose content is no leak wherever it is found again; a .git in
  // it is not read. Empty: there is none at hand. Then only the patch's own context tells what is old, and blobs are not known
  // but those of new files.
  static Result<LeakProbe> make(std::string_view patch, const std::string& base, const std::string& where);

  // Looks at one content. `name` is what it is called in findings.
  void look(std::string_view bytes, const std::string& name, LeakSearch& into) const;
  // A blob of git's, by the name that its content has.
  void look_at_blob(const std::string& id, std::string_view bytes, const std::string& name, LeakSearch& into) const;

  // A search that has not begun.
  LeakSearch search() const;

 private:
  struct Site {
    std::string path, stem;
    std::string shown;                      // the changed lines, shortened
    std::set<std::string> names;            // identifiers
    size_t fingerprints = 0;
  };

  void add_hunk(const std::string& path, const Hunk& hunk);
  void drop_known(std::string_view bytes);
  void index();
  bool maybe(uint64_t hash) const { return filter_[(hash >> 44) / 64] >> ((hash >> 44) % 64) & 1; }
  void look_at_depth(std::string_view bytes, const std::string& name, int depth, LeakSearch& into) const;
  void look_inside(std::string_view bytes, const std::string& name, int depth, LeakSearch& into) const;
  void look_for_tokens(std::string_view bytes, const std::string& name, LeakSearch& into) const;
  void look_for_names(std::string_view bytes, const std::string& name, LeakSearch& into) const;

  std::vector<Site> sites_;                                  // one a hunk
  std::unordered_map<uint64_t, uint32_t> fingerprints_;      // hash -> site
  std::set<std::string, std::less<>> names_;                 // of all sites
  std::unordered_map<std::string, std::string> blobs_;       // git's name -> path
  std::unordered_set<int64_t> blob_sizes_;
  std::vector<uint64_t> filter_;                             // of fingerprints_: one bit for each value of the upper 20
};

// Everything below a directory; links are not followed. An Error only where the directory cannot be read at all.
Result<LeakSearch> find_leaks(const LeakProbe& probe, const std::string& directory);

}  // namespace assay
