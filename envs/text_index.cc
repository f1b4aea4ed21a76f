#include "envs/text_index.h"

#include <sqlite3.h>

#include <cctype>

namespace assay {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// Letters and digits of ASCII, and all of what is beyond it: the tokenizer knows better which of that are letters.
bool in_word(char c) { return (static_cast<unsigned char>(c) & 0x80) != 0 || std::isalnum(static_cast<unsigned char>(c)) != 0; }

// "a OR b" in the language of FTS5, each word a quoted string, which holds no quote.
std::string match_expression(std::string_view query) {
  std::string out;
  size_t words = 0;
  for (size_t at = 0; at < query.size() && words < TextIndex::kQueryWords;) {
    size_t end = at;
    while (end < query.size() && in_word(query[end])) ++end;
    if (end > at) {
      out += (words++ > 0 ? " OR \"" : "\"") + std::string(query.substr(at, end - at)) + "\"";
      at = end;
    } else {
      ++at;
    }
  }
  return out;
}

class FtsIndex final : public TextIndex {
 public:
  Status open(const std::vector<Document>& documents) {
    sqlite3* db = nullptr;
    const int rc = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX, nullptr);
    db_.reset(db);
    if (rc != SQLITE_OK) return make_error(Boundary::kEnvironment, "cannot open a database in memory");
    ASSAY_TRY(execute("CREATE VIRTUAL TABLE document USING fts5(title, text, tokenize = 'porter unicode61 remove_diacritics 2')"));
    ASSAY_TRY(execute("BEGIN"));
    ASSAY_ASSIGN(const Statement insert, compile("INSERT INTO document (rowid, title, text) VALUES (?, ?, ?)"));
    for (size_t i = 0; i < documents.size(); ++i) {
      sqlite3_bind_int64(insert.get(), 1, static_cast<sqlite3_int64>(i));
      bind(insert.get(), 2, documents[i].title);
      bind(insert.get(), 3, documents[i].text);
      if (sqlite3_step(insert.get()) != SQLITE_DONE) return failure();
      sqlite3_reset(insert.get());
    }
    ASSAY_TRY(execute("COMMIT"));
    ASSAY_ASSIGN(search_, compile("SELECT rowid, snippet(document, 1, '', '', '…', 24) FROM document WHERE document MATCH ? "
                                  "ORDER BY bm25(document, 5.0, 1.0), rowid LIMIT ?"));
    return {};
  }

  Result<std::vector<Hit>> search(std::string_view query, int most) override {
    const std::string expression = match_expression(query);
    std::vector<Hit> out;
    if (expression.empty()) return out;
    bind(search_.get(), 1, expression);
    sqlite3_bind_int(search_.get(), 2, most);
    int rc = SQLITE_ROW;
    while ((rc = sqlite3_step(search_.get())) == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(search_.get(), 1));
      out.push_back({static_cast<size_t>(sqlite3_column_int64(search_.get(), 0)), text ? text : ""});
    }
    sqlite3_reset(search_.get());
    if (rc != SQLITE_DONE) return failure();
    return out;
  }

 private:
  Error failure() const { return make_error(Boundary::kTool, std::string("SQLite says: ") + sqlite3_errmsg(db_.get()), "index of documents"); }

  Status execute(const char* sql) {
    if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
    return {};
  }

  Result<Statement> compile(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) return failure();
    return Statement(statement);
  }

  static void bind(sqlite3_stmt* statement, int position, const std::string& text) {
    sqlite3_bind_text(statement, position, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }

  Handle db_;
  Statement search_;   // after the database: it goes first
};

}  // namespace

Result<std::unique_ptr<TextIndex>> TextIndex::build(const std::vector<Document>& documents) {
  size_t bytes = 0;
  for (const Document& document : documents) bytes += document.title.size() + document.text.size();
  if (documents.size() > kDocuments || bytes > kBytes)
    return make_error(Boundary::kLimit, "a corpus has at most " + std::to_string(kDocuments) + " documents and " + std::to_string(kBytes >> 20) + " MiB", "index of documents");
  auto out = std::make_unique<FtsIndex>();
  ASSAY_TRY(out->open(documents));
  return std::unique_ptr<TextIndex>(std::move(out));
}

}  // namespace assay
