#include "synth/lineage.h"

#include <algorithm>
#include <map>
#include <set>

#include "envs/plain_tools.h"
#include "synth/certify.h"
#include "verifiers/constraint.h"

namespace assay {
namespace {

using Names = std::set<std::string>;   // of tools

constexpr int64_t kMostUnsound = 8;

// Tools of which some are withheld.
class FewerTools final : public Tools {
 public:
  FewerTools(Tools& all, const Names& names) : all_(all) {
    for (const ToolSpec& tool : all.specs())
      if (names.count(tool.name)) specs_.push_back(tool);
  }
  const std::vector<ToolSpec>& specs() const override { return specs_; }
  Result<Observation> call(std::string_view tool, std::string_view arguments) override {
    if (std::any_of(specs_.begin(), specs_.end(), [&](const ToolSpec& spec) { return spec.name == tool; })) return all_.call(tool, arguments);
    return error_observation("there is no such tool");
  }
  Result<Json> state() override { return all_.state(); }
  Status reset() override { return all_.reset(); }

 private:
  Tools& all_;
  std::vector<ToolSpec> specs_;
};

// How much one call tells: columns of all rows that match, then columns of one. The less, the plainer.
std::pair<size_t, size_t> told_by(const ToolSpec& tool) {
  std::pair<size_t, size_t> out;
  for (const ToolSpec& plain : plain_tools({tool}))
    for (const Reveal& reveal : plain.reveals) (reveal.complete ? out.first : out.second) += reveal.columns.size();
  return out;
}

// One step as it was made of one attempt.
struct Step {
  MakeRequest request;
  RemadeTask remade;
  Names tools;
};

class Maker {
 public:
  Maker(const MakeRequest& whole, const Archetype& archetype, std::shared_ptr<const Database> database)
      : whole_(whole), archetype_(archetype), database_(std::move(database)) {
    whole_.kept = &kept_;
    for (const ToolSpec& tool : whole_.environment->tools) {
      if (tool.effect == ToolEffect::kRead) reading_.push_back(&tool);
      else always_.insert(tool.name);   // what may be done belongs to the rules
    }
    std::stable_sort(reading_.begin(), reading_.end(), [](const ToolSpec* a, const ToolSpec* b) { return told_by(*a) > told_by(*b); });
  }

  std::shared_ptr<const LineageStep> after(const Step* before) const {
    auto step = std::make_shared<LineageStep>();
    step->whole = whole_.environment;
    step->report = whole_.report;
    if (!before) return step;
    const Provenance& provenance = before->remade.task.provenance;
    step->number = provenance.step + 1;
    step->parent = before->remade.task.id;
    step->attempts = provenance.attempt;
    step->basis = before->remade.basis;
    return step;
  }

  // Drawn over all tools; then made over those that it needs beside the ones there are.
  Result<Step> make(const Step* before, std::shared_ptr<const LineageStep> place, int difficulty, int64_t attempt) {
    Step out{whole_, {}, {}};
    out.request.step = std::move(place);
    out.request.difficulty = difficulty;
    out.request.attempt = attempt;
    ASSAY_ASSIGN(const RemadeTask drawn, archetype_.make_task_only(out.request));
    ASSAY_ASSIGN(out.tools, sufficient(drawn.task, out.request, before ? before->tools : always_));
    ASSAY_ASSIGN(Bound* bound, with(out.tools));
    out.request.environment = bound->environment;
    out.request.tools = bound->tools.get();
    out.request.plain = bound->plain.get();
    out.request.report = bound->report;
    out.request.kept = &bound->kept;
    ASSAY_ASSIGN(out.remade, archetype_.make_task_only(out.request));
    return out;
  }

 private:
  struct Bound {
    std::shared_ptr<const Environment> environment;
    std::shared_ptr<const EnvironmentReport> report;
    std::unique_ptr<Toolset> tools;
    std::unique_ptr<PlainTools> plain;
    std::shared_ptr<void> kept;
  };

  // What judging may read, also where this gold does not: columns, and tables that are chosen from.
  Result<EnvironmentReport> needed(const Task& task) const {
    EnvironmentReport out;
    const Tables& tables = whole_.environment->tables;
    ASSAY_ASSIGN(const Constraints constraints, compile_constraints(task.constraints, {task.answer, tables}, "task " + task.id));
    for (const auto& constraint : constraints)
      for (const ColumnNeed& need : constraint->needs()) out.learnable.insert({need.table, need.column});
    for (const AnswerField& field : task.answer.fields)
      if (field.is_entity()) out.listable.insert(tables.table_index(field.table));
    return out;
  }

  Result<Names> sufficient(const Task& task, MakeRequest request, const Names& had) {
    ASSAY_ASSIGN(const int64_t most, archetype_.escalation->most_calls(request));
    ASSAY_ASSIGN(const EnvironmentReport needs, needed(task));
    const auto reach = [&](const Names& names) -> Status {
      FewerTools tools(*whole_.tools, names);
      EnvironmentReport told;
      find_learnable(whole_.environment->tables, plain_tools(tools.specs()), told);
      if (!std::includes(told.learnable.begin(), told.learnable.end(), needs.learnable.begin(), needs.learnable.end()) ||
          !std::includes(told.listable.begin(), told.listable.end(), needs.listable.begin(), needs.listable.end()))
        return make_error(Boundary::kTool, "the tools do not tell all that the task is judged by", "task " + task.id);
      request.tools = &tools;
      request.plain = nullptr;
      ASSAY_ASSIGN(const Exploration gold, archetype_.gold(task, request));
      if (gold.plain_calls <= most) return {};
      return make_error(Boundary::kLimit, "the gold takes " + std::to_string(gold.plain_calls) + " calls, more than " + std::to_string(most), "task " + task.id);
    };
    if (had != always_ && reach(had).ok()) return had;
    Names out = always_;
    for (const ToolSpec* tool : reading_) out.insert(tool->name);
    if (Status all = reach(out); !all.ok()) return make_error(Boundary::kTool, all.error().what, all.error().where);
    for (const ToolSpec* tool : reading_) {   // the one that tells most first
      if (had.count(tool->name)) continue;
      out.erase(tool->name);
      if (!reach(out).ok()) out.insert(tool->name);
    }
    return out;
  }

  Result<Bound*> with(const Names& names) {
    Bound& bound = bound_[names];
    if (bound.tools) return &bound;
    Environment fewer = *whole_.environment;
    std::erase_if(fewer.tools, [&](const ToolSpec& tool) { return !names.count(tool.name); });
    ASSAY_ASSIGN(const auto finished, finish_environment(std::move(fewer)));
    ASSAY_ASSIGN(bound.environment, environment_from_json(to_json(*finished), finished->domain));   // as a store gives it back
    ASSAY_ASSIGN(bound.report, check_environment(bound.environment));
    ASSAY_ASSIGN(bound.tools, Toolset::open(bound.environment, database_));
    bound.plain = std::make_unique<PlainTools>(*bound.tools);
    return &bound;
  }

  MakeRequest whole_;
  std::shared_ptr<void> kept_;
  const Archetype& archetype_;
  std::shared_ptr<const Database> database_;
  std::vector<const ToolSpec*> reading_;   // the one that tells most first
  Names always_;
  std::map<Names, Bound> bound_;
};

// Whether anything that makes a task hard is less than it was.
bool falls(const Hardness& before, const Hardness& now) {
  return !std::equal(before.scale.begin(), before.scale.end(), now.scale.begin(), now.scale.end(), std::less_equal<>());
}

struct Kept {
  Step step;
  MadeTask made;
  Hardness hardness;
};

// The next step, or nothing; then `lineage` says why.
Result<std::optional<Kept>> next(Maker& maker, const Archetype& archetype, const Kept* before, int difficulty, Lineage& lineage) {
  std::map<std::string, int64_t> reasons;
  const auto missed = [&](const std::string& reason, std::string detail) {
    ++reasons[reason];
    lineage.detail = std::move(detail);
  };
  const auto place = maker.after(before ? &before->step : nullptr);
  for (int64_t attempt = 0; attempt < kLineageAttempts && reasons["unsound"] < kMostUnsound; ++attempt) {
    auto step = maker.make(before ? &before->step : nullptr, place, difficulty, attempt);
    if (!step.ok()) {
      if (step.error().boundary != Boundary::kEnvironment && step.error().boundary != Boundary::kTool) return step.error();
      missed(step.error().boundary == Boundary::kTool ? "not_enough_tools" : "no_candidate", step.error().text());
      continue;
    }
    Kept kept{std::move(*step), {}, {}};
    kept.made.task = kept.step.remade.task;
    kept.made.candidates = attempt + 1;
    ASSAY_ASSIGN(kept.made.certificate, certify(kept.made.task, kept.step.request));
    ASSAY_ASSIGN(kept.hardness, archetype.escalation->hardness(kept.step.request, kept.made.certificate));
    if (!kept.made.certificate.sound) missed("unsound", kept.made.certificate.problems[0]);
    else if (!kept.hardness.in_band) missed("out_of_band", "what its certificate measures lies outside the bands");
    else if (before && falls(before->hardness, kept.hardness)) missed("not_harder", "its certificate measures it to be easier than the task before");
    else return std::optional<Kept>(std::move(kept));
  }
  lineage.stopped_at = difficulty;
  lineage.reason = std::max_element(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->first;
  return std::optional<Kept>();
}

Result<const Archetype*> escalating(const std::string& name) {
  ASSAY_ASSIGN(const Archetype* archetype, find_archetype(name));
  if (archetype->escalation) return archetype;
  return input_error("tasks of the archetype '" + name + "' do not grow out of each other", "--escalate", "another --archetype");
}

}  // namespace

Result<Lineage> make_lineage(const MakeRequest& first, std::shared_ptr<const Database> database, int last) {
  ASSAY_ASSIGN(const Archetype* archetype, escalating(first.archetype));
  Maker maker(first, *archetype, std::move(database));
  Lineage out;
  std::optional<Kept> before;
  for (int difficulty = first.difficulty; difficulty <= last; ++difficulty) {
    ASSAY_ASSIGN(auto kept, next(maker, *archetype, before ? &*before : nullptr, difficulty, out));
    if (!kept) return out;
    out.tasks.push_back({kept->made, kept->step.request.environment});
    before = std::move(kept);
  }
  out.detail.clear();
  return out;
}

Result<RemadeStep> remake_lineage(const Task& task, const MakeRequest& whole, std::shared_ptr<const Database> database) {
  ASSAY_ASSIGN(const Archetype* archetype, escalating(task.archetype));
  Maker maker(whole, *archetype, std::move(database));
  const Provenance& provenance = task.provenance;
  if (provenance.step > 6 || provenance.step >= std::max(1, task.difficulty))
    return input_error("no lineage has step " + std::to_string(provenance.step) + " at difficulty " + std::to_string(task.difficulty), "task " + task.id);
  std::vector<int64_t> attempts;   // the last first
  for (int64_t rest = provenance.attempt, step = 0; step <= provenance.step; ++step, rest /= kLineageAttempts) attempts.push_back(rest % kLineageAttempts);
  std::optional<Step> before;
  for (int64_t number = 0;; ++number) {
    const int64_t left = provenance.step - number;
    RemadeStep out{maker.after(before ? &*before : nullptr), attempts[static_cast<size_t>(left)], nullptr};
    ASSAY_ASSIGN(Step step, maker.make(before ? &*before : nullptr, out.step, task.difficulty - static_cast<int>(left), out.attempt));
    out.environment = step.request.environment;
    if (left == 0) return out;
    before = std::move(step);
  }
}

}  // namespace assay
