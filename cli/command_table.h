// What the command line takes, as plain data: read off its declaration, for completions (cli/completions.h) and the manual page (cli/manual.h).
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace assay {

struct OptionText {
  std::vector<std::string> names;   // "--count", "-h"; one without dashes for what is told by its place
  bool by_place = false, required = false, takes_value = false;
  std::string summary, fallback;    // fallback: the default, as text; may be empty
};

struct VerbText {
  std::string name, summary;        // name: of a verb below another, "model make"
  std::vector<OptionText> options;
  std::vector<VerbText> verbs;      // below this one
};

VerbText table_of(const CLI::App& app);   // of the whole program: a verb without name

// Every verb of the table, the program itself first.
std::vector<const VerbText*> all_verbs(const VerbText& table);

}  // namespace assay
