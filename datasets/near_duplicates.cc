#include "datasets/near_duplicates.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "datasets/word_text.h"
#include "envs/base/rng.h"
#include "envs/base/status.h"

namespace assay {
namespace {

constexpr double kRecall = 0.99;
// Five deviations of an estimate from 224 hashes: a pair further below the threshold is not looked at more closely.
constexpr double kSlack = 0.17;

// The most rows with which a pair of just this alikeness still shares a band surely enough: the fewest false proposals.
size_t rows_for(double threshold) {
  size_t rows = 1;
  for (size_t more = 2; more <= 32; ++more) {
    const double bands = std::floor(static_cast<double>(kSignatureHashes) / static_cast<double>(more));
    if (1 - std::pow(1 - std::pow(threshold, static_cast<double>(more)), bands) >= kRecall) rows = more;
  }
  return rows;
}

const std::array<uint64_t, kSignatureHashes>& salts() {
  static const auto made = [] {
    std::array<uint64_t, kSignatureHashes> all{};
    Rng rng(0, "minhash");
    for (uint64_t& salt : all) salt = rng.next();
    return all;
  }();
  return made;
}

double estimate(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  size_t equal = 0;
  for (size_t i = 0; i < kSignatureHashes; ++i) equal += a[i] == b[i];
  return static_cast<double>(equal) / static_cast<double>(kSignatureHashes);
}

}  // namespace

std::vector<uint64_t> shingles_of(std::string_view text) {
  const WordText words(text);
  std::vector<uint64_t> shingles = words.gram_hashes(std::min(kShingleWords, words.size()));
  std::sort(shingles.begin(), shingles.end());
  shingles.erase(std::unique(shingles.begin(), shingles.end()), shingles.end());
  return shingles;
}

double jaccard(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  size_t shared = 0, i = 0, k = 0;
  while (i < a.size() && k < b.size()) {
    shared += a[i] == b[k];
    const bool left = a[i] <= b[k], right = b[k] <= a[i];
    i += left;
    k += right;
  }
  const size_t all = a.size() + b.size() - shared;
  return all == 0 ? 1 : static_cast<double>(shared) / static_cast<double>(all);
}

NearDuplicates::NearDuplicates(double threshold) : threshold_(threshold), rows_(rows_for(threshold)) {
  ASSAY_ASSERT(threshold > 0 && threshold <= 1);
}

NearDuplicates::Text NearDuplicates::read(std::string_view text) const {
  Text made{shingles_of(text), std::vector<uint32_t>(kSignatureHashes, UINT32_MAX)};
  for (const uint64_t shingle : made.shingles)
    for (size_t i = 0; i < kSignatureHashes; ++i)
      made.signature[i] = std::min(made.signature[i], static_cast<uint32_t>(((shingle ^ salts()[i]) * 0xbf58476d1ce4e5b9ULL) >> 32));
  return made;
}

std::vector<uint64_t> NearDuplicates::bands(const Text& text) const {
  std::vector<uint64_t> bands;
  for (size_t first = 0; first + rows_ <= kSignatureHashes; first += rows_) {
    uint64_t hash = mix64(first + 1);
    for (size_t i = first; i < first + rows_; ++i) hash = mix64(hash ^ text.signature[i]);
    bands.push_back(hash);
  }
  return bands;
}

std::vector<int64_t> NearDuplicates::alike(const Text& text) const {
  std::vector<int64_t> proposed, found;
  for (const uint64_t band : bands(text))
    if (const auto bucket = buckets_.find(band); bucket != buckets_.end()) proposed.insert(proposed.end(), bucket->second.begin(), bucket->second.end());
  std::sort(proposed.begin(), proposed.end());
  proposed.erase(std::unique(proposed.begin(), proposed.end()), proposed.end());
  for (const int64_t number : proposed) {
    const Text& other = texts_[static_cast<size_t>(number)];
    if (estimate(text.signature, other.signature) >= threshold_ - kSlack && jaccard(text.shingles, other.shingles) >= threshold_) found.push_back(number);
  }
  return found;
}

std::vector<int64_t> NearDuplicates::find(std::string_view text) const { return alike(read(text)); }

int64_t NearDuplicates::add(std::string_view text) {
  texts_.push_back(read(text));
  const int64_t number = static_cast<int64_t>(texts_.size()) - 1;
  for (const uint64_t band : bands(texts_.back())) buckets_[band].push_back(number);
  return number;
}

}  // namespace assay
