#include "synth/mine/links.h"

#include <iostream>
#include <set>

#include "envs/base/rng.h"
#include "tests/synth/mine/repository.h"

namespace assay {
namespace {

constexpr auto kHere = "o/r";

std::vector<std::string> found_in(const std::string& text, TextKind kind = TextKind::kMarkdown) {
  std::vector<std::string> out;
  for (const IssueLink& link : closing_links(text, kind, {.repository = kHere})) out.push_back(link.repository + "#" + std::to_string(link.number));
  return out;
}

}  // namespace

TEST_CASE("links are found with a precision and recall that are measured on a labelled set") {
  const std::string folder = std::getenv("ASSAY_SOURCE");
  std::istringstream lines(test::file_text(folder + "/tests/synth/mine/links.jsonl"));
  int64_t right = 0, found = 0, expected = 0, cases = 0;
  std::string missed;
  for (std::string line; std::getline(lines, line); ++cases) {
    const Json json = Json::parse(line);
    const auto wanted = json["links"].get<std::set<std::string>>();
    const auto got = found_in(json["text"], json.value("kind", "") == "commit" ? TextKind::kCommit : TextKind::kMarkdown);
    found += static_cast<int64_t>(got.size());
    expected += static_cast<int64_t>(wanted.size());
    int64_t hits = 0;
    for (const std::string& link : got) hits += wanted.contains(link);
    right += hits;
    if (hits != static_cast<int64_t>(got.size()) || hits != static_cast<int64_t>(wanted.size())) missed += "\n  " + line;
  }
  const double precision = static_cast<double>(right) / static_cast<double>(found), recall = static_cast<double>(right) / static_cast<double>(expected);
  std::cout << "links: precision " << precision << ", recall " << recall << " of " << expected << " links in " << cases << " texts" << missed << std::endl;
  INFO("misjudged:" << missed);
  CHECK(cases >= 90);
  CHECK(precision >= 0.99);
  CHECK(recall >= 0.97);
}

TEST_CASE("links to another host are only links where that is the host") {
  const std::string text = "Fixes https://git.example.com:8443/a/b/issues/3 and closes https://github.com/a/b/issues/4";
  const auto links = closing_links(text, TextKind::kMarkdown, {.repository = kHere, .host = "git.example.com:8443"});
  CHECK(links == std::vector<IssueLink>{{"a/b", 3}});
}

TEST_CASE("what is blanked out of a text keeps its places") {
  const uint64_t seed = 3;
  Rng rng(seed, "prose");
  const std::vector<std::string> pieces{"`", "```", "\n", "\n\n", "<!--", "-->", "fixes #1", "    ", "> ", "- ", "~~~", "x", "#", "[", "](", ")", "\xff", "closes o/r#"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (uint64_t n = rng.below(20); n > 0; --n) text += rng.pick(pieces);
    const std::string prose = prose_of(text, TextKind::kMarkdown);
    INFO("seed " << seed << ": " << text);
    REQUIRE(prose.size() == text.size());
    for (size_t at = 0; at < text.size(); ++at) REQUIRE((prose[at] == text[at] || (prose[at] == ' ' && text[at] != '\n')));
    (void)found_in(text);
  }
}

}  // namespace assay
