// Whether two bags of `size` items are the same: each item of one has an item of the other to itself. Augmenting paths, since
// `same`(item of the one, item of the other) need not be an equivalence: tolerances may overlap.
#pragma once

#include <cstddef>
#include <vector>

namespace assay {

template <typename Same>
class BagMatching {
 public:
  BagMatching(size_t size, const Same& same) : same_(same), taken_by_(size, size) {}

  bool complete() {
    for (size_t item = 0; item < taken_by_.size(); ++item) {
      tried_.assign(taken_by_.size(), 0);
      if (!place(item)) return false;
    }
    return true;
  }

 private:
  bool place(size_t item) {
    for (size_t i = 0; i < taken_by_.size(); ++i) {
      if (tried_[i] || !same_(item, i)) continue;
      tried_[i] = 1;
      if (taken_by_[i] == taken_by_.size() || place(taken_by_[i])) {
        taken_by_[i] = item;
        return true;
      }
    }
    return false;
  }

  const Same& same_;
  std::vector<size_t> taken_by_;   // [item of the other] the one it was given to, or size
  std::vector<char> tried_;
};

template <typename Same>
bool same_bag(size_t size, const Same& same) {
  return BagMatching<Same>(size, same).complete();
}

}  // namespace assay
