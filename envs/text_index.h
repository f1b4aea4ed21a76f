// Ranked search over texts: an SQLite FTS5 index in memory, scored by BM25 (Robertson & Zaragoza, 2009) with a title weighing five
// times its text. Words are folded (case, diacritics) and stemmed (Porter).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/status.h"

namespace assay {

struct Document {
  std::string title, text;
};

// One thread.
class TextIndex {
 public:
  static constexpr size_t kDocuments = 10'000;
  static constexpr size_t kBytes = 64 << 20;   // of all documents
  static constexpr size_t kQueryWords = 32;    // those after the first so many are not looked for

  struct Hit {
    size_t document = 0;     // its index in what the index was built from
    std::string snippet;     // 24 words around the best match
  };

  // Fails with boundary kLimit beyond the bounds above.
  static Result<std::unique_ptr<TextIndex>> build(const std::vector<Document>& documents);
  virtual ~TextIndex() = default;

  // The documents with any word of the query, best first, equal ones in their order; at most `most`. A query is words and nothing else:
  // operators, quotes and column names of FTS5 in it are words like any other, or separate words. One without words finds nothing.
  virtual Result<std::vector<Hit>> search(std::string_view query, int most) = 0;
};

}  // namespace assay
