// A problem that needs computation: one file each in synth/problems/, which defines `Problem make()`. From one definition
// come the statement, the files, the expected value (computed natively by one method) and a Python program that finds it by
// another.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>

#include "envs/base/json.h"
#include "envs/base/rng.h"

namespace assay {

struct ProblemInstance {
  std::string statement;                     // what is asked, complete; says the form of the answer (one JSON value)
  std::map<std::string, std::string> files;  // name -> content, put into the working directory; at most 256 KiB together
  Json expected;                             // a value specification (verifiers/value_verifier.h)
  std::string solution;                      // Python 3; its last printed line is the answer as JSON
};

struct Problem {
  std::string name;      // "partition_count", the file's stem
  std::string family;    // "number theory", "combinatorics", "simulation", "linear algebra", "optimisation", "statistics", "tables", "logic"
  std::string methods;   // "native: dynamic programming; Python: generating function"
  int version = 1;
  // Difficulty 1..5 sets sizes. A pure function of its arguments, with an answer that is the only one; milliseconds.
  std::function<ProblemInstance(Rng& rng, int difficulty)> draw;
};

namespace problems {
std::span<const Problem> all();  // generated from the folder
}

}  // namespace assay
