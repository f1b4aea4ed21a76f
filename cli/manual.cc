#include "cli/manual.h"

namespace assay {
namespace {

// Text as roff reads it: no control lines, and dashes that can be copied.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string entry(const OptionText& option) {
  std::string names;
  for (const std::string& name : option.names) {
    names += names.empty() ? "" : ", ";
    names += option.by_place ? "\\fI" + roff(name) + "\\fR" : "\\fB" + roff(name) + "\\fR";
  }
  if (!option.by_place && option.takes_value) names += " \\fIVALUE\\fR";
  std::string text = option.summary.empty() ? "Has no description." : option.summary;
  if (option.required) text += " (required)";
  else if (!option.fallback.empty() && option.fallback != "[]" && option.fallback.find('\n') == std::string::npos) text += " [" + option.fallback + "]";
  return ".TP\n" + names + "\n" + roff(text) + "\n";
}

std::string section(const VerbText& verb) {
  std::string out = ".SS assay " + roff(verb.name) + "\n" + roff(verb.summary) + ".\n";
  for (const OptionText& option : verb.options)
    if (option.names[0] != "--help") out += entry(option);
  for (const VerbText& below : verb.verbs) out += section(below);
  return out;
}

}  // namespace

std::string manual_page(const VerbText& table, const std::string& version) {
  std::string out = ".TH ASSAY 1 \"\" \"assay " + roff(version) + "\" \"User Commands\"\n"
                    ".SH NAME\nassay \\- " + roff(table.summary.substr(table.summary.find(": ") + 2)) + "\n"
                    ".SH SYNOPSIS\n.B assay\n\\fIVERB\\fR [\\fIOPTION\\fR]...\n"
                    ".SH DESCRIPTION\nA factory for agent training data: it makes tasks with proofs that they are sound, lets policies play them, judges the\n"
                    "attempts, and exports datasets. All it makes goes into one store.\n"
                    ".SH OPTIONS OF EVERY VERB\n";
  for (const OptionText& option : table.options) out += entry(option);
  out += ".SH VERBS\n";
  for (const VerbText& verb : table.verbs) out += section(verb);
  return out + ".SH EXIT STATUS\n.TP\n0\nDone.\n.TP\n1\nSome of the work failed, or it was interrupted.\n.TP\n2\nBad input; nothing was done.\n"
               ".SH OUTPUT\nWith \\fB\\-\\-json\\fR there is one object on standard output, on one line, and all else goes to standard error. An error is\n"
               "{\"error\": {\"boundary\", \"message\", \"try\"}}. Shares and rates are numbers from 0 to 1, times are seconds, and long work has a member\n"
               "\"interrupted\". Progress is shown only where standard error is a terminal; there are no colours.\n"
               ".SH FILES\n.TP\n\\fISTORE\\fR\nWhat is known of every record: a SQLite file.\n.TP\n\\fISTORE\\fR.segments/\nThe records; belongs to the store.\n"
               ".TP\n\\fISTORE\\fR.layers/, \\fISTORE\\fR.logs/\nLayers of file trees and logs of tests, of mined tasks.\n";
}

}  // namespace assay
