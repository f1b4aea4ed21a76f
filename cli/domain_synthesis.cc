#include "cli/domain_synthesis.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cli/progress.h"
#include "cli/text.h"
#include "sandbox/backend.h"
#include "synth/program/folder.h"

namespace assay {
namespace {

constexpr int64_t kReplyTokens = 32'768;   // a whole domain has to fit into one reply,
constexpr int64_t kProgramSamples = 2;       // tasks of a level in Python, each of which is some hundred runs of its programs
constexpr int kReplySeconds = 900;         // and takes its time
constexpr size_t kBriefBytes = 1'500;

// Of a domain in Python a folder, of any other a file. Where it lies.
Result<std::string> save(const SynthesisRecord& record, const std::string& form, const std::string& out) {
  const std::string place = out + "/" + record.name + (form == "python" ? "" : ".json");
  if (form != "python") ASSAY_TRY(write_file(place, record.domain));
  else ASSAY_TRY(write_program_folder(place, files_from_domain(OrderedJson::parse(record.domain))));
  return place;
}

// Whether a stored record spares the conversation: one that the machinery broke off does not.
bool settled(const Json& record) {
  for (const char* reason : {"cancelled", "policy_failed", "sandbox_failed"})
    if (record.value("reason", "") == reason && !record.value("accepted", false)) return false;
  return true;
}

std::vector<std::string> without_settled(const std::vector<std::string>& categories, const std::string& policy, const std::string& form, const Json& stored) {
  std::vector<std::string> out;
  for (const std::string& category : categories) {
    bool known = false;
    for (const Json& observation : stored)
      known |= observation["name"] == category && observation["value"].value("policy", "") == policy && observation["value"].value("form", "data") == form &&
               settled(observation["value"]);
    if (!known && std::find(out.begin(), out.end(), category) == out.end()) out.push_back(category);
  }
  return out;
}

std::string funnel_text(const Funnel& funnel) {
  TextTable table({"stage", "domains"});
  table.add({"categories", count_text(funnel.candidates)});
  table.add({"a domain was written", count_text(funnel.drafted)});
  table.add({"it compiled", count_text(funnel.compiled)});
  table.add({"certified and accepted", count_text(funnel.certified)});
  table.add({"made harder, certified again", count_text(funnel.escalated)});
  std::string out = table.text();
  for (const auto& [reason, count] : funnel.lost) out += "\n  lost: " + count_text(count) + "  " + reason;
  for (const auto& [reason, count] : funnel.not_escalated) out += "\n  accepted, but not made harder: " + count_text(count) + "  " + reason;
  return out + "\n" + count_text(funnel.turns) + " replies; " + count_text(funnel.prompt_tokens) + " prompt and " +
         count_text(funnel.completion_tokens) + " completion tokens";
}

// One line of --record: what a server needs to say the same again.
std::string recording_of(const SynthesisRecord& record) {
  OrderedJson replies = OrderedJson::array();
  for (const Message& message : record.messages)
    if (message.role == Role::kAssistant) replies.push_back(to_json(message));
  const OrderedJson line{{"category", record.category}, {"accepted", record.accepted}, {"reason", record.reason},
                         {"versions", record.lineage.size()}, {"replies", std::move(replies)}};
  return line.dump() + "\n";
}

Status append(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::app | std::ios::binary);
  file << text << std::flush;
  return file ? Status() : input_error("cannot write to the file", path);
}

}  // namespace

void DomainSynthesis::declare(CLI::App& app) {
  app.add_option("--category", categories_, "What a domain should be about; a model writes it. May be given several times");
  app.add_option("--policy", policy_, "The model that writes domains: openai:URL, with --model NAME");
  app.add_option("--form", agent_.form, "What it writes: data, in the language of domains; or python: tools, solutions and verifiers as programs, a folder");
  app.add_option("--out", out_, "Folder for the domains that are accepted");
  app.add_option("--turns", agent_.limits.turns, "Replies a category")->check(CLI::Range(int64_t{2}, int64_t{1000}));
  app.add_option("--tokens", agent_.limits.tokens, "Tokens a category, prompts and replies together")->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  app.add_option("--escalations", agent_.limits.escalations, "Times a certified domain is made harder")->check(CLI::Range(int64_t{0}, int64_t{10}));
  app.add_flag("--bash,!--no-bash", bash_, "Whether the model has a shell in the sandbox (default: yes)");
  app.add_option("--documents", documents_, "A folder that the model may search");
  app.add_option("--record", record_, "Append all replies to this file, one line a category");
  play_.declare(app);
  app.get_option("--max-tokens")->run_callback_for_default()->default_val(kReplyTokens);
  app.get_option("--timeout")->run_callback_for_default()->default_val(kReplySeconds);
}

Result<int> DomainSynthesis::run(const Context& context) {
  if (policy_.empty()) return input_error("which model writes the domains?", "--policy", "--policy openai:URL --model NAME");
  if (!documents_.empty() && !bash_) return input_error("documents are searched in the sandbox", "--documents", "leave out --no-bash");
  ASSAY_TRY(play_.complete());
  PolicyOptions policy_options = play_.batch(context, policy_, 1).policy_options;
  policy_options.cancelled = context.cancelled;
  ASSAY_ASSIGN(std::unique_ptr<Policy> policy, make_policy(policy_, policy_options));
  std::unique_ptr<Executor> executor;
  ASSAY_TRY(make_form(agent_.form));
  if (bash_ || agent_.form == "python") {
    ASSAY_ASSIGN(executor, make_executor(context.sandbox));
  }
  agent_.executor = bash_ ? executor.get() : nullptr;
  if (agent_.form == "python") {
    agent_.examination.executor = executor.get();
    agent_.examination.tasks_per_level = kProgramSamples;
  }
  agent_.workbench.documents = documents_;
  agent_.examination.seed = context.seed;
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kOpenOrCreate, system_clock()));
  ASSAY_ASSIGN(const Json stored, store->observations(kSynthesisSubject));
  const std::vector<std::string> open = without_settled(categories_, policy->descriptor(), agent_.form, stored);
  std::error_code failure;
  std::filesystem::create_directories(out_, failure);
  if (failure) return input_error("cannot make the folder: " + failure.message(), out_);

  Funnel funnel;
  Progress progress("synth", static_cast<int64_t>(open.size()), system_clock());
  const std::vector<std::string> names = domain_names();
  const auto keep = [&](const SynthesisRecord& record) -> Status {
    funnel.add(record);
    progress.add(1, record.accepted ? 0 : 1);
    std::string file;
    if (record.accepted) {
      ASSAY_ASSIGN(file, save(record, agent_.form, out_));
    }
    context.say(printable(record.category) + ": " + (record.accepted ? file + (record.reason.empty() ? "" : " (not made harder: " + record.reason + ")")
                                                                     : "lost, " + record.reason + ": " + printable(shortened(record.detail, 300))));
    if (!record_.empty()) ASSAY_TRY(append(record_, recording_of(record)));
    ASSAY_TRY(store->put_observation(kSynthesisSubject, record.category, Json::parse(to_json(record).dump())));
    return store->flush();
  };
  ASSAY_TRY(synthesize_domains(open, *policy, agent_, context.seed, {names.begin(), names.end()}, context.cancelled, keep));
  context.say(funnel_text(funnel));
  const int64_t kept = static_cast<int64_t>(categories_.size() - open.size());
  if (kept > 0) context.say(count_text(kept) + " categories were in the store");
  context.say("next:\n  " + context.command("show synthesis CATEGORY") + "\n  " + context.command("synth " + out_ + (agent_.form == "python" ? "/NAME" : "/NAME.json")));
  OrderedJson result = to_json(funnel);
  result["stored_earlier"] = kept;
  result["out"] = out_;
  context.result(result);
  return static_cast<int>(funnel.certified == funnel.candidates ? kDone : kSomeFailed);
}

Result<Description> describe_synthesis(Store& store, const std::string& category, Detail detail) {
  ASSAY_ASSIGN(const Json observations, store.observations(kSynthesisSubject));
  const Json* record = nullptr;
  std::vector<std::string> known;
  for (const Json& observation : observations) {
    known.push_back(observation["name"].get<std::string>());
    if (known.back() == category) record = &observation["value"];
  }
  if (!record) return unknown_name("category", category, known, "show synthesis");
  Description out;
  out.json = OrderedJson::parse(record->dump());
  const bool accepted = record->value("accepted", false);
  out.text = "# " + printable(category) + "\n" + (accepted ? "accepted as " + record->value("name", "") : "lost: " + record->value("reason", "")) + "; " +
             record->value("policy", "") + ", " + count_text(record->value("turns", int64_t{0})) + " replies\n";
  if (const std::string why = record->value("detail", ""); !why.empty()) out.text += printable(why) + "\n";
  int64_t number = 0;
  for (const Json& json : (*record)["messages"]) {
    ASSAY_ASSIGN(const Message message, message_from_json(json, "synthesis of " + category));
    std::string said = message.text;
    for (const ToolCall& call : message.tool_calls) said += (said.empty() ? "" : "\n") + call.name + " " + call.arguments;
    out.text += "\n## " + std::to_string(++number) + " " + role_name(message.role) + "\n" +
                printable(detail == Detail::kFull ? said : shortened(said, kBriefBytes)) + "\n";
  }
  return out;
}

}  // namespace assay
