// Whether an answer is right, read as plainly as the task's definition can be: strict JSON (one value, UTF-8, no key twice), every
// key asked for and no other, every name exact. It shares no code with what the verifiers read answers with, takes its time, and
// decides which answers that scored should not have.
#pragma once

#include <string_view>

#include "envs/environment.h"
#include "envs/task.h"

namespace assay {

// Total: any bytes. Of a task that is judged by the state it leaves, the answer is that state, as envs/state.h writes it.
// False for a task whose own definition cannot be read.
bool is_right_answer(const Task& task, const Environment& environment, std::string_view answer);

}  // namespace assay
