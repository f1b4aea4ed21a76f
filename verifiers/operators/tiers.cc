// tiers: which constraints apply depends on the range an attribute falls into; a value in no tier is not allowed.
#include "verifiers/constraint.h"

namespace assay::operators::tiers {
namespace {

struct Tier {
  int64_t from = 0;
  std::optional<int64_t> below;
  Constraints then;
  bool contains(int64_t value) const { return value >= from && (!below || value < *below); }
};

class Tiers final : public Constraint {
 public:
  Tiers(const Binding& binding, int slot, BoundColumn column, std::vector<Tier> tiers)
      : binding_(binding), slot_(slot), column_(column), tiers_(std::move(tiers)) {
    for (size_t t = 0; t < tiers_.size(); ++t)
      for (size_t c = 0; c < tiers_[t].then.size(); ++c)
        for (size_t b = 0; b < tiers_[t].then[c]->branches().size(); ++b) parts_.push_back({t, c, b});
  }

  bool holds(const int32_t* rows) const override {
    const Tier* tier = tier_of(rows);
    if (!tier) return false;
    for (const auto& constraint : tier->then)
      if (!constraint->holds(rows)) return false;
    return true;
  }

  std::string explain(const int32_t* rows) const override {
    if (rows[slot_] < 0) return binding_.shape.slot_text(slot_) + " is not known";
    const int64_t cell = column_.at(rows[slot_]);
    const std::string found = "the " + column_.spec->label + " of " + binding_.shape.slot_text(slot_) + " is " + value_text(cell, column_, binding_);
    const Tier* tier = tier_of(rows);
    if (!tier) return found + ", which is in no range that is allowed";
    for (const auto& constraint : tier->then)
      if (!constraint->holds(rows)) return found + ", so: " + constraint->explain(rows);
    return "";
  }

  std::string sentence() const override {
    std::string out = "The " + column_.spec->label + " of " + binding_.shape.slot_text(slot_) + " must be in one of these ranges, which decides what else is required.";
    for (const Tier& tier : tiers_) {
      out += "\n   - If it is " + range_text(tier) + ": ";
      std::string then;
      for (const auto& constraint : tier.then) then += (then.empty() ? "" : " ") + constraint->sentence();
      out += then.empty() ? "nothing more is required." : then;
    }
    return out;
  }

  std::vector<std::string> branches() const override {
    std::vector<std::string> out{"in no range"};
    for (const Part& part : parts_)
      out.push_back("range " + range_text(tiers_[part.tier]) + ": " + std::to_string(part.constraint + 1) + " " +
                    tiers_[part.tier].then[part.constraint]->branches()[part.branch]);
    return out;
  }

  Literal reify(Lowering& lowering, size_t branch) const override {
    if (branch == 0) {
      std::vector<int> test;
      for (int64_t cell : *column_.cells) test.push_back(cell == kUnknown ? 2 : tier_at(cell) ? 1 : 0);
      return lowering.row_test(slot_, test);
    }
    const Part& part = parts_[branch - 1];
    return lowering.any({!inside(lowering, tiers_[part.tier]), tiers_[part.tier].then[part.constraint]->reify(lowering, part.branch)});
  }

  void prefer_near_miss(Lowering& lowering, size_t branch) const override {
    if (branch > 0) tiers_[parts_[branch - 1].tier].then[parts_[branch - 1].constraint]->prefer_near_miss(lowering, parts_[branch - 1].branch);
  }

  std::string python() const override {
    std::string out;
    for (const Tier& tier : tiers_) {
      std::string then;
      for (const auto& constraint : tier.then) then += (then.empty() ? "" : ", ") + ("(lambda: " + constraint->python() + ")");
      out += (out.empty() ? "" : ", ") + ("(" + std::to_string(tier.from) + ", " + (tier.below ? std::to_string(*tier.below) : "None") + ", [" + then + "])");
    }
    return "tiers(v(" + std::to_string(slot_) + ", " + python_text(column_.spec->name) + "), [" + out + "])";
  }

  std::vector<int> slots() const override {
    std::set<int> out{slot_};
    for (const Tier& tier : tiers_)
      for (const auto& constraint : tier.then)
        for (int slot : constraint->slots()) out.insert(slot);
    return {out.begin(), out.end()};
  }
  std::set<ColumnNeed> needs() const override {
    std::set<ColumnNeed> out{{column_.table, column_.column}};
    for (const Tier& tier : tiers_)
      for (const auto& constraint : tier.then) out.merge(constraint->needs());
    return out;
  }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    out.push_back({column_.table, column_.column, rows[slot_]});
    if (const Tier* tier = tier_of(rows))
      for (const auto& constraint : tier->then) constraint->facts(rows, out);
  }

 private:
  struct Part {
    size_t tier, constraint, branch;
  };
  const Tier* tier_at(int64_t cell) const {
    if (!has_value(cell)) return nullptr;
    for (const Tier& tier : tiers_)
      if (tier.contains(cell)) return &tier;
    return nullptr;
  }
  const Tier* tier_of(const int32_t* rows) const { return tier_at(column_.at(rows[slot_])); }
  Literal inside(Lowering& lowering, const Tier& tier) const {
    std::vector<int> test;
    for (int64_t cell : *column_.cells) test.push_back(cell == kUnknown ? 2 : has_value(cell) && tier.contains(cell) ? 1 : 0);
    return lowering.row_test(slot_, test);
  }
  std::string range_text(const Tier& tier) const {
    std::string out = "at least " + value_text(tier.from, column_, binding_);
    return tier.below ? out + " and below " + value_text(*tier.below, column_, binding_) : out;
  }

  Binding binding_;
  int slot_;
  BoundColumn column_;
  std::vector<Tier> tiers_;
  std::vector<Part> parts_;
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  const Json& on = reader.object("on");
  const auto slot = read_slot(reader, "on", binding);
  if (!slot) return nullptr;
  const BoundColumn column = read_column(reader, on.value("get", ""), "on", {*slot}, binding);
  if (column.spec && !column.spec->is_number()) reader.fail("on", "the column holds no numbers");
  std::vector<Tier> tiers;
  const Json& list = reader.array("tiers");
  for (size_t i = 0; i < list.size() && !reader.failed(); ++i) {
    const std::string path = reader.path_of("tiers") + "[" + std::to_string(i) + "]";
    JsonReader r(list[i], reader.file(), path);
    Tier tier;
    tier.from = read_cell(r, "from", r.member("from"), column, binding);
    if (const Json& below = r.member_or_null("below"); !below.is_null()) tier.below = read_cell(r, "below", below, column, binding);
    const Json& then = r.array("then");
    if (Status status = r.finish(); !status.ok()) {
      reader.fail("tiers", status.error().text());
      return nullptr;
    }
    for (const Tier& other : tiers)
      if ((!tier.below || other.from < *tier.below) && (!other.below || tier.from < *other.below)) reader.fail("tiers", "two ranges overlap");
    for (size_t c = 0; c < then.size(); ++c) {
      auto constraint = compile_constraint(then[c], binding, reader.file(), path + ".then[" + std::to_string(c) + "]");
      if (!constraint.ok()) {
        reader.fail("tiers", constraint.error().text());
        return nullptr;
      }
      tier.then.push_back(std::move(*constraint));
    }
    tiers.push_back(std::move(tier));
  }
  if (tiers.empty()) reader.fail("tiers", "expected at least one range");
  if (reader.failed()) return nullptr;
  return std::make_unique<Tiers>(binding, *slot, column, std::move(tiers));
}

}  // namespace

Operator make() { return {"tiers", "which constraints apply depends on the range an attribute falls into", compile}; }

}  // namespace assay::operators::tiers
