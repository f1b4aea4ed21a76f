// assay list: what is registered in the program, and what is in a store.
#include <CLI/CLI.hpp>

#include <algorithm>

#include "cli/command.h"
#include "cli/selection.h"
#include "cli/specialist.h"
#include "cli/summary_tables.h"
#include "cli/text.h"
#include "datasets/format.h"
#include "datasets/measured.h"
#include "datasets/rollout_outcome.h"
#include "engine/policy_factory.h"
#include "envs/tool_kind.h"
#include "synth/archetype.h"
#include "synth/domain.h"
#include "synth/structure.h"
#include "synth/variant.h"
#include "verifiers/constraint.h"

namespace assay::commands::list {
namespace {

struct Options {
  std::string subject;
  TaskSelection tasks;
  std::string policy;
  std::vector<std::string> outcomes;
  bool statistics = false;
};

struct Listing {
  TextTable table;
  OrderedJson json = OrderedJson::array();
  OrderedJson more = OrderedJson::object();   // beside the list
  std::string last;                           // said below the table
};

using Names = std::vector<std::pair<std::string, std::string>>;  // name, summary

Listing listing_of(const Names& names) {
  Listing listing{TextTable({"name", "what it is"})};
  for (const auto& [name, summary] : names) {
    listing.table.add({name, summary});
    listing.json.push_back({{"name", name}, {"summary", summary}});
  }
  return listing;
}

template <typename Items>
Result<Listing> registered(const Items& items) {
  Names names;
  for (const auto& item : items) names.emplace_back(item.name, item.summary);
  return listing_of(names);
}

int64_t templates_of(const Domain& domain) {
  int64_t count = 0;
  for (const auto& [name, part] : domain.archetypes)
    for (const char* member : {"templates", "requests"})
      if (part.contains(member)) count += static_cast<int64_t>(part[member].size());
  return count;
}

// Every domain with its nearest neighbour, blind to names.
Result<Listing> domain_statistics(const Context& context) {
  std::vector<std::shared_ptr<const Domain>> all;
  std::vector<Features> features;
  for (const std::string& name : domain_names()) {
    ASSAY_ASSIGN(std::shared_ptr<const Domain> domain, load_domain(name));
    features.push_back(features_of(*domain));
    all.push_back(std::move(domain));
  }
  Listing listing{TextTable({"domain", "archetypes", "tables", "tools", "templates", "nearest", "similarity"})};
  int64_t distinct = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    std::string nearest = "-", archetypes;
    double most = 0;
    bool fresh = true;
    for (size_t k = 0; k < all.size(); ++k) {
      if (k == i) continue;
      const double alike = similarity(features[i], features[k]);
      if (alike > most || nearest == "-") std::tie(most, nearest) = std::pair(alike, all[k]->name);
      fresh = fresh && (k > i || alike < kAlike);
    }
    distinct += fresh;
    for (const auto& [name, part] : all[i]->archetypes) archetypes += (archetypes.empty() ? "" : ", ") + name;
    const int64_t tables = static_cast<int64_t>(all[i]->tables.size()), tools = static_cast<int64_t>(all[i]->tools.size()), templates = templates_of(*all[i]);
    listing.table.add({all[i]->name, archetypes, count_text(tables), count_text(tools), count_text(templates), nearest, percent_text(most)});
    listing.json.push_back({{"domain", all[i]->name}, {"archetypes", archetypes}, {"tables", tables}, {"tools", tools}, {"templates", templates},
                            {"nearest", nearest}, {"similarity", most}});
  }
  listing.more = {{"distinct_structures", distinct}};
  if (!context.json)
    listing.last = count_text(static_cast<int64_t>(all.size())) + " domains, " + count_text(distinct) + " distinct structures (less than " + percent_text(kAlike) + " alike, blind to names)";
  return listing;
}

Result<Listing> domains() {
  Names names;
  for (const std::string& name : domain_names()) {
    ASSAY_ASSIGN(std::shared_ptr<const Domain> domain, load_domain(name));
    names.emplace_back(name, domain->title + ", version " + domain->version + ": " + domain->summary);
  }
  return listing_of(names);
}

Result<std::unique_ptr<Store>> open(const Context& context) {
  return Store::open(context.store, StoreMode::kMustExist, system_clock());
}

Result<Listing> tasks(Options& options, const Context& context) {
  ASSAY_ASSIGN(std::unique_ptr<Store> store, open(context));
  options.tasks.sound_only = false;
  ASSAY_ASSIGN(const std::vector<TaskRow> rows, select_tasks(*store, options.tasks, context.limit));
  Listing listing{TextTable({"task", "domain", "preset", "difficulty", "seed", "index", "certificate", "chance rate", "calls"})};
  for (const TaskRow& row : rows) {
    const Measured known = measured(row);
    listing.table.add({short_id(row.id), printable(row.domain), printable(row.preset), difficulty_text(row.difficulty),
                       std::to_string(row.seed), std::to_string(row.index),
                       row.certificate.empty() ? "none" : row.sound ? "sound" : "UNSOUND",
                       chance_text(known), calls_text(known)});
    listing.json.push_back({{"task", row.id}, {"environment", row.environment}, {"archetype", row.archetype}, {"domain", row.domain},
                            {"preset", row.preset}, {"difficulty", row.difficulty}, {"seed", row.seed}, {"index", row.index},
                            {"certificate", row.certificate}, {"sound", row.sound}, {"chance_rate", or_null(known.chance_rate)},
                            {"calls_low", or_null(known.calls_low)}, {"calls_high", or_null(known.calls_high)}});
  }
  return listing;
}

Result<Listing> rollouts(const Options& options, const Context& context) {
  ASSAY_ASSIGN(std::unique_ptr<Store> store, open(context));
  RolloutFilter filter;
  filter.limit = context.limit;
  if (!options.policy.empty()) filter.policy = options.policy;
  if (!options.outcomes.empty()) filter.limit = -1;   // which counts those that are listed
  ASSAY_ASSIGN(std::vector<RolloutRow> rows, store->rollouts(filter));
  if (!options.outcomes.empty()) {
    std::vector<RolloutOutcome> wanted;
    for (const std::string& name : options.outcomes) {
      ASSAY_ASSIGN(const RolloutOutcome outcome, outcome_named(name, "--outcome"));
      wanted.push_back(outcome);
    }
    std::erase_if(rows, [&](const RolloutRow& row) { return std::find(wanted.begin(), wanted.end(), outcome_of(row)) == wanted.end(); });
    if (context.limit >= 0 && rows.size() > static_cast<size_t>(context.limit)) rows.resize(static_cast<size_t>(context.limit));
  }
  Listing listing{TextTable({"rollout", "task", "policy", "seed", "sample", "outcome", "reward", "steps", "calls", "ended by"})};
  for (const RolloutRow& row : rows) {
    listing.table.add({short_id(row.id), short_id(row.task), printable(row.policy), std::to_string(row.seed), std::to_string(row.sample),
                       std::string(outcome_name(outcome_of(row))) + (row.scored ? "" : ": " + row.boundary),
                       row.scored ? rate_text(row.reward) : "-", count_text(row.steps), count_text(row.calls), printable(row.stop)});
    listing.json.push_back({{"rollout", row.id}, {"task", row.task}, {"policy", row.policy}, {"seed", row.seed}, {"sample", row.sample},
                            {"outcome", outcome_name(outcome_of(row))}, {"scored", row.scored}, {"boundary", row.boundary}, {"passed", row.passed}, {"reward", row.reward},
                            {"steps", row.steps}, {"calls", row.calls}, {"stop", row.stop}});
  }
  return listing;
}

Result<Listing> environments(const Context& context) {
  ASSAY_ASSIGN(std::unique_ptr<Store> store, open(context));
  ASSAY_ASSIGN(std::vector<std::string> ids, store->environments());
  if (context.limit >= 0 && ids.size() > static_cast<size_t>(context.limit)) ids.resize(static_cast<size_t>(context.limit));
  ASSAY_ASSIGN(const std::vector<TaskRow> rows, store->tasks({}));
  std::map<std::string, int64_t> uses;
  for (const TaskRow& row : rows) ++uses[row.environment];
  Listing listing{TextTable({"environment", "tasks"})};
  for (const std::string& id : ids) {
    listing.table.add({short_id(id), count_text(uses[id])});
    listing.json.push_back({{"environment", id}, {"tasks", uses[id]}});
  }
  return listing;
}

struct Subject {
  std::string name;
  std::function<Result<Listing>(Options&, const Context&)> make;
};

const std::vector<Subject>& subjects() {
  static const std::vector<Subject> all = {
      {"domains", [](Options& options, const Context& context) { return options.statistics ? domain_statistics(context) : domains(); }},
      {"policies", [](Options&, const Context&) { return registered(policies::all()); }},
      {"formats", [](Options&, const Context&) { return registered(formats::all()); }},
      {"archetypes", [](Options&, const Context&) { return registered(archetypes::all()); }},
      {"variants", [](Options&, const Context&) { return registered(variants::all()); }},
      {"specialists", [](Options&, const Context&) { return listing_of(specialists()); }},
      {"operators", [](Options&, const Context&) { return registered(operators::all()); }},
      {"tool-kinds", [](Options&, const Context&) { return registered(tool_kinds::all()); }},
      {"tasks", [](Options& options, const Context& context) { return tasks(options, context); }},
      {"rollouts", [](Options& options, const Context& context) { return rollouts(options, context); }},
      {"environments", [](Options&, const Context& context) { return environments(context); }}};
  return all;
}

Result<int> run(Options& options, const Context& context) {
  if (options.statistics && options.subject != "domains") return input_error("only domains have statistics", "--stats", "list domains --stats");
  std::vector<std::string> known;
  for (const Subject& subject : subjects()) {
    known.push_back(subject.name);
    if (subject.name != options.subject) continue;
    ASSAY_ASSIGN(const Listing listing, subject.make(options, context));
    if (!context.json) context.say(listing.table.text());
    if (!listing.last.empty()) context.say("\n" + listing.last);
    OrderedJson result{{subject.name, listing.json}};
    result.update(listing.more);
    context.result(result);
    return static_cast<int>(kDone);
  }
  return unknown_name("thing to list", options.subject, known, "list");
}

}  // namespace

Command make() {
  return {"list", "List domains, policies, formats, … or the tasks, rollouts and environments of a store", 80,
          [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            std::string known;
            for (const Subject& subject : subjects()) known += (known.empty() ? "" : ", ") + subject.name;
            app.add_option("what", options->subject, known)->required();
            options->tasks.declare(app);
            app.add_flag("--stats", options->statistics, "Of domains: sizes, and the nearest neighbour of each, blind to names");
            app.add_option("--policy", options->policy, "Only rollouts of this policy");
            app.add_option("--outcome", options->outcomes, "Only rollouts with these outcomes: passed, failed, undecided, verifier_error, timed_out, broken")->delimiter(',')->allow_extra_args(false);
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::list
