// Where changes are mined from: a clone, GitHub, a file. One file each in synth/mine/sources/, which defines `MiningSource make()`.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "envs/base/clock.h"
#include "envs/base/http.h"
#include "synth/mine/candidate.h"

namespace assay {

// Why something is no candidate: a code (filters.h lists them) and what in particular.
struct Loss {
  std::string reason, detail;
};

// One change as a source tells it, before it is judged.
struct MinedChange {
  Candidate candidate;       // what the source knows of it; no id yet
  std::string patch;         // the whole change, where the source has it; else the trees of base and head are compared, or
                             // candidate.gold and candidate.tests are there already
  bool merged = true;
  bool bot = false;          // its author is a program
  std::optional<Loss> lost;  // the source itself could not get what belongs to it
};

// Used by one thread.
class ChangeSource {
 public:
  virtual ~ChangeSource() = default;
  // Some more changes; empty at the end. An error ends the mining, what was returned before stays good.
  virtual Result<std::vector<MinedChange>> next() = 0;
  // Gets what is costly to have (patches, say) for those changes that are not lost.
  virtual Status complete(std::vector<MinedChange>& changes) { return (void)changes, Status(); }
  // What was odd and no one change's fault ("3 objects are missing"); complete at the end.
  virtual std::vector<std::string> notes() const { return {}; }
};

struct SourceOptions {
  std::string argument;            // as given on the command line
  std::string clone;               // a clone of the same repository, or empty
  std::string repository;          // "owner/name" to go by, or empty: what the source says
  std::string api = "https://api.github.com";   // of a GitHub Enterprise server: https://HOST/api/v3
  std::string token;               // for it; may be empty
  std::string cache;               // folder for answers already had, so that a run goes on where one was stopped; empty: none
  HttpClient* http = nullptr;      // borrowed
  Clock* clock = nullptr;          // borrowed
  const std::atomic<bool>* cancelled = nullptr;
};

struct MiningSource {
  std::string name;
  std::string summary;             // begins with the form of its argument
  int order = 0;                   // they are asked in this order whether an argument is theirs
  std::function<bool(const std::string& argument)> takes;
  std::function<Result<std::unique_ptr<ChangeSource>>(const SourceOptions& options)> open;
  bool is_clone = false;           // its argument is a clone of the repository itself
};

namespace sources {
std::span<const MiningSource> all();   // generated from the folder
}

// The source whose form the argument has; the error lists the forms.
Result<const MiningSource*> find_source(const std::string& argument);
Result<std::unique_ptr<ChangeSource>> open_source(const SourceOptions& options);

// ---- What sources share ----

// "2024-05-01T12:00:00Z".
std::string iso_time(int64_t unix_s);

// A commit's message without its trailers (Signed-off-by: and the like) and without white space at its ends.
std::string without_trailers(const std::string& message);

// Title and description as one text.
std::string statement_of(const std::string& title, const std::string& body);
// Sets statement and statement_from: the linked issues' texts where there are any, else what `otherwise` says of the change itself.
void set_statement(Candidate& candidate, const std::string& otherwise);

}  // namespace assay
