#include "datasets/export.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "datasets/card.h"
#include "datasets/staged_folder.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = size_t{1} << 20;

// Rows on their way into a file or pipe.
class RowFile {
 public:
  // `path` empty: standard output.
  explicit RowFile(std::string path) : path_(std::move(path)) {
    fd_ = path_.empty() ? ::dup(STDOUT_FILENO) : ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  }
  ~RowFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  RowFile(const RowFile&) = delete;

  Status add(const OrderedJson& row) {
    buffer_ += row.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
    buffer_ += '\n';
    return buffer_.size() >= kBufferBytes ? write_out() : Status();
  }

  Status write_out() {
    for (size_t done = 0; done < buffer_.size();) {
      const ssize_t put = fd_ < 0 ? -1 : ::write(fd_, buffer_.data() + done, buffer_.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return write_error(errno);
      done += static_cast<size_t>(put);
    }
    buffer_.clear();
    return {};
  }

 private:
  Error write_error(int code) const {
    if (code == EPIPE) return make_error(Boundary::kStore, "whoever read the rows has gone", "standard output", "nothing is lost: run it again");
    return make_error(Boundary::kStore, std::string("cannot write: ") + std::strerror(code), path_.empty() ? "standard output" : path_,
                      code == ENOSPC ? "free some space" : "choose a folder that can be written");
  }

  const std::string path_;
  int fd_;
  std::string buffer_;
};

Result<const Format*> find_format(const std::string& name) {
  std::vector<std::string> known;
  for (const Format& format : formats::all()) {
    if (format.name == name) return &format;
    known.push_back(format.name);
  }
  return unknown_name("format", name, known);
}

Error nothing_left(const SelectionPlan& plan, const Format& format, const std::string& store) {
  std::string why;
  const auto add = [&](const SelectionFunnel::Stage& stage, const char* noun) {
    for (const auto& [loss, count] : stage.lost)
      if (loss != Loss::kTaskLost) why += "; " + std::to_string(count) + noun + ": " + loss_words(loss);
  };
  add(plan.funnel.tasks, "");
  if (format.per_rollout) add(plan.funnel.rollouts, " of the rollouts");
  return input_error("nothing to export: of " + std::to_string(plan.funnel.tasks.seen) + " tasks none is left" + why, store,
                     format.per_rollout ? "assay rollout, or other filters" : "assay synth, or other filters");
}

class Exporter {
 public:
  Exporter(Store& store, const Format& format, const ExportOptions& options) : store_(store), format_(format), options_(options) {}

  Result<ExportReport> run() {
    const SelectionNeeds needs{format_.per_rollout, format_.takes, options_.specialist};
    ASSAY_ASSIGN(report_.plan, plan_selection(store_, options_.select, needs));
    if (report_.plan.tasks.empty()) return nothing_left(report_.plan, format_, store_.path());
    if (options_.folder != kStandardOutput) {
      ASSAY_ASSIGN(staged_, StagedFolder::begin(options_.folder));
    }
    for (const SelectedTask& task : report_.plan.tasks) ASSAY_TRY(write_task(task));
    for (auto& [split, file] : files_) ASSAY_TRY(file->write_out());
    files_.clear();
    if (staged_) ASSAY_TRY(publish());
    return std::move(report_);
  }

 private:
  Status write_task(const SelectedTask& selected) {
    ASSAY_ASSIGN(const Task task, store_.task(selected.id));
    ASSAY_ASSIGN(const Certificate certificate, store_.certificate(selected.id));
    ASSAY_ASSIGN(const auto environment, store_.environment(task.environment));
    ExportItem item{task, *environment, certificate};
    item.split = selected.split;
    if (!format_.per_rollout) return write_item(item);
    for (const std::string& id : selected.rollouts) {
      ASSAY_ASSIGN(Rollout rollout, store_.rollout(id));
      if (options_.select.reasoning == Reasoning::kNonThinking) rollout = without_reasoning(std::move(rollout));
      item.rollout = &rollout;
      ASSAY_TRY(write_item(item));
    }
    return {};
  }

  Status write_item(ExportItem& item) {
    int64_t& rows = report_.rows[item.split];
    item.number = rows++;
    ASSAY_ASSIGN(const OrderedJson row, format_.row(item));
    if (format_.row_files && staged_) {
      ASSAY_ASSIGN(const FormatFiles files, format_.row_files(item));
      for (const auto& [name, text] : files) ASSAY_TRY(staged_->write(name, text));
    }
    ASSAY_ASSIGN(RowFile* const file, file_of(item.split));
    ASSAY_TRY(file->add(row));
    card_.add(item);
    return {};
  }

  Result<RowFile*> file_of(const std::string& split) {
    auto& file = files_[staged_ ? split : ""];
    if (file) return file.get();
    std::string path;
    if (staged_) {
      ASSAY_ASSIGN(path, staged_->place("data/" + split + "." + format_.extension));
    }
    file = std::make_unique<RowFile>(path);
    return file.get();
  }

  Status publish() {
    for (const auto& [name, text] : format_.files()) ASSAY_TRY(staged_->write(name, with_store(text)));
    ASSAY_TRY(staged_->write("README.md", card_.text(format_, options_, report_, store_path())));
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
  std::unique_ptr<StagedFolder> staged_;                       // null: to standard output
  std::map<std::string, std::unique_ptr<RowFile>> files_;      // by split; one, named "", to standard output
  Card card_;
  ExportReport report_;
};

}  // namespace

Result<ExportReport> export_dataset(Store& store, const ExportOptions& options) {
  ASSAY_ASSIGN(const Format* format, find_format(options.format));
  if (options.folder.empty()) return input_error("no folder to export to", "", "name one with --out");
  return Exporter(store, *format, options).run();
}

}  // namespace assay
