// `assay synth --category …`: a model writes domains. Each conversation is stored as an observation of kSynthesisSubject, named by its
// category (`assay show synthesis CATEGORY`); a domain that is accepted is saved as a file, or in Python as a folder.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/play_options.h"
#include "synth/agent/synthesis.h"

namespace assay {

inline constexpr const char* kSynthesisSubject = "synthesis";

class DomainSynthesis {
 public:
  void declare(CLI::App& app);   // `this` must live as long as `app`
  bool wanted() const { return !categories_.empty(); }
  Result<int> run(const Context& context);

 private:
  std::vector<std::string> categories_;
  std::string policy_, out_ = "domains", record_, documents_;
  bool bash_ = true;
  AgentOptions agent_;
  PlayOptions play_;
};

// The newest record of a category: for people the conversation, of which Detail::kBrief cuts long messages.
Result<Description> describe_synthesis(Store& store, const std::string& category, Detail detail);

}  // namespace assay
