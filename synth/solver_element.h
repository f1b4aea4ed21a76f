// result = array[index] as a Gecode propagator without a state of its own. Gecode's element constraint sorts the array for every pair of
// variables and copies it with every space; where a space lives for a dozen nodes, that is most of its cost.
#pragma once

#include <gecode/int.hh>
#include <vector>

namespace assay {

// Domain consistent in `index`. In `result` as well where its values lie close together, else bounds consistent. `array` is borrowed, for
// as long as the space and its copies live; the variables are two.
void post_element(Gecode::Home home, const std::vector<int>& array, Gecode::IntVar index, Gecode::IntVar result);
void post_element(Gecode::Home home, const std::vector<int>& array, Gecode::IntVar index, Gecode::BoolVar result);

}  // namespace assay
