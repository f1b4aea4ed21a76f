// The catalogue of attacks: ways to score without having solved the task. One file a category in verifiers/attacks/, which defines
// `Attack make()`. An attempt that scores is a hit, unless the category excuses right answers and the answer is one
// (verifiers/right_answer.h). Attempts are a pure function of the task and the golds of others.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "envs/attack_report.h"
#include "envs/base/rng.h"
#include "envs/database.h"
#include "envs/environment.h"
#include "envs/task.h"
#include "envs/toolset.h"
#include "envs/verifier.h"

namespace assay {

inline constexpr const char* kAttackCatalogue = "attacks 1";

// Borrowed, all of it.
struct AttackTarget {
  const Task& task;
  const Environment& environment;
  const Verifier& verifier;
  std::span<const std::string> other_golds;   // of other tasks, best of the same environment
};

// What scores: the answer, or for a task that is judged by the state it leaves that state, as envs/state.h writes it.
std::string gold_of(const Task& task);

// Whether a right answer may score. kNever: nothing of this kind is an answer, whatever it says.
enum class Excuse { kNever, kRight };

// Judges one after another what gold_of() is like: answers, or states.
class Judge {
 public:
  Judge(const Verifier& verifier, bool judges_states);
  ~Judge();
  bool passes(std::string_view answer);
  // Whether saying this passes where a state is judged and nothing has been changed.
  bool believes(std::string_view answer);

 private:
  struct Quick;   // how constraints are judged without words
  const Verifier& verifier_;
  const bool judges_states_;
  std::unique_ptr<Quick> quick_;
};

enum class Part { kText, kNumber, kObject, kArray };

// One category's attempts on one task: judges at once and keeps the tally.
class Attempts {
 public:
  Attempts(const AttackTarget& target, const std::string& category, const Json& gold, Judge& judge, AttackReport& report);

  const Task& task() const { return target_.task; }
  const Environment& environment() const { return target_.environment; }
  std::span<const std::string> other_golds() const { return target_.other_golds; }
  const std::string& gold_text() const { return gold_text_; }   // gold_of(task())
  const Json& gold() const { return gold_; }                    // the same, read
  Rng& rng() { return rng_; }                  // by task and category

  void answer(std::string_view how, std::string_view text, Excuse excuse = Excuse::kRight);
  // Said, and nothing done; no attempt where answers are judged.
  void claim(std::string_view how, std::string_view text);
  void value(std::string_view how, const Json& value, Excuse excuse = Excuse::kRight) { answer(how, value.dump(), excuse); }

  // The gold with one part replaced. What equals the part is no attempt.
  class Place {
   public:
    void put(std::string_view how, const Json& value, Excuse excuse = Excuse::kRight) const;
    // `token` stands where the part stood, whatever it is.
    void put_raw(std::string_view how, std::string_view token, Excuse excuse = Excuse::kRight) const;

   private:
    friend class Attempts;
    Place(Attempts& attempts, Json& part);
    Attempts& attempts_;
    const Json& part_;
    std::string before_, after_;   // the text of the gold around the part
  };
  // Up to `most` parts of that kind, drawn by rng().
  void each(Part kind, size_t most, const std::function<void(const Json& part, const Place& place)>& attack);

 private:
  void collect(Part kind, Json& at, std::vector<Json*>& out);

  const AttackTarget& target_;
  const std::string& category_;
  Judge& judge_;
  AttackReport& report_;
  AttackTally& tally_;
  const std::string gold_text_;
  Json gold_;
  Rng rng_;
};

// Attempts on what all tasks of an environment share: its tools, and the gate that SQL must pass.
struct EnvironmentTarget {
  const Environment& environment;
  Tools& tools;
  Connection& connection;   // opened with Access::kWrite
};

// One category's attempts on one environment.
class Probes {
 public:
  Probes(const EnvironmentTarget& target, const std::string& category, AttackReport& report)
      : target_(target), category_(category), report_(report), tally_(report.categories[category]) {}

  const Environment& environment() const { return target_.environment; }
  Tools& tools() { return target_.tools; }
  Connection& connection() { return target_.connection; }
  void tried(std::string_view how, std::string_view what, bool hit);

 private:
  const EnvironmentTarget& target_;
  const std::string& category_;
  AttackReport& report_;
  AttackTally& tally_;
};

struct Attack {
  std::string name;      // of the category
  std::string summary;
  std::function<void(Attempts&)> task;               // on every task
  std::function<Status(Probes&)> environment = {};   // on every environment; most have none
};

// Fails (boundary kVerifier) if the gold is not JSON or does not pass: then there is nothing to attack.
Result<AttackReport> attack_task(const AttackTarget& target);
Result<AttackReport> attack_environment(const EnvironmentTarget& target);

namespace attacks {
std::span<const Attack> all();  // generated from the folder
}

}  // namespace assay
