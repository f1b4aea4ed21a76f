#include "engine/kernels/note_selection.h"

#include "engine/kernels/split.h"

namespace assay::reference {

void note_selection(const NoteSelectionParams& params, Workers& workers) {
  for_rows(workers, params.rows, params.k, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r)
      if (params.lengths[r] > params.k)
        params.selections[r] = mix64(params.selections[r] + selected_set({params.indices + r * params.k, static_cast<size_t>(params.counts[r])}));
  });
}

}  // namespace assay::reference
