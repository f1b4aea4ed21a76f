// The gold trajectory of a bundle, carried out through a task's tools (envs/plain_tools.h): what there is to look up, then what there is to do, request by
// request, then the submission.
#pragma once

#include "synth/operate/bundle.h"

namespace assay::operate {

struct Gold {
  Conversation transcript;           // assistant and tool messages, one call a message
  int64_t calls = 0, plain_calls = 0;   // see Exploration
  Json state;                        // what it changed
  std::vector<std::string> problems; // calls the tools answer with an error; arguments that nothing shown before gives away
};

// `task` gives prompts and limits; `plain` is reset first.
Result<Gold> play_gold(const Task& task, PlainTools& plain, const Part& part, const Bundle& bundle);

// The changes of the gold, as JSON text: [{"tool","arguments"} …].
std::string gold_text(const Bundle& bundle);

}  // namespace assay::operate
