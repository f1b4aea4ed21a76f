#include "cli/command_table.h"

#include <CLI/CLI.hpp>

namespace assay {
namespace {

OptionText option_text(const CLI::Option& option) {
  OptionText out;
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  out.by_place = out.names.empty();
  if (out.by_place) out.names.push_back(option.get_name(true));
  out.required = option.get_required();
  out.takes_value = out.by_place || option.get_items_expected_max() > 0;
  out.summary = option.get_description();
  if (out.takes_value && !out.required) out.fallback = option.get_default_str();
  return out;
}

VerbText verb_text(const CLI::App& app, const std::string& above) {
  VerbText out;
  out.name = above.empty() ? app.get_name() : above + " " + app.get_name();
  out.summary = app.get_description();
  for (const CLI::Option* option : app.get_options()) out.options.push_back(option_text(*option));
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) out.verbs.push_back(verb_text(*sub, out.name));
  return out;
}

void collect(const VerbText& verb, std::vector<const VerbText*>& out) {
  out.push_back(&verb);
  for (const VerbText& below : verb.verbs) collect(below, out);
}

// "assay model make" -> "model make"; the program itself -> "".
void drop_program(VerbText& verb, size_t prefix) {
  verb.name = verb.name.size() > prefix ? verb.name.substr(prefix + 1) : "";
  for (VerbText& below : verb.verbs) drop_program(below, prefix);
}

}  // namespace

VerbText table_of(const CLI::App& app) {
  VerbText table = verb_text(app, "");
  drop_program(table, app.get_name().size());
  return table;
}

std::vector<const VerbText*> all_verbs(const VerbText& table) {
  std::vector<const VerbText*> out;
  collect(table, out);
  return out;
}

}  // namespace assay
