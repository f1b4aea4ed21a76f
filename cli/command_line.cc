#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>

#include "envs/base/json.h"
#include "envs/base/version.h"

namespace assay {
namespace {

int report(const Error& error, const std::string& verb, const Context& context) {
  const std::string where = error.where.empty() ? verb : error.where;
  std::fprintf(stderr, "assay: %s%s\n", where.empty() ? "" : (where + ": ").c_str(), error.what.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "  try: %s\n", error.hint.c_str());
  context.result({{"error", to_json(error)}});
  return error.boundary == Boundary::kInput ? kBadInput : kSomeFailed;
}

int print_version(const Context& context) {
  const BuildInfo& info = build_info();
  context.say("assay " + info.version);
  context.say("commit " + info.commit);
  context.say("built " + info.build_type + ", " + info.compiler);
  for (const std::string& component : info.components) context.say("with " + component);
  context.result({{"version", info.version}, {"commit", info.commit}, {"build_type", info.build_type},
                  {"compiler", info.compiler}, {"components", info.components}});
  return kDone;
}

}  // namespace

CommandLine::CommandLine(std::atomic<bool>* cancelled)
    : app_(std::make_unique<CLI::App>("assay: makes environments for language-model agents, proves each one sound, and lets agents attempt them")) {
  context_.cancelled = cancelled;
  app_->name("assay");
  app_->option_defaults()->always_capture_default();
  app_->add_option("--store", context_.store, "The store: this file, and segment files beside it");
  app_->add_flag("--json", context_.json, "One machine-readable object on standard output, all else on standard error");
  app_->add_option("--seed", context_.seed, "Seed of every random draw")
      ->check([](const std::string& text) {  // CLI11 would wrap -1 around
        return text.find_first_not_of("0123456789") == std::string::npos ? std::string() : "expected a whole number from 0";
      });
  app_->add_option("--sandbox", context_.sandbox, "How programs are isolated: native, bwrap, external:COMMAND or none (assay doctor says which work)");
  app_->add_option("--jobs", context_.jobs, "Threads; 0: one per core")->check(CLI::Range(0, 1024));
  app_->add_option("--limit", context_.limit, "At most this many items; -1: no limit")->check(CLI::Range(int64_t{-1}, INT64_MAX));
  app_->add_flag("--version", version_, "Version, commit, and what was compiled in");
  app_->require_subcommand(0, 1);
  std::vector<const Command*> commands;
  for (const Command& command : commands::all()) commands.push_back(&command);
  std::stable_sort(commands.begin(), commands.end(), [](auto* a, auto* b) { return a->order < b->order; });
  for (const Command* command : commands) {
    CLI::App* sub = app_->add_subcommand(command->name, command->summary);
    sub->fallthrough();
    sub->footer("Everywhere: --store FILE, --json, --seed N, --jobs N, --limit N (see assay --help)");
    verbs_[sub] = command->setup(*sub, context_);
  }
}

CommandLine::~CommandLine() = default;

int CommandLine::run(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app_->exit(help);
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  if (version_) return print_version(context_);
  const std::vector<CLI::App*> chosen = app_->get_subcommands();
  if (chosen.empty()) {
    std::fputs(app_->help().c_str(), stderr);
    return kBadInput;
  }
  Result<int> status = verbs_[chosen[0]]();
  return status.ok() ? *status : report(status.error(), chosen[0]->get_name(), context_);
}

Status CommandLine::check(const std::vector<std::string>& words) {
  try {
    app_->parse(std::vector<std::string>(words.rbegin(), words.rend()));   // CLI11 takes them from the end
  } catch (const CLI::ParseError& error) {
    return input_error(error.what(), words.empty() ? "" : words[0], "assay " + (words.empty() ? "" : words[0]) + " --help");
  }
  return {};
}

int CommandLine::usage_error(const std::string& what) {
  const std::vector<CLI::App*> chosen = app_->get_subcommands();
  const std::vector<std::string> rest = app_->remaining();
  if (chosen.empty() && !rest.empty() && rest[0][0] != '-') {
    std::vector<std::string> known;
    for (const Command& command : commands::all()) known.push_back(command.name);
    return report(unknown_name("verb", rest[0], known), "", context_);
  }
  std::string verb, near;
  std::vector<std::string> options;
  for (const CLI::App* app = app_.get(); app; app = app->get_subcommands().empty() ? nullptr : app->get_subcommands()[0]) {
    if (app != app_.get()) verb += (verb.empty() ? "" : " ") + app->get_name();
    for (const CLI::Option* option : app->get_options())
      for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
  }
  for (const std::string& word : app_->remaining(true))
    if (near.empty() && word.starts_with("--")) near = nearest_name(word.substr(0, word.find('=')), options);
  return report(input_error(what, verb, near.empty() ? "assay" + (verb.empty() ? "" : " " + verb) + " --help" : near), verb, context_);
}

}  // namespace assay
