// assay show: one thing of a store, or the store itself.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/domain_synthesis.h"
#include "cli/text.h"
#include "datasets/test_logs.h"
#include "envs/database.h"

namespace assay::commands::show {
namespace {

struct Options {
  std::string subject, id, sqlite;
  bool full = false;
};

Status write_database(const Environment& environment, const std::string& path, const Context& context) {
  ASSAY_ASSIGN(std::shared_ptr<const Database> database, Database::build(environment.tables));
  ASSAY_TRY(database->write_to(path));
  context.say("wrote its database to " + path);
  return {};
}

// Of one judgement of a patch, or of a rollout's.
Result<Description> describe_logs(Store& store, const std::string& id, Detail detail) {
  std::string judgement = id;
  if (const Result<Rollout> rollout = store.rollout(id); rollout.ok() && rollout->state.is_object()) judgement = judgement_id(rollout->task, rollout->state.value("patch", ""));
  ASSAY_ASSIGN(const std::vector<TestLog> logs, read_logs(store.path(), judgement, detail == Detail::kFull ? size_t{1} << 30 : size_t{64} << 10));
  Description out;
  out.json = OrderedJson::array();
  for (const TestLog& log : logs) {
    out.text += "--- " + log.name + "\n" + printable(log.text) + "\n";
    out.json.push_back({{"name", log.name}, {"text", log.text}});
  }
  return out;
}

Result<Description> describe(const Options& options, Store& store, const Context& context) {
  const Detail detail = options.full ? Detail::kFull : Detail::kBrief;
  if (options.subject == "store") return describe_store(store);
  if (options.subject == "synthesis") return describe_synthesis(store, options.id, detail);
  if (options.subject == "log") return describe_logs(store, options.id, detail);
  if (options.subject == "task" || options.subject == "lineage") {
    ASSAY_ASSIGN(const Task task, store.task(options.id));
    return options.subject == "lineage" ? describe_lineage(store, task) : describe_task(store, task, detail);
  }
  if (options.subject == "rollout") {
    ASSAY_ASSIGN(Rollout rollout, store.rollout(options.id));
    ASSAY_ASSIGN(rollout.turns, store.turns(options.id));
    return describe_rollout(rollout, detail);
  }
  if (options.subject == "certificate") {
    ASSAY_ASSIGN(const Certificate certificate, store.certificate(options.id));
    return describe_certificate(certificate);
  }
  ASSAY_ASSIGN(std::shared_ptr<const Environment> environment, store.environment(options.id));
  if (!options.sqlite.empty()) ASSAY_TRY(write_database(*environment, options.sqlite, context));
  return describe_environment(*environment);
}

Result<int> run(const Options& options, const Context& context) {
  const std::vector<std::string> subjects = {"task", "lineage", "rollout", "environment", "certificate", "log", "synthesis", "store"};
  if (std::find(subjects.begin(), subjects.end(), options.subject) == subjects.end())
    return unknown_name("thing to show", options.subject, subjects, "show");
  if (options.subject != "store" && options.id.empty())
    return input_error("which " + options.subject + "?", "show " + options.subject,
                       options.subject == "synthesis" ? "give the category as it was given to synth"
                                                      : "give its id, or the first 6 digits" + std::string(options.subject == "certificate" || options.subject == "lineage" ? " of its task" : ""));
  if (!options.sqlite.empty() && options.subject != "environment")
    return input_error("only an environment has a database", "--sqlite", "assay show environment ID --sqlite FILE");
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(const Description description, describe(options, *store, context));
  if (!context.json) context.say(description.text.substr(0, description.text.find_last_not_of('\n') + 1));
  context.result(description.json);
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"show", "Look at a task, rollout, environment, certificate, the making of a domain, or the whole store", 70, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("what", options->subject, "task, lineage (of a task), rollout, environment, certificate (of a task), log (of judging a patch, or of a rollout), synthesis (of a category) or store")->required();
            app.add_option("id", options->id, "Its id, or the first digits of it");
            app.add_option("--sqlite", options->sqlite, "Write the environment's database to this file");
            app.add_flag("--full", options->full, "Cut nothing; show a task's gold, and each token of a rollout as --json");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::show
