#include "datasets/near_duplicates.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "datasets/word_text.h"
#include "envs/base/rng.h"

namespace assay {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  const WordText words(text);
  std::vector<std::string> all;
  for (size_t i = 0; i < words.size(); ++i) all.emplace_back(words.words(i, 1));
  return all;
}

TEST_CASE("words are runs of letters and digits in lower case, and characters of scripts without spaces") {
  CHECK(words_of("") == std::vector<std::string>());
  CHECK(words_of(" ,.\n") == std::vector<std::string>());
  CHECK(words_of("The Hôtel's 3rd, bed—LAST") == std::vector<std::string>{"the", "hôtel", "s", "3rd", "bed", "last"});
  CHECK(words_of("从杭州to苏州。") == std::vector<std::string>{"从", "杭", "州", "to", "苏", "州"});
  CHECK(words_of("a\xff" "b\xc3") == std::vector<std::string>{"a", "b"});
  CHECK(WordText("One two,  THREE").joined() == "one two three");
  CHECK(WordText("one two three").words(1, 2) == "two three");
}

TEST_CASE("equal runs of words have equal hashes, wherever they stand, and others do not") {
  const WordText a("x y the cat sat on the mat"), b("The cat! Sat; on the hat");
  const auto grams_a = a.gram_hashes(4), grams_b = b.gram_hashes(4);
  REQUIRE(grams_a.size() == 5);
  REQUIRE(grams_b.size() == 3);
  CHECK(grams_a[2] == grams_b[0]);
  CHECK(grams_a[3] == grams_b[1]);
  CHECK(grams_a[4] != grams_b[2]);
  CHECK(std::set<uint64_t>(grams_a.begin(), grams_a.end()).size() == 5);
  CHECK(a.gram_hashes(9).empty());
  CHECK(WordText("b a").gram_hashes(2) != WordText("a b").gram_hashes(2));
  CHECK(WordText("one two").gram_hashes(2)[0] == 0x8f6e8433316e37bdULL);   // on every machine
}

TEST_CASE("Jaccard's coefficient counts shingles once") {
  const auto of = [](const std::string& a, const std::string& b) { return jaccard(shingles_of(a), shingles_of(b)); };
  CHECK(of("a b c d e f", "A, B, c d e f.") == 1);
  CHECK(of("a b c d e f", "a b c d e g") == Approx(1.0 / 3));
  CHECK(of("a b c d e a b c d e", "a b c d e") == Approx(1.0 / 5));
  CHECK(of("a b", "a b") == 1);
  CHECK(of("a b", "a c") == 0);
  CHECK(of("", "") == 1);
  CHECK(of("", "a") == 0);
}

// Families of texts: each member has the words of its family but for a share that grows.
std::vector<std::string> families(uint64_t seed) {
  Rng rng(seed, "near duplicates");
  std::vector<std::string> texts;
  for (int family = 0; family < 25; ++family) {
    std::vector<std::string> words;
    for (int i = 0; i < 150; ++i) words.push_back("w" + std::to_string(rng.below(3000)));
    for (uint64_t member = 0; member < 12; ++member) {
      std::string text;
      for (const std::string& word : words) text += (rng.below(400) < member * 2 ? "x" + std::to_string(rng.below(1'000'000)) : word) + " ";
      texts.push_back(std::move(text));
    }
  }
  return texts;
}

TEST_CASE("what brute force finds is found, at least 99 in 100, and nothing else") {
  for (const double threshold : {0.5, 0.7, 0.8, 0.9, 1.0}) {
    const std::vector<std::string> texts = families(7);
    NearDuplicates index(threshold);
    std::vector<std::vector<uint64_t>> shingles;
    int64_t pairs = 0, found = 0, wrong = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      shingles.push_back(shingles_of(texts[i]));
      const std::vector<int64_t> alike = index.find(texts[i]);
      CHECK(std::is_sorted(alike.begin(), alike.end()));
      std::set<int64_t> set(alike.begin(), alike.end());
      for (size_t k = 0; k < i; ++k) {
        const bool is = jaccard(shingles[i], shingles[k]) >= threshold, told = set.contains(static_cast<int64_t>(k));
        pairs += is;
        found += is && told;
        wrong += told && !is;
      }
      CHECK(index.add(texts[i]) == static_cast<int64_t>(i));
    }
    INFO("threshold " << threshold << ": " << pairs << " pairs, " << found << " found, " << index.rows_in_band() << " rows a band");
    CHECK(pairs > (threshold < 1 ? 60 : 0));
    CHECK(static_cast<double>(found) >= 0.99 * static_cast<double>(pairs));
    CHECK(wrong == 0);
  }
}

TEST_CASE("a text without words is like another one, and like nothing else") {
  NearDuplicates index(0.8);
  CHECK(index.find("").empty());
  index.add("!!");
  index.add("some words that say something");
  CHECK(index.find("?") == std::vector<int64_t>{0});
  CHECK(index.find("some words that say something.") == std::vector<int64_t>{1});
}

}  // namespace
}  // namespace assay
