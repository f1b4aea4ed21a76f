#include "synth/solver_element.h"

#include <algorithm>
#include <climits>
#include <cstdint>

namespace assay {
namespace {

using Gecode::ExecStatus;
using Gecode::Int::BoolView;
using Gecode::Int::IntView;
using Gecode::Int::ViewValues;

constexpr unsigned kClose = 512;   // results that range over no more keep exactly the values that are left

Gecode::PropCond any_change(const IntView&) { return Gecode::Int::PC_INT_DOM; }
Gecode::PropCond any_change(const BoolView&) { return Gecode::Int::PC_BOOL_VAL; }

// Which of the values that lie close together at first a result may take.
class Said {
 public:
  explicit Said(const BoolView&) {}   // one that is not assigned has both
  explicit Said(const IntView& result) : low_(result.min()), close_(range(result) <= kClose) {}

  void add(int value) {
    if (close_) at(value) |= bit(value);
  }
  bool knows() const { return close_; }
  bool has(int value) { return at(value) & bit(value); }
  static unsigned range(const IntView& view) { return static_cast<unsigned>(view.max() - view.min()) + 1; }

 private:
  uint64_t& at(int value) { return words_[static_cast<unsigned>(value - low_) / 64]; }
  uint64_t bit(int value) const { return uint64_t{1} << (static_cast<unsigned>(value - low_) % 64); }

  int low_ = 0;
  bool close_ = false;
  uint64_t words_[kClose / 64] = {};
};

template <typename Result>
class Element final : public Gecode::Propagator {
 public:
  Element(Gecode::Home home, const int* array, int* scratch, IntView index, Result result)
      : Propagator(home), array_(array), scratch_(scratch), index_(index), result_(result) {
    index_.subscribe(home, *this, any_change(index_));
    result_.subscribe(home, *this, any_change(result_));
  }

  Gecode::Actor* copy(Gecode::Space& home) override { return new (home) Element(home, *this); }
  Gecode::PropCost cost(const Gecode::Space&, const Gecode::ModEventDelta&) const override {
    return Gecode::PropCost::linear(Gecode::PropCost::LO, index_.size());
  }
  void reschedule(Gecode::Space& home) override {
    index_.reschedule(home, *this, any_change(index_));
    result_.reschedule(home, *this, any_change(result_));
  }
  size_t dispose(Gecode::Space& home) override {
    index_.cancel(home, *this, any_change(index_));
    result_.cancel(home, *this, any_change(result_));
    (void)Propagator::dispose(home);
    return sizeof(*this);
  }

  ExecStatus propagate(Gecode::Space& home, const Gecode::ModEventDelta&) override {
    Said said(result_);
    int count = 0, low = INT_MAX, high = INT_MIN;
    for (ViewValues<IntView> place(index_); place(); ++place) {
      const int value = array_[place.val()];
      if (!result_.in(value)) {
        scratch_[count++] = place.val();
        continue;
      }
      said.add(value);
      low = std::min(low, value);
      high = std::max(high, value);
    }
    if (low > high) return Gecode::ES_FAILED;
    if (count > 0) {
      Gecode::Iter::Values::Array values(scratch_, count);
      GECODE_ME_CHECK(index_.minus_v(home, values, false));
    }
    GECODE_ME_CHECK(result_.gq(home, low));
    GECODE_ME_CHECK(result_.lq(home, high));
    if (result_.assigned()) return home.ES_SUBSUMED(*this);   // what else the index could say is gone
    GECODE_ES_CHECK(leave_what_is_said(home, result_, said));
    return Gecode::ES_FIX;
  }

 private:
  Element(Gecode::Space& home, Element& other) : Propagator(home, other), array_(other.array_), scratch_(other.scratch_) {
    index_.update(home, other.index_);
    result_.update(home, other.result_);
  }

  ExecStatus leave_what_is_said(Gecode::Space&, BoolView&, Said&) { return Gecode::ES_FIX; }
  ExecStatus leave_what_is_said(Gecode::Space& home, IntView& result, Said& said) {
    if (Said::range(result) > kClose || result.size() == 2) return Gecode::ES_FIX;   // both ends are said
    if (!said.knows()) {   // they lie close only now
      said = Said(result);
      for (ViewValues<IntView> place(index_); place(); ++place) said.add(array_[place.val()]);
    }
    int gone[kClose], count = 0;
    for (ViewValues<IntView> value(result); value(); ++value)
      if (!said.has(value.val())) gone[count++] = value.val();
    if (count == 0) return Gecode::ES_FIX;
    Gecode::Iter::Values::Array values(gone, count);
    GECODE_ME_CHECK(result.minus_v(home, values, false));
    return Gecode::ES_FIX;
  }

  const int* array_;
  int* scratch_;
  IntView index_;
  Result result_;
};

template <typename Result>
void post(Gecode::Home home, const std::vector<int>& array, int* scratch, Gecode::IntVar index, Result result) {
  GECODE_POST;
  IntView place(index);
  GECODE_ME_FAIL(place.gq(home, 0));
  GECODE_ME_FAIL(place.lq(home, static_cast<int>(array.size()) - 1));
  (void)new (home) Element<Result>(home, array.data(), scratch, place, result);
}

}  // namespace

void post_element(Gecode::Home home, const std::vector<int>& array, int* scratch, Gecode::IntVar index, Gecode::IntVar result) { post(home, array, scratch, index, IntView(result)); }
void post_element(Gecode::Home home, const std::vector<int>& array, int* scratch, Gecode::IntVar index, Gecode::BoolVar result) { post(home, array, scratch, index, BoolView(result)); }

}  // namespace assay
