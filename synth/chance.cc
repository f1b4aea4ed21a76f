#include "synth/chance.h"

#include <algorithm>
#include <numeric>

#include "envs/base/interval.h"

namespace assay {
namespace {

constexpr size_t kCachedDraws = 24;   // of 10,000 answers each, less than a megabyte
constexpr size_t kCachedPlaces = 48;  // for each of these, mostly a few hundred of its answers

bool all_hold(const Constraints& constraints, const int32_t* rows) {
  return std::all_of(constraints.begin(), constraints.end(), [&](const auto& constraint) { return constraint->holds(rows); });
}

}  // namespace

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

DrawnAnswers draw_answers(const ConsistentChooser& chooser, size_t slots, std::string_view stream, int64_t tries, bool repeats) {
  DrawnAnswers out{tries, slots, {}, {}};
  const uint64_t number = stream_of(stream);
  Assignment rows(slots);
  for (int64_t i = 0; i < tries; ++i) {
    Rng rng(0, number, static_cast<uint64_t>(i));
    chooser.draw(rng, repeats, rows);
    if (std::find(rows.begin(), rows.end(), -1) != rows.end()) continue;
    out.numbers.push_back(static_cast<int32_t>(i));
    out.rows.insert(out.rows.end(), rows.begin(), rows.end());
  }
  return out;
}

ChanceRate chance_rate_near(const DrawnAnswers& drawn, const std::vector<int32_t>& candidates, const Constraints& constraints, double low, double high) {
  ChanceRate out;
  size_t next = 0;
  for (int64_t tries = 500; out.tries < drawn.tries; tries *= 2) {
    out.tries = std::min(tries, drawn.tries);
    for (; next < candidates.size() && drawn.numbers[static_cast<size_t>(candidates[next])] < out.tries; ++next) out.hits += all_hold(constraints, drawn.answer(static_cast<size_t>(candidates[next])));
    const auto [least, most] = wilson_interval(out.hits, out.tries, 4.5);
    if (least >= high || most < low) break;
  }
  return out;
}

std::shared_ptr<DrawnCache> DrawnCache::of(const MakeRequest& request) {
  if (request.kept && *request.kept) return std::static_pointer_cast<DrawnCache>(*request.kept);
  auto cache = std::make_shared<DrawnCache>();
  if (request.kept) *request.kept = cache;
  return cache;
}

DrawnCache::Drawn DrawnCache::draw(const AnswerShape& shape, const Environment& environment, const char* stream, int64_t tries, bool repeats) {
  std::string key = environment.id + stream + std::to_string(tries) + (repeats ? "r" : "") + to_json(shape).dump();
  for (auto it = recent_.begin(); it != recent_.end(); ++it)
    if (it->key == key) {
      recent_.splice(recent_.begin(), recent_, it);
      return it->drawn;
    }
  const ConsistentChooser chooser(shape, environment.tables);
  auto drawn = std::make_shared<const DrawnAnswers>(draw_answers(chooser, static_cast<size_t>(shape.slots()), stream, tries, repeats));
  recent_.push_front({std::move(key), drawn, {}});
  if (recent_.size() > kCachedDraws) recent_.pop_back();
  return drawn;
}

// Constraint by constraint, each over what is left: tasks of one level begin with the same constraints, and are judged thrice by all.
DrawnCache::Places DrawnCache::keeping(const Drawn& drawn, const Json& json, const Constraints& constraints) {
  auto all = std::make_shared<std::vector<int32_t>>(drawn->numbers.size());
  std::iota(all->begin(), all->end(), 0);
  Places left = std::move(all);
  const auto entry = std::find_if(recent_.begin(), recent_.end(), [&](const Entry& each) { return each.drawn == drawn; });
  ASSAY_ASSERT(entry != recent_.end());
  std::string key;
  for (size_t i = 0; i < constraints.size(); ++i) {
    key += json[i].dump() + "\n";
    auto& judged = entry->judged;
    if (const auto known = std::find_if(judged.begin(), judged.end(), [&](const auto& each) { return each.first == key; }); known != judged.end()) {
      judged.splice(judged.begin(), judged, known);
    } else {
      auto kept = std::make_shared<std::vector<int32_t>>();
      for (int32_t place : *left)
        if (constraints[i]->holds(drawn->answer(static_cast<size_t>(place)))) kept->push_back(place);
      judged.emplace_front(key, std::move(kept));
      if (judged.size() > kCachedPlaces) judged.pop_back();
    }
    left = judged.front().second;
  }
  return left;
}

}  // namespace assay
