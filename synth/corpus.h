// A domain's corpus, expanded when the domain is compiled: documents become a table "document", and search, open and find become tools
// over it and over texts of the domain's own tables (envs/tool_kinds/corpus.cc).
//
//   "corpus": {"documents": [{"title": …, "text": …}, …],      or, in a domain that is loaded from a file,
//              "folder": "notes",                              every .md and .txt file of a folder beside it, titled by its name
//              "tables": {"city": ["description"]}}            entities as documents
#pragma once

#include <string>

#include "envs/base/json.h"

namespace assay {

// `source` with its corpus, if it declares one, put into tables and tools. Errors name "FILE: PATH". A folder is refused: whoever
// writes domains may not read files.
Result<Json> expand_corpus(Json source, const std::string& file);

// The documents of "folder" put in its place: titles ascending, at most 10,000 files of 64 KiB of UTF-8. For domains that users load from
// files; `file` is the path of one.
Status read_corpus_folder(Json& source, const std::string& file);

}  // namespace assay
