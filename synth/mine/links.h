// References by which a pull request or commit says that it closes an issue, in every form that people use:
//   Fixes #1 · closes: #1, #2 and #3 · resolved owner/name#1 · fix GH-1 · Closes https://github.com/owner/name/issues/1 · fixes [#1](…) ·
//   fix for #1 · fixes issue #1
// (docs.github.com, "Linking a pull request to an issue", and what else is common.) Not in HTML comments, code blocks, code spans and
// quotations; not after a negation; not links to pull requests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct IssueLink {
  std::string repository;   // "owner/name"
  int64_t number = 0;
  bool operator==(const IssueLink&) const = default;
};

struct LinkContext {
  std::string repository;              // what "#1" belongs to
  std::string host = "github.com";     // of links in full
};

enum class TextKind { kMarkdown, kCommit };   // in commit messages indented lines are no code

// In order of appearance, each once.
std::vector<IssueLink> closing_links(std::string_view text, TextKind kind, const LinkContext& context);

// The text without what Markdown does not show as prose: HTML comments, code blocks, code spans, quotations. Every byte of these is a
// blank, line feeds stay, so places in both are the same.
std::string prose_of(std::string_view text, TextKind kind);

}  // namespace assay
