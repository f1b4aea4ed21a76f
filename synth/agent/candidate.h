// One category on its way to a domain: plan, draft, examination and repair until everything is certified; then escalation, once
// or several times. Pure but for the workbench: what is said to it and what it says back make the record.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "envs/message.h"
#include "envs/rollout.h"
#include "envs/task.h"
#include "synth/agent/form.h"
#include "synth/agent/workbench.h"

namespace assay {

struct AgentLimits {
  int64_t turns = 24;                // replies
  int64_t tokens = 3'000'000;        // of prompts and replies together, as the policy reports them; estimated where it does not
  int64_t reply_bytes = 1 << 20;     // of one reply
  int64_t escalations = 1;           // after the first certified version
  FormLimits form;
};

struct AgentOptions {
  std::string form = "data";         // see make_form
  AgentLimits limits;
  ExaminationOptions examination;
  Executor* executor = nullptr;      // borrowed; null: no bash and no search; domains in Python are examined in examination.executor
  WorkbenchOptions workbench;
};

// A version that was certified.
struct DomainVersion {
  int64_t turn = 0;          // the reply that completed it, from 1
  std::string hash;          // of the domain
  Examination examination;
};

// Everything that happened to one category. `reason` of a loss is one code: how the conversation ended, if that was the model's or the machinery's doing
// ("loop", "reply_too_large", "out_of_tokens", "policy_failed", "sandbox_failed", "cancelled"), else, when the turns are used up, the code of the
// last finding.
struct SynthesisRecord {
  std::string category, policy, form;
  bool accepted = false;
  std::string reason;                   // of a loss; of a domain that was accepted: why it was not escalated, or empty
  std::string detail;                   // in words
  std::string name, domain;             // of the last certified version: the file's text
  std::vector<DomainVersion> lineage;   // certified versions, each harder than the one before
  bool drafted = false, compiled = false;   // whether there ever was a domain, and one that compiled
  int64_t turns = 0;
  Usage usage;
  Conversation messages;
};

OrderedJson to_json(const SynthesisRecord& record);

class DomainCandidate {
 public:
  // Asserts that there is such a form. `taken` are names of domains; it is borrowed, and gets the name of this one when it is accepted.
  DomainCandidate(std::string category, std::string policy, const AgentOptions& options, std::set<std::string>& taken);

  const TaskView& task() const { return task_; }
  const Conversation& conversation() const { return record_.messages; }
  bool done() const { return phase_ == Phase::kDone; }
  int64_t turns() const { return record_.turns; }
  // The reply to conversation(), or why there is none.
  void hear(Result<Message> reply, const Usage& usage);
  void cancel() { end("cancelled", "stopped before it was finished"); }
  const SynthesisRecord& record() const { return record_; }

 private:
  enum class Phase { kPlan, kDraft, kEscalate, kDone };

  void tell(std::string text);
  void end(const std::string& reason, const std::string& detail);
  bool within_limits(const Message& reply, const Usage& usage);
  bool repeats(const std::string& what);
  void use_tools(const std::vector<ToolCall>& calls);
  void read(const Message& reply);
  void examine();
  std::vector<Finding> demands_of(const Examination& examination) const;
  void ask_for_repair(const std::vector<Finding>& findings, const std::string& report);
  void accept(Examination examination);

  AgentOptions options_;
  std::set<std::string>& taken_;
  TaskView task_;
  SynthesisRecord record_;
  Phase phase_ = Phase::kPlan;
  std::unique_ptr<Form> form_;
  std::unique_ptr<Workbench> workbench_;
  std::map<std::string, int> said_;   // hash of a reply or a domain -> how often
  Finding last_;                      // finding, for the reason of a loss
};

}  // namespace assay
