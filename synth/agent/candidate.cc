#include "synth/agent/candidate.h"

#include "envs/base/hash.h"
#include "envs/base/http.h"
#include "envs/base/utf8.h"
#include "envs/environment.h"
#include "synth/agent/prompts.h"

namespace assay {
namespace {

constexpr int kRepeats = 3;              // the same thing so often is a loop
constexpr size_t kKeptOfTooLong = 4096;  // of a reply over the limit

Message said(Role role, std::string text) {
  Message message;
  message.role = role;
  message.text = std::move(text);
  return message;
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) out += "- " + finding.code + ": " + finding.text + "\n";
  return out;
}

}  // namespace

OrderedJson to_json(const SynthesisRecord& record) {
  OrderedJson lineage = OrderedJson::array(), messages = OrderedJson::array();
  for (const DomainVersion& version : record.lineage)
    lineage.push_back({{"turn", version.turn}, {"hash", version.hash}, {"examination", to_json(version.examination)}});
  for (const Message& message : record.messages) messages.push_back(to_json(message));
  return {{"category", record.category}, {"policy", record.policy}, {"form", record.form}, {"accepted", record.accepted}, {"reason", record.reason}, {"detail", record.detail},
          {"name", record.name}, {"domain", record.domain}, {"lineage", std::move(lineage)}, {"drafted", record.drafted}, {"compiled", record.compiled},
          {"turns", record.turns}, {"prompt_tokens", record.usage.prompt_tokens}, {"completion_tokens", record.usage.completion_tokens},
          {"messages", std::move(messages)}};
}

DomainCandidate::DomainCandidate(std::string category, std::string policy, const AgentOptions& options, std::set<std::string>& taken)
    : options_(options), taken_(taken) {
  Result<std::unique_ptr<Form>> form = make_form(options_.form);
  ASSAY_ASSERT(form.ok());
  form_ = std::move(*form);
  record_.category = std::move(category);
  record_.policy = std::move(policy);
  record_.form = options_.form;
  task_.id = "category " + record_.category;
  if (options_.executor) task_.tools = Workbench::tools(options_.workbench);
  record_.messages.push_back(said(Role::kSystem, form_->system_prompt()));
  tell(agent_prompt(form_->prompt_name("plan"), "{category}", record_.category));
}

void DomainCandidate::tell(std::string text) { record_.messages.push_back(said(Role::kUser, std::move(text))); }

void DomainCandidate::end(const std::string& reason, const std::string& detail) {
  phase_ = Phase::kDone;
  record_.reason = reason;
  record_.detail = detail;
  workbench_.reset();
}

void DomainCandidate::hear(Result<Message> reply, const Usage& usage) {
  if (!reply.ok())
    return end(is_too_large(reply.error()) ? "reply_too_large" : "policy_failed", reply.error().text());
  ++record_.turns;
  if (!within_limits(*reply, usage)) return;
  record_.messages.push_back(*reply);
  std::string whole = reply->text;
  for (const ToolCall& call : reply->tool_calls) whole += "\n" + call.name + call.arguments;
  if (repeats(whole)) return end("loop", "the same reply " + std::to_string(kRepeats) + " times");
  if (!reply->tool_calls.empty()) use_tools(reply->tool_calls);
  else read(*reply);
  if (!done() && record_.turns >= options_.limits.turns)
    end(last_.code.empty() ? "no_domain" : last_.code, "the " + std::to_string(record_.turns) + " turns are used up; at last: " + last_.text);
}

bool DomainCandidate::within_limits(const Message& reply, const Usage& usage) {
  int64_t bytes = static_cast<int64_t>(reply.text.size() + reply.reasoning.size());
  for (const ToolCall& call : reply.tool_calls) bytes += static_cast<int64_t>(call.arguments.size());
  if (bytes > options_.limits.reply_bytes) {
    const std::string_view head = std::string_view(reply.text).substr(0, kKeptOfTooLong);
    record_.messages.push_back(said(Role::kAssistant, std::string(head.substr(0, well_formed_bytes(head)))));
    end("reply_too_large", "a reply of " + std::to_string(bytes) + " bytes; its first " + std::to_string(kKeptOfTooLong) + " are kept");
    return false;
  }
  Usage spent = usage;
  if (spent.prompt_tokens + spent.completion_tokens == 0) {
    for (const Message& message : record_.messages) spent.prompt_tokens += estimated_tokens(message.text);
    spent.completion_tokens = estimated_tokens(reply.text);
  }
  record_.usage.prompt_tokens += spent.prompt_tokens;
  record_.usage.completion_tokens += spent.completion_tokens;
  record_.usage.cached_tokens += spent.cached_tokens;
  if (record_.usage.prompt_tokens + record_.usage.completion_tokens <= options_.limits.tokens) return true;
  record_.messages.push_back(reply);
  end("out_of_tokens", "more than " + std::to_string(options_.limits.tokens) + " tokens" + (last_.text.empty() ? "" : "; at last: " + last_.text));
  return false;
}

bool DomainCandidate::repeats(const std::string& what) { return ++said_[sha256_hex(what)] >= kRepeats; }

void DomainCandidate::use_tools(const std::vector<ToolCall>& calls) {
  if (options_.executor && !workbench_) {
    auto opened = Workbench::open(*options_.executor, options_.workbench);
    if (!opened.ok()) return end("sandbox_failed", opened.error().text());
    workbench_ = std::move(*opened);
  }
  for (const ToolCall& call : calls) {
    Result<Observation> seen = workbench_ ? workbench_->call(call) : error_observation("there are no tools here; reply in text");
    if (!seen.ok()) return end("sandbox_failed", seen.error().text());
    Message result = said(Role::kTool, std::move(seen->text));
    result.tool_call_id = call.id;
    record_.messages.push_back(std::move(result));
  }
}

void DomainCandidate::read(const Message& reply) {
  if (phase_ == Phase::kPlan) {
    phase_ = Phase::kDraft;
    std::string names;
    for (const std::string& name : taken_) names += (names.empty() ? "" : ", ") + name;
    if (!form_->brings_something(reply.text)) return tell(agent_prompt(form_->prompt_name("draft"), "{taken}", names));
  }
  if (const auto finding = form_->take(reply.text)) return ask_for_repair({*finding}, "");
  record_.drafted = true;
  if (const auto finding = form_->incomplete()) return ask_for_repair({*finding}, "");
  examine();
}

void DomainCandidate::examine() {
  const std::string text = form_->text();
  if (repeats("domain " + text)) return end("loop", "the same domain " + std::to_string(kRepeats) + " times; at last: " + last_.text);
  Examination examination = examine_domain(text, "domain.json", options_.examination);
  if (examination.domain) record_.compiled = true;
  if (examination.passed()) examination.findings = demands_of(examination);
  if (!examination.passed()) return ask_for_repair(examination.findings, examination_text(examination));
  accept(std::move(examination));
}

// What is asked beyond soundness.
std::vector<Finding> DomainCandidate::demands_of(const Examination& examination) const {
  const Examination* before = record_.lineage.empty() ? nullptr : &record_.lineage.back().examination;
  const std::string& name = examination.domain->name;
  std::vector<Finding> out;
  if (!before && taken_.count(name)) out.push_back({"name_taken", "there is a domain of the name '" + name + "' already"});
  if (before && name != before->domain->name) out.push_back({"not_harder", "the name has changed; keep '" + before->domain->name + "'"});
  for (Finding& finding : form_->demands(examination, before, options_.limits.form)) out.push_back(std::move(finding));
  return out;
}

void DomainCandidate::ask_for_repair(const std::vector<Finding>& findings, const std::string& report) {
  // What was wrong with the last domain says more than that no other came.
  if (last_.code.empty() || findings.front().code != "no_domain") last_ = findings.front();
  tell(agent_prompt(form_->prompt_name("repair"), "{findings}", report.empty() ? text_of(findings) : report));
}

void DomainCandidate::accept(Examination examination) {
  record_.accepted = true;
  record_.name = examination.domain->name;
  record_.domain = form_->text();
  taken_.insert(record_.name);
  last_ = {};
  said_.clear();
  record_.lineage.push_back({record_.turns, examination.domain->hash, std::move(examination)});
  if (static_cast<int64_t>(record_.lineage.size()) > options_.limits.escalations) return end("", "");
  phase_ = Phase::kEscalate;
  tell(agent_prompt(form_->prompt_name("escalate"), "{findings}", examination_text(record_.lineage.back().examination)));
}

}  // namespace assay
