// What the calls of an episode have changed in its database, against what it was in the beginning, as canonical JSON:
//
//   {TABLE: {"added":[{column: value …} …], "removed":[{key column: value …} …],
//            "changed":[{"key":{…},"from":{column: value …},"to":{…}} …]} …}
//
// A row that was there is known by its key, whatever became of its row id; a row with a key that was not there is added, with all
// its columns. What is as it was does not appear: nothing changed is {}. Numbers have their column's decimals, so sums do not
// differ by the order they were made in. Entries are sorted; the same change always gives the same bytes.
#pragma once

#include <vector>

#include "envs/database.h"
#include "envs/table.h"

namespace assay {

Result<Json> state_change(const Tables& tables, const std::vector<TouchedRow>& touched);

}  // namespace assay
