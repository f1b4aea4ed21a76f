// Texts that are nearly the same, among many: MinHash signatures in bands (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of
// Massive Datasets, chapter 3), and each pair that a band proposes compared exactly. Alikeness is Jaccard's coefficient of the sets of
// shingles, runs of five words. Deterministic: the hash functions are fixed.
//
// Nothing is found that is not alike (but for collisions of 64-bit hashes). What is alike by just the threshold is found with a
// probability of at least 99%, what is more alike more surely. About 1 KB and 8 bytes a shingle are kept of each text.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace assay {

inline constexpr size_t kShingleWords = 5;
inline constexpr size_t kSignatureHashes = 224;

// The hashes of a text's shingles, ascending, each once. A text of fewer than five words is one shingle.
std::vector<uint64_t> shingles_of(std::string_view text);
// |a ∩ b| / |a ∪ b|; 1 for two empty sets.
double jaccard(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b);

// Used by one thread.
class NearDuplicates {
 public:
  explicit NearDuplicates(double threshold);   // in (0, 1]

  // The numbers of the texts added before that are alike, ascending.
  std::vector<int64_t> find(std::string_view text) const;
  // Numbers count from 0.
  int64_t add(std::string_view text);

  size_t rows_in_band() const { return rows_; }

 private:
  struct Text {
    std::vector<uint64_t> shingles;
    std::vector<uint32_t> signature;   // [kSignatureHashes]
  };
  Text read(std::string_view text) const;
  std::vector<uint64_t> bands(const Text& text) const;
  std::vector<int64_t> alike(const Text& text) const;

  const double threshold_;
  size_t rows_;   // of a band
  std::vector<Text> texts_;
  std::unordered_map<uint64_t, std::vector<int64_t>> buckets_;   // band -> texts
};

}  // namespace assay
