#include "cli/completions.h"

namespace assay {
namespace {

std::string last_word(const std::string& name) { return name.substr(name.rfind(' ') + 1); }

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::vector<std::string> names_of(const VerbText& verb, bool with_value_only) {
  std::vector<std::string> out;
  for (const OptionText& option : verb.options)
    if (!option.by_place && (!with_value_only || option.takes_value)) out.insert(out.end(), option.names.begin(), option.names.end());
  return out;
}

// "|/synth|/model|model/make": the verb so far, and the word that takes it one further.
std::string steps(const VerbText& table) {
  std::string out;
  for (const VerbText* verb : all_verbs(table)) {
    if (verb->name.empty()) continue;
    std::string step = verb->name;
    if (const size_t space = step.find(' '); space != std::string::npos) step[space] = '/';
    else step = "/" + step;
    out += (out.empty() ? "" : "|") + step;
  }
  return out;
}

// In single quotes; for zsh's lists of NAME:TEXT and for fish.
std::string quoted(const std::string& text, const std::string& quote_inside) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? quote_inside : std::string(1, c);
  return out + "'";
}

std::string zsh_entry(const std::string& name, const std::string& summary) { return " " + quoted(name + ":" + summary, "'\\''"); }

std::string fish_text(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '\\' ? std::string("\\\\") : std::string(1, c);
  return quoted(escaped, "\\'");
}

}  // namespace

std::string bash_completions(const VerbText& table) {
  std::string out = "# Completions of assay for bash: source <(assay completions bash)\n"
                    "_assay() {\n"
                    "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb= names= values= i\n"
                    "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                    "    case $verb/${COMP_WORDS[i]} in " + steps(table) + ") verb=${verb:+$verb }${COMP_WORDS[i]} ;; esac\n"
                    "  done\n"
                    "  case $verb in\n";
  const std::string global = joined(names_of(table, false)), global_values = joined(names_of(table, true));
  for (const VerbText* verb : all_verbs(table)) {
    std::vector<std::string> names;
    for (const VerbText& below : verb->verbs) names.push_back(last_word(below.name));
    const std::vector<std::string> options = names_of(*verb, false);
    names.insert(names.end(), options.begin(), options.end());
    out += "    '" + verb->name + "') names='" + joined(names) + "' values='" + joined(names_of(*verb, true)) + "' ;;\n";
  }
  return out + "  esac\n"
               "  [ -z \"$verb\" ] || { names+=' " + global + "'; values+=' " + global_values + "'; }\n"
               "  case \" $values \" in *\" $before \"*) COMPREPLY=($(compgen -f -- \"$word\")); return ;; esac\n"
               "  COMPREPLY=($(compgen -W \"$names\" -- \"$word\"))\n"
               "  case $word in -*) ;; *) [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\")) ;; esac\n"
               "}\n"
               "complete -o filenames -F _assay assay\n";
}

std::string zsh_completions(const VerbText& table) {
  std::string out = "#compdef assay\n"
                    "# Completions of assay for zsh: assay completions zsh > DIR/_assay, with DIR in $fpath\n"
                    "_assay() {\n"
                    "  local verb= word values=\n"
                    "  local -a verbs options global\n"
                    "  for word in ${words[2,CURRENT-1]}; do\n"
                    "    case $verb/$word in (" + steps(table) + ") verb=${verb:+$verb }$word ;; esac\n"
                    "  done\n"
                    "  global=(";
  for (const OptionText& option : table.options)
    for (const std::string& name : option.names) out += zsh_entry(name, option.summary);
  out += ")\n  case $verb in\n";
  for (const VerbText* verb : all_verbs(table)) {
    out += "    ('" + verb->name + "') values='" + joined(names_of(*verb, true)) + "'\n      verbs=(";
    for (const VerbText& below : verb->verbs) out += zsh_entry(last_word(below.name), below.summary);
    out += ")\n      options=(";
    if (!verb->name.empty())
      for (const OptionText& option : verb->options)
        if (!option.by_place)
          for (const std::string& name : option.names) out += zsh_entry(name, option.summary);
    out += ") ;;\n";
  }
  return out + "  esac\n"
               "  values+=' " + joined(names_of(table, true)) + "'\n"
               "  if [[ \" $values \" == *\" ${words[CURRENT-1]} \"* ]]; then _files; return; fi\n"
               "  if [[ ${words[CURRENT]} == -* ]]; then _describe -o option options -- global\n"
               "  elif (( $#verbs )); then _describe verb verbs\n"
               "  else _files; fi\n"
               "}\n"
               "_assay \"$@\"\n";
}

std::string fish_completions(const VerbText& table) {
  std::string out = "# Completions of assay for fish: assay completions fish > ~/.config/fish/completions/assay.fish\n";
  for (const VerbText* verb : all_verbs(table)) {
    // Where this verb has been said; of the program itself, anywhere.
    std::string said;
    for (size_t begin = 0; begin < verb->name.size();) {
      const size_t end = std::min(verb->name.find(' ', begin), verb->name.size());
      said += (said.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + verb->name.substr(begin, end - begin));
      begin = end + 1;
    }
    std::vector<std::string> below;
    for (const VerbText& each : verb->verbs) below.push_back(last_word(each.name));
    const std::string none = "not __fish_seen_subcommand_from " + joined(below);
    for (const VerbText& each : verb->verbs)
      out += "complete -c assay -f -n '" + (said.empty() ? none : said + "; and " + none) + "' -a " + last_word(each.name) + " -d " + fish_text(each.summary) + "\n";
    for (const OptionText& option : verb->options) {
      if (option.by_place) continue;
      out += "complete -c assay" + (said.empty() ? "" : " -n '" + said + "'");
      for (const std::string& name : option.names) out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      out += std::string(option.takes_value ? " -r" : "") + " -d " + fish_text(option.summary) + "\n";
    }
  }
  return out;
}

}  // namespace assay
