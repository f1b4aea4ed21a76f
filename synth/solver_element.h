// result = array[index] as a Gecode propagator without a state of its own. Gecode's element constraint sorts the array for every pair of
// variables and copies it with every space; where a space lives for a dozen nodes, that is most of its cost. So would be Gecode's own
// memory for scratch: it is handed out under one lock for all threads.
#pragma once

#include <gecode/int.hh>
#include <vector>

namespace assay {

// Domain consistent in `index`. In `result` as well where its values lie close together, else bounds consistent. The variables are two.
// Borrowed for as long as the space and its copies live: `array`, and `scratch` of at least its length, which all elements of a space
// and its copies may share, as long as one thread works on them.
void post_element(Gecode::Home home, const std::vector<int>& array, int* scratch, Gecode::IntVar index, Gecode::IntVar result);
void post_element(Gecode::Home home, const std::vector<int>& array, int* scratch, Gecode::IntVar index, Gecode::BoolVar result);

}  // namespace assay
