// Instances in the form of SWE-bench (a JSON array, or JSON Lines): repo, instance_id, base_commit, patch, test_patch, problem_statement; what
// else they have is not read.
#include <charconv>
#include <filesystem>

#include "synth/mine/records.h"
#include "synth/mine/source.h"

namespace assay::sources::swe_bench {
namespace {

constexpr size_t kBatch = 256;

Result<MinedChange> change_of(const FileRecord& record) {
  if (!record.json.ok()) return record.json.error();
  JsonReader r(*record.json, record.where, "$");
  MinedChange change;
  Candidate& c = change.candidate;
  c.source = "swe_bench";
  c.repository = r.text("repo");
  const std::string instance = r.text("instance_id");
  c.base = r.text("base_commit");
  c.gold = r.text("patch");
  c.tests = r.text("test_patch");
  c.statement = r.text("problem_statement");
  c.merged = r.text_or("created_at", "");
  for (const auto& [name, value] : record.json->items()) (void)r.member_or_null(name.c_str());
  ASSAY_TRY(r.finish());
  if (c.base.size() != 40 || c.base.find_first_not_of("0123456789abcdef") != std::string::npos)
    return input_error("expected 40 hexadecimal digits", record.where + ": $.base_commit");
  // "owner__name-123".
  const size_t dash = instance.rfind('-');
  if (dash != std::string::npos) std::from_chars(instance.data() + dash + 1, instance.data() + instance.size(), c.pull);
  c.title = c.statement.substr(0, std::min(c.statement.find('\n'), size_t{200}));
  c.statement_from = "issue";
  return change;
}

class SweBenchSource final : public ChangeSource {
 public:
  explicit SweBenchSource(std::vector<FileRecord> records) : records_(std::move(records)) {}

  Result<std::vector<MinedChange>> next() override {
    std::vector<MinedChange> out;
    for (; at_ < records_.size() && out.size() < kBatch; ++at_) {
      Result<MinedChange> change = change_of(records_[at_]);
      out.push_back(change.ok() ? std::move(*change) : MinedChange{.lost = Loss{"unreadable", change.error().text()}});
    }
    return out;
  }

 private:
  std::vector<FileRecord> records_;
  size_t at_ = 0;
};

}  // namespace

MiningSource make() {
  return {"swe_bench", "FILE of instances in the form of SWE-bench", 30,
          [](const std::string& argument) { return std::filesystem::is_regular_file(argument) && first_record(argument).contains("instance_id"); },
          [](const SourceOptions& options) -> Result<std::unique_ptr<ChangeSource>> {
            ASSAY_ASSIGN(std::vector<FileRecord> records, read_records(options.argument));
            return std::unique_ptr<ChangeSource>(new SweBenchSource(std::move(records)));
          }};
}

}  // namespace assay::sources::swe_bench
