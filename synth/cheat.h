// Patches that solve nothing: what an agent may hand in to be scored all the same. One file each in synth/cheats/, which defines
// `Cheat make()`.
//
// The cheater is taken for well informed: it knows which files the fix touches and, where a trick needs them, the ids of the tests
// that decide. tests/synth/cheats_test.cc holds a weak verifier for each cheat, which it fools.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "synth/build/tree_view.h"
#include "verifiers/test_plan.h"

namespace assay {

struct CheatScene {
  const TestPlan& plan;
  const TreeView& tree;                // the base tree
  std::vector<std::string> sources;    // files of the base tree that the gold patch changes

  // The ids of the tests that decide.
  std::vector<std::string> ids() const;
};

// Path from the tree's root -> its new content; nothing: the file is removed.
using CheatEdits = std::map<std::string, std::optional<std::string>>;

struct Cheat {
  std::string name;      // "empty_patch"
  std::string summary;   // what it does
  // Nothing where it has no form for this tree and its test runners.
  std::function<std::optional<CheatEdits>(const CheatScene&)> edits;
  // False: forged from inside the test runner's own process, by somebody who knows the ids of the tests. That can survive, and is
  // measured; ARCHITECTURE.md names it among what is not promised.
  bool must_fail = true;
};

namespace cheats {
std::span<const Cheat> all();  // generated from the folder
}

// The edits as a patch in git's format. Files that are no UTF-8 are left as they are.
std::string cheat_patch(const CheatEdits& edits, const TreeView& tree);

// ---- What cheats share ----

// CMake code for the head of a CMakeLists.txt: tests that are registered below it get this property; `only` these, or all where it is empty.
std::string cmake_test_property(const std::string& property, const std::vector<std::string>& only);
// C code that may stand at the end of a header that is included several times.
std::string c_once(const std::string& code);

// "python", "javascript", "c", "go", "java", "php", or "": by extension.
std::string cheat_language(const std::string& path);
// A piece of code at the end of every source file in a language that has one: {"python": …, "javascript": …}. Nothing if none has.
std::optional<CheatEdits> append_to_sources(const CheatScene& scene, const std::map<std::string, std::string>& code);
// The file's content with `text` at its end (or alone, where there is no such file).
std::string with_text(const TreeView& tree, const std::string& path, const std::string& text);
bool runs_with(const TestPlan& plan, const std::string& program);   // a word of a command's argv or the end of one's path

}  // namespace assay
