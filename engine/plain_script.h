// Lets a script play over tools that others were made from (envs/plain_tools.h): its calls are calls of the plain tools, and become, in as
// many messages as it takes, those that the episode knows.
#pragma once

#include <vector>

#include "engine/script.h"
#include "envs/tool.h"

namespace assay {

// `script` itself where `tools`, the episode's, are plain.
Script over_plain_tools(std::vector<ToolSpec> tools, Script script);

}  // namespace assay
