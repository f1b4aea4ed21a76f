#include "datasets/export.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "datasets/card.h"
#include "datasets/parquet.h"
#include "datasets/preference_pairs.h"
#include "datasets/staged_folder.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPlannedTasks = 64;   // that a plan reads, at least; it is exact for stores that have no more

Error nothing_left(const SelectionPlan& plan, const Format& format, const std::string& store) {
  std::string why;
  const auto add = [&](const SelectionFunnel::Stage& stage, const char* noun) {
    for (const auto& [loss, count] : stage.lost)
      if (loss != Loss::kTaskLost) why += "; " + std::to_string(count) + noun + ": " + loss_words(loss);
  };
  add(plan.funnel.tasks, "");
  const bool of_rollouts = format.unit != RowUnit::kTask;
  if (of_rollouts) add(plan.funnel.rollouts, " of the rollouts");
  return input_error("nothing to export: of " + std::to_string(plan.funnel.tasks.seen) + " tasks none is left" + why, store,
                     of_rollouts ? "assay rollout, or other filters" : "assay synth, or other filters");
}

class Exporter {
 public:
  Exporter(Store& store, const Format& format, const ExportOptions& options) : store_(store), format_(format), options_(options) {}

  Result<ExportReport> run() {
    ASSAY_TRY(select());
    if (options_.folder != kStandardOutput) {
      ASSAY_ASSIGN(staged_, StagedFolder::begin(options_.folder));
    }
    for (const SelectedTask& task : report_.plan.tasks) ASSAY_TRY(write_task(task));
    ASSAY_TRY(finish());
    if (report_.rows.empty()) return nothing_held();
    if (staged_) ASSAY_TRY(publish());
    return std::move(report_);
  }

  // Reads every n-th task, and multiplies.
  Result<ExportReport> plan() {
    planning_ = true;
    ASSAY_TRY(select());
    const std::vector<SelectedTask>& tasks = report_.plan.tasks;
    const size_t step = std::max<size_t>(1, tasks.size() / kPlannedTasks);
    size_t read = 0;
    for (size_t i = 0; i < tasks.size(); i += step, ++read) ASSAY_TRY(write_task(tasks[i]));
    ASSAY_TRY(finish());
    const auto scale = [&](int64_t& count) { count = std::llround(static_cast<double>(count) * static_cast<double>(tasks.size()) / static_cast<double>(read)); };
    for (auto& [split, rows] : report_.rows) scale(rows);
    for (auto& [content, rows] : report_.dropped) scale(rows);
    for (int64_t* count : {&report_.bytes, &report_.not_held, &report_.without_tokens}) scale(*count);
    report_.exact = step == 1 && options_.encoding != RowEncoding::kParquet;
    return std::move(report_);
  }

 private:
  Status select() {
    const SelectionNeeds needs{format_.unit != RowUnit::kTask, format_.takes, options_.specialist};
    ASSAY_ASSIGN(report_.plan, plan_selection(store_, options_.select, needs));
    if (report_.plan.tasks.empty()) return nothing_left(report_.plan, format_, store_.path());
    return {};
  }

  Error nothing_held() const {
    const std::string why = format_.unit == RowUnit::kPair ? "no two rollouts of a task by one policy differ in reward" : "the format can hold none of the rollouts";
    return input_error("nothing to export: " + why, store_.path(), "other filters, or another format");
  }

  Status write_task(const SelectedTask& selected) {
    ASSAY_ASSIGN(const Task task, store_.task(selected.id));
    ASSAY_ASSIGN(const Certificate certificate, store_.certificate(selected.id));
    ASSAY_ASSIGN(const auto environment, store_.environment(task.environment));
    if (tools_of_ != environment->id) {
      tools_ = public_tools(*environment);
      tools_of_ = environment->id;
    }
    ExportItem item{task, *environment, certificate, tools_};
    item.split = selected.split;
    item.group = groups_[item.split]++;
    if (format_.unit == RowUnit::kTask) return write_item(item);
    if (format_.unit == RowUnit::kPair) return write_pairs(item, selected.rollouts);
    for (const std::string& id : selected.rollouts) {
      ASSAY_ASSIGN(const Rollout rollout, rollout_of(id));
      item.rollout = &rollout;
      ASSAY_TRY(write_taken(item));
    }
    return {};
  }

  Result<Rollout> rollout_of(const std::string& id) {
    ASSAY_ASSIGN(Rollout rollout, store_.rollout(id));
    ASSAY_ASSIGN(rollout.turns, store_.turns(id));
    return options_.select.reasoning == Reasoning::kNonThinking ? without_reasoning(std::move(rollout)) : std::move(rollout);
  }

  // In the order of the store rollouts of one policy stand together.
  Status write_pairs(ExportItem& item, const std::vector<std::string>& ids) {
    ASSAY_ASSIGN(std::vector<RolloutRow> rows, store_.rollouts({.task = item.task.id}));
    std::erase_if(rows, [&](const RolloutRow& row) { return std::find(ids.begin(), ids.end(), row.id) == ids.end(); });
    for (size_t from = 0, to = 0; from < rows.size(); from = to) {
      std::vector<double> rewards;
      for (to = from; to < rows.size() && rows[to].policy == rows[from].policy; ++to) rewards.push_back(rows[to].reward);
      for (const PreferencePair& pair : preference_pairs(rewards)) {
        ASSAY_ASSIGN(const Rollout chosen, rollout_of(rows[from + pair.chosen].id));
        ASSAY_ASSIGN(const Rollout rejected, rollout_of(rows[from + pair.rejected].id));
        item.rollout = &chosen;
        item.rejected = &rejected;
        ASSAY_TRY(write_taken(item));
      }
    }
    return {};
  }

  // Unless the format cannot hold its rollouts. What it drops of them is counted once a row.
  Status write_taken(ExportItem& item) {
    std::set<Content> dropped;
    for (const Rollout* rollout : {item.rollout, item.rejected}) {
      if (!rollout) continue;
      if (format_.takes_rollout && !format_.takes_rollout(*rollout)) {
        if (options_.strict) return refusal(*rollout, "cannot be held by");
        ++report_.not_held;
        return {};
      }
      for (Content content : contents_of(*rollout)) {
        if (format_.carries.contains(content)) continue;
        if (options_.strict) return refusal(*rollout, std::string("holds ") + content_name(content) + ", for which there is no place in");
        dropped.insert(content);
      }
    }
    std::vector<TokenSequence> sequences;
    if (format_.carries.contains(Content::kTokens)) {
      ASSAY_ASSIGN(sequences, token_sequences(*item.rollout));
      report_.without_tokens += sequences.empty();
    }
    item.sequences = sequences;
    const size_t rows = format_.unit == RowUnit::kSequence ? std::max<size_t>(1, sequences.size()) : 1;
    for (size_t i = 0; i < rows; ++i) {
      item.sequence = sequences.empty() ? nullptr : &sequences[i];
      for (Content content : dropped) ++report_.dropped[content];
      ASSAY_TRY(write_item(item));
    }
    return {};
  }

  Error refusal(const Rollout& rollout, const std::string& why) const {
    return input_error("rollout " + rollout.id.substr(0, 12) + " " + why + " the format '" + format_.name + "'", store_.path(), "another format, other filters, or without --strict");
  }

  Status write_item(ExportItem& item) {
    int64_t& rows = report_.rows[item.split];
    item.number = rows++;
    ASSAY_ASSIGN(const OrderedJson row, format_.row(item));
    if (format_.row_files && (staged_ || planning_)) {
      ASSAY_ASSIGN(const FormatFiles files, format_.row_files(item));
      for (const auto& [name, text] : files) ASSAY_TRY(write_text(name, text));
    }
    ASSAY_ASSIGN(RowSink* const file, file_of(item.split));
    ASSAY_TRY(file->add(row));
    card_.add(item);
    return {};
  }

  Status write_text(const std::string& name, const std::string& text) {
    report_.bytes += static_cast<int64_t>(text.size());
    return planning_ ? Status() : staged_->write(name, text);
  }

  Result<RowSink*> file_of(const std::string& split) {
    auto& file = files_[staged_ || planning_ ? split : ""];
    if (file) return file.get();
    if (planning_) {
      file = row_counter(options_.encoding);
    } else if (!staged_) {
      file = row_output(options_.encoding);
    } else {
      paths_[split] = encoded_path(std::string(format_.rows).replace(format_.rows.find("{split}"), 7, split), options_.encoding);
      ASSAY_ASSIGN(const std::string path, staged_->place(paths_[split]));
      if (options_.encoding != RowEncoding::kParquet) {
        file = row_file(path, options_.encoding);
      } else {
        ASSAY_ASSIGN(file, parquet_file(path, options_.parquet_program));
      }
    }
    return file.get();
  }

  Status finish() {
    for (auto& [split, file] : files_) {
      ASSAY_TRY(file->finish());
      report_.bytes += file->bytes();
    }
    files_.clear();
    return {};
  }

  Status publish() {
    if (format_.files)
      for (const auto& [name, text] : format_.files(paths_)) ASSAY_TRY(write_text(name, with_store(text)));
    ASSAY_TRY(write_text("README.md", card_.text(format_, options_, report_, paths_, store_path())));
    ASSAY_ASSIGN(report_.files, staged_->publish());
    return {};
  }

  // From the folder, so that both can be moved together.
  std::string store_path() const {
    std::error_code error;
    const fs::path path = fs::proximate(fs::absolute(store_.path(), error), fs::absolute(options_.folder, error), error);
    return path.empty() ? store_.path() : path.string();
  }

  std::string with_store(std::string text) const {
    const std::string blank = "\"@STORE@\"", literal = canonical_json(Json(store_path()));
    for (size_t at = text.find(blank); at != std::string::npos; at = text.find(blank, at + literal.size()))
      text.replace(at, blank.size(), literal);
    return text;
  }

  Store& store_;
  const Format& format_;
  const ExportOptions& options_;
  bool planning_ = false;
  std::unique_ptr<StagedFolder> staged_;                       // null: to standard output
  std::map<std::string, std::unique_ptr<RowSink>> files_;      // by split; one, named "", to standard output
  RowFiles paths_;
  std::map<std::string, int64_t> groups_;                      // tasks by split
  std::string tools_of_;                                       // the environment of the last task, and its tools
  PublicTools tools_;
  Card card_;
  ExportReport report_;
};

}  // namespace

Result<ExportReport> plan_export(Store& store, const ExportOptions& options) {
  ASSAY_ASSIGN(const Format* format, find_format(options.format));
  return Exporter(store, *format, options).plan();
}

Result<ExportReport> export_dataset(Store& store, const ExportOptions& options) {
  ASSAY_ASSIGN(const Format* format, find_format(options.format));
  if (options.folder.empty()) return input_error("no folder to export to", "", "name one with --out");
  if (options.encoding == RowEncoding::kParquet) {
    if (options.folder == kStandardOutput) return input_error("Parquet cannot be written to standard output", "", "name a folder with --out");
    ASSAY_TRY(parquet_library(options.parquet_program));
  }
  return Exporter(store, *format, options).run();
}

}  // namespace assay
