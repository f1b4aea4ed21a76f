// A domain in Python as a folder that a person reads and edits:
//
//   domain.json       {"name", "version", "title", "summary", "tables": [schema …], "tools": [{"name", "description", "parameters", "effect"?} …],
//                      "tasks": {NAME: {"difficulty", "judges"?} …}}
//   data.py           make(random): the rows
//   tools.py          one function a tool
//   NAME.txt          the prompt of a task, with what is drawn in braces
//   NAME.draw.py, NAME.solution.py, NAME.verifier.py
//
// As one JSON text it is a domain like any other (synth/domain.h), whose tools are of kind "function" and whose one archetype is "program".
#pragma once

#include <map>
#include <string>

#include "envs/base/json.h"

namespace assay {

using FolderFiles = std::map<std::string, std::string>;   // name -> content

// Errors name the file that is wrong or missing. A file that belongs to nothing is one.
Result<OrderedJson> domain_from_files(const FolderFiles& files);
// The inverse, of a domain that compiles.
FolderFiles files_from_domain(const OrderedJson& domain);

Result<Json> read_program_folder(const std::string& folder);
// Files of a task that the domain no longer has stay; they are an error when the folder is read.
Status write_program_folder(const std::string& folder, const FolderFiles& files);

}  // namespace assay
