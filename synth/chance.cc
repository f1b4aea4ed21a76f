#include "synth/chance.h"

#include <algorithm>
#include <cmath>

namespace assay {

ConsistentChooser::ConsistentChooser(const AnswerShape& shape, const Tables& tables) : rows_by_scope_(tables.tables.size()) {
  for (int slot = 0; slot < shape.slots(); ++slot) {
    const AnswerField& field = shape.fields[shape.field_of_slot(slot)];
    Slot out;
    out.table = tables.table_index(field.table);
    out.given = given_row(shape, tables, slot);
    out.table_size = tables.tables[out.table].size();
    for (int earlier = 0; earlier < slot; ++earlier)
      if (slots_[earlier].table == out.table) out.same_table.push_back(earlier);
    if (const int scope = shape.field_index(field.scope); scope >= 0) {
      out.scope_slot = shape.slot(shape.group_of_slot(slot), scope);
      const Table& table = tables.tables[out.table];
      auto& by_scope = rows_by_scope_[out.table];
      if (by_scope.empty()) {
        by_scope.resize(std::max(1, tables.at(shape.fields[scope].table).size()));
        const auto& owners = table.columns[table.spec.scope_column()];
        for (int32_t row = 0; row < table.size(); ++row)
          if (has_value(owners[row])) by_scope[owners[row]].push_back(row);
      }
    }
    slots_.push_back(std::move(out));
  }
  for (Slot& slot : slots_)
    if (slot.scope_slot >= 0) slot.by_scope = &rows_by_scope_[slot.table];
}

void ConsistentChooser::draw(Rng& rng, bool repeats, Assignment& out) const {
  out.resize(slots_.size());
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.given >= 0) {
      out[i] = slot.given;
      continue;
    }
    const std::vector<int32_t>* rows = nullptr;
    int64_t count = slot.table_size;
    if (slot.scope_slot >= 0) {
      const int32_t scope = out[slot.scope_slot];
      rows = scope < 0 ? nullptr : &(*slot.by_scope)[scope];
      count = rows ? static_cast<int64_t>(rows->size()) : 0;
    }
    if (count == 0) {
      out[i] = -1;
      continue;
    }
    // Rejection is uniform over what is left. Only in a short list must be counted whether anything is.
    int64_t used = 0;
    if (!repeats && count <= static_cast<int64_t>(slot.same_table.size()))
      for (int earlier : slot.same_table) used += rows ? std::binary_search(rows->begin(), rows->end(), out[earlier]) : 1;
    for (;;) {
      const int64_t pick = static_cast<int64_t>(rng.below(static_cast<uint64_t>(count)));
      out[i] = rows ? (*rows)[pick] : static_cast<int32_t>(pick);
      if (repeats || used >= count) break;
      bool taken = false;
      for (int earlier : slot.same_table) taken |= out[earlier] == out[i];
      if (!taken) break;
    }
  }
}

ChanceRate chance_rate(const ConsistentChooser& chooser, const Constraints& constraints, int slots, std::string_view stream, int64_t tries,
                       bool repeats) {
  ChanceRate out{0, tries};
  const uint64_t number = stream_of(stream);
  Assignment rows(slots);
  for (int64_t i = 0; i < tries; ++i) {
    Rng rng(0, number, static_cast<uint64_t>(i));
    chooser.draw(rng, repeats, rows);
    bool good = std::find(rows.begin(), rows.end(), -1) == rows.end();
    for (size_t c = 0; good && c < constraints.size(); ++c) good = constraints[c]->holds(rows.data());
    out.hits += good;
  }
  return out;
}

std::string chance_stream(const Json& constraints) { return "chance/" + canonical_json(constraints); }

std::pair<double, double> wilson_interval(int64_t hits, int64_t tries) {
  if (tries == 0) return {0, 1};
  const double n = static_cast<double>(tries), p = static_cast<double>(hits) / n, z = 1.96;
  const double centre = p + z * z / (2 * n), spread = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {std::max(0.0, (centre - spread) / scale), std::min(1.0, (centre + spread) / scale)};
}

}  // namespace assay
