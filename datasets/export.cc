#include "datasets/export.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "datasets/card.h"
#include "envs/attack_report.h"
#include "envs/base/hash.h"
#include "envs/pass_rate.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr const char* kSplits[] = {"train", "validation", "test"};

Error write_error(const std::string& doing, const std::string& path, int code) {
  return make_error(Boundary::kStore, "cannot " + doing + ": " + std::strerror(code), path,
                    code == ENOSPC ? "free some space" : "choose a folder that can be written");
}

// Rows on their way into one file. They stand beside it until publish(); destruction without that leaves no trace.
class RowFile {
 public:
  explicit RowFile(std::string path) : path_(std::move(path)), beside_(path_ + ".tmp-" + std::to_string(::getpid())) {}
  ~RowFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(beside_.c_str());
  }
  RowFile(const RowFile&) = delete;

  Status add(const OrderedJson& row) {
    buffer_ += row.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
    buffer_ += '\n';
    ++rows_;
    return buffer_.size() >= kBufferBytes ? write_out() : Status();
  }
  int64_t rows() const { return rows_; }

  Status publish() {
    ASSAY_TRY(write_out());
    if (::fsync(fd_) != 0) return write_error("sync", beside_, errno);
    if (::rename(beside_.c_str(), path_.c_str()) != 0) return write_error("rename", path_, errno);
    ::close(fd_);
    fd_ = -1;
    return {};
  }

 private:
  Status write_out() {
    if (fd_ < 0) fd_ = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd_ < 0) return write_error("create", beside_, errno);
    for (size_t done = 0; done < buffer_.size();) {
      const ssize_t put = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return write_error("write", beside_, errno);
      done += static_cast<size_t>(put);
    }
    buffer_.clear();
    return {};
  }

  const std::string path_, beside_;
  int fd_ = -1;
  std::string buffer_;
  int64_t rows_ = 0;
};

Result<const Format*> find_format(const std::string& name) {
  std::vector<std::string> known;
  for (const Format& format : formats::all()) {
    if (format.name == name) return &format;
    known.push_back(format.name);
  }
  return unknown_name("format", name, known);
}

class Exporter {
 public:
  Exporter(Store& store, const Format& format, const ExportOptions& options)
      : store_(store), format_(format), options_(options), left_(options.rollouts.limit) {}

  Result<ExportReport> run() {
    std::error_code error;
    const bool was_there = fs::exists(options_.folder, error);
    ASSAY_TRY(make_folder());
    Status status = write_rows();
    if (status.ok()) status = publish();
    if (status.ok()) return report_;
    files_.clear();
    fs::remove(data_folder(), error);  // only if it is empty
    if (!was_there) fs::remove(options_.folder, error);
    return status.error();
  }

 private:
  Status make_folder() {
    std::error_code error;
    fs::create_directories(data_folder(), error);
    if (error) return write_error("create the folder", data_folder().string(), error.value());
    return {};
  }
  fs::path data_folder() const { return fs::path(options_.folder) / "data"; }
  std::string row_file(const std::string& split) const { return "data/" + split + "." + format_.extension; }
  std::string path_of(const std::string& file) const { return (fs::path(options_.folder) / file).string(); }

  Status write_rows() {
    ASSAY_ASSIGN(const std::vector<TaskRow> tasks, store_.tasks(options_.tasks));
    for (const TaskRow& row : tasks) {
      if (row.certificate.empty() || !row.sound) ++report_.skipped_uncertified;
      else ASSAY_TRY(write_task(row));
    }
    if (!files_.empty()) return {};
    return input_error("nothing to export: of " + std::to_string(tasks.size()) + " tasks that match, " +
                           std::to_string(report_.skipped_uncertified) + " are not certified as sound, " +
                           std::to_string(report_.skipped_attacked) + " were scored at by an attack" +
                           (report_.skipped_other ? ", " + std::to_string(report_.skipped_other) + " are none that this format can hold" : "") +
                           (report_.skipped_statement ? ", " + std::to_string(report_.skipped_statement) + " have only a commit's message for a statement" : "") +
                           (options_.kept_by.empty() ? "" : ", " + std::to_string(report_.skipped_by_filter) + " were not kept by a filter with the policy '" + options_.kept_by + "' (assay filter)") +
                           (format_.per_rollout ? ", and the others have no rollout that matches and was scored" : ""),
                       store_.path(), format_.per_rollout ? "assay rollout, or other filters" : "assay synth, or other filters");
  }

  Status write_task(const TaskRow& row) {
    std::vector<RolloutRow> rollouts;
    if (format_.per_rollout) {
      ASSAY_ASSIGN(rollouts, rollouts_of(row.id));
      if (rollouts.empty()) return {};
    }
    ASSAY_ASSIGN(const Task task, store_.task(row.id));
    if (format_.takes && !format_.takes(task)) {
      ++report_.skipped_other;
      return {};
    }
    const Json& origin = task.provenance.origin;
    if (!options_.commit_statements && origin.is_object() && origin.value("statement_from", "") == "commit") {
      ++report_.skipped_statement;
      return {};
    }
    ASSAY_ASSIGN(const Certificate certificate, store_.certificate(row.id));
    // The row of the listing says so too; what is exported rests on the certificate itself.
    if (!certificate.sound || certificate.task != task.id) {
      ++report_.skipped_uncertified;
      return {};
    }
    ASSAY_ASSIGN(const Json observations, store_.observations(task.id));
    ASSAY_ASSIGN(const AttackReport attacks, newest_attack_report(observations, "task " + task.id));
    if (attacks.total().hits > 0) {
      ++report_.skipped_attacked;
      return {};
    }
    if (!options_.kept_by.empty()) {
      ASSAY_ASSIGN(const std::optional<PassRate> rate, newest_pass_rate(observations, options_.kept_by, "task " + task.id));
      if (!rate || !rate->kept) {
        ++report_.skipped_by_filter;
        return {};
      }
    }
    report_.never_attacked += attacks.catalogue.empty();
    ASSAY_ASSIGN(const auto environment, store_.environment(task.environment));
    ExportItem item{task, *environment, certificate};
    item.split = split_of(task.id, options_.train_percent, options_.validation_percent);
    if (!format_.per_rollout) return write_item(item);
    for (const RolloutRow& each : rollouts) {
      ASSAY_ASSIGN(const Rollout rollout, store_.rollout(each.id));
      item.rollout = &rollout;
      ASSAY_TRY(write_item(item));
    }
    return {};
  }

  // The scored ones of a task that match; broken ones are counted.
  Result<std::vector<RolloutRow>> rollouts_of(const std::string& task) {
    if (options_.rollouts.task && *options_.rollouts.task != task) return std::vector<RolloutRow>();
    RolloutFilter filter = options_.rollouts;
    filter.task = task;
    filter.limit = left_;
    ASSAY_ASSIGN(std::vector<RolloutRow> rows, store_.rollouts(filter));
    if (left_ >= 0) left_ -= static_cast<int64_t>(rows.size());
    report_.skipped_failed += std::erase_if(rows, [](const RolloutRow& row) { return !row.scored; });
    return rows;
  }

  Status write_item(ExportItem& item) {
    auto& file = files_[item.split];
    if (!file) file = std::make_unique<RowFile>(path_of(row_file(item.split)));
    item.number = file->rows();
    ASSAY_ASSIGN(const OrderedJson row, format_.row(item));
    if (format_.row_files) {
      ASSAY_ASSIGN(const FormatFiles files, format_.row_files(item));
      for (const auto& [name, text] : files) {
        std::error_code error;
        fs::create_directories(fs::path(path_of(name)).parent_path(), error);
        if (error) return write_error("create the folder", path_of(name), error.value());
        ASSAY_TRY(write_text(name, text));
      }
    }
    ASSAY_TRY(file->add(row));
    card_.add(item);
    return {};
  }

  Status publish() {
    for (auto& [split, file] : files_) {
      ASSAY_TRY(file->publish());
      report_.rows[split] = file->rows();
      report_.files.push_back(row_file(split));
    }
    for (const char* split : kSplits)  // rows of an earlier export that this one has not
      if (!files_.contains(split)) ::unlink(path_of(row_file(split)).c_str());
    for (const auto& [name, text] : format_.files()) ASSAY_TRY(write_text(name, with_store(text)));
    ASSAY_TRY(write_text("README.md", card_.text(format_, options_, report_, store_path())));
    std::sort(report_.files.begin(), report_.files.end());
    return {};
  }

  Status write_text(const std::string& name, const std::string& text) {
    report_.files.push_back(name);
    return write_file(path_of(name), text);
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
  int64_t left_;  // rollouts that the limit still allows; negative: no limit
  std::map<std::string, std::unique_ptr<RowFile>> files_;
  Card card_;
  ExportReport report_;
};

}  // namespace

std::string split_of(const std::string& task_id, int train_percent, int validation_percent) {
  const std::string digits = sha256_hex(task_id).substr(0, 8);
  uint32_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  const int place = static_cast<int>(number % 100);
  if (place < train_percent) return "train";
  return place < train_percent + validation_percent ? "validation" : "test";
}

Result<ExportReport> export_dataset(Store& store, const ExportOptions& options) {
  ASSAY_ASSIGN(const Format* format, find_format(options.format));
  if (options.folder.empty()) return input_error("no folder to export to", "", "name one with --out");
  if (options.train_percent < 0 || options.validation_percent < 0 || options.train_percent + options.validation_percent > 100)
    return input_error("the shares of train and validation must be at least 0 and together at most 100 percent");
  return Exporter(store, *format, options).run();
}

}  // namespace assay
