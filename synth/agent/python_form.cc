#include <sstream>

#include "synth/agent/draft.h"
#include "synth/agent/form.h"
#include "synth/agent/prompts.h"
#include "synth/program/folder.h"
#include "synth/program/program_task.h"

namespace assay {
namespace {

constexpr std::string_view kFence = "```";
constexpr size_t kFolderBytes = 512 << 10;

bool is_file_name(std::string_view name) {
  const bool known = name.ends_with(".json") || name.ends_with(".py") || name.ends_with(".txt");
  return known && name.size() <= 100 && name[0] != '.' && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == std::string_view::npos;
}

// A reply's files: every block whose fence is followed by a language and a name. What a name stands for twice is what stands there last.
struct Reply {
  FolderFiles files;
  std::vector<std::string> removed;   // an empty block takes a file away
  std::optional<Finding> wrong;
  bool any = false;
};

Reply read(std::string_view reply) {
  Reply out;
  for (size_t at = reply.find(kFence); at != std::string_view::npos; at = reply.find(kFence, at)) {
    const size_t line = reply.find('\n', at);
    if (line == std::string_view::npos) break;
    if (at > 0 && reply[at - 1] != '\n') {
      at += kFence.size();
      continue;
    }
    std::istringstream head(std::string(reply.substr(at + kFence.size(), line - at - kFence.size())));
    std::string language, name;
    head >> language >> name;
    const size_t end = reply.substr(line).starts_with("\n```") ? line : reply.find("\n```", line + 1);
    if (end == std::string_view::npos && name.empty()) break;
    if (end == std::string_view::npos) {
      out.wrong = Finding{"cut_off", "the block of '" + name.substr(0, 100) + "' has no end: the reply was cut off. Send fewer files at once"};
      return out;
    }
    at = end + 1 + kFence.size();
    if (name.empty()) continue;   // an example among words
    out.any = true;
    if (!is_file_name(name)) {
      out.wrong = Finding{"bad_file_name", "'" + name.substr(0, 100) + "' is no file of a domain: lower-case letters, digits and underscores, ending in .json, .py or .txt"};
      return out;
    }
    const std::string content(end == line ? "" : reply.substr(line + 1, end - line));
    if (content.find_first_not_of(" \r\n") == std::string::npos) out.removed.push_back(name);
    else out.files[name] = content;
  }
  return out;
}

int hardest(const Domain& domain) {
  int out = 0;
  for (const ProgramTask& task : program_tasks(domain.archetypes.at(kProgramArchetype))) out = std::max(out, task.difficulty);
  return out;
}

// The most calls that a gold of the hardest level took.
int64_t calls_of(const Examination& examination) {
  int64_t out = 0;
  for (const LevelSample& level : examination.levels) out = std::max(out, level.calls_high);
  return out;
}

class PythonForm final : public Form {
 public:
  std::string system_prompt() const override { return python_system_prompt(); }
  std::string prompt_name(const std::string& step) const override { return "python_" + step; }
  bool brings_something(std::string_view reply) const override {
    const Reply said = read(reply);
    return said.any || said.wrong;
  }

  std::optional<Finding> take(std::string_view reply) override {
    Reply said = read(reply);
    if (said.wrong) return said.wrong;
    if (!said.any) return Finding{"no_domain", "the reply has no file: a block that begins with ```python tools.py, or another name"};
    FolderFiles changed = files_;
    for (auto& [name, content] : said.files) changed[name] = std::move(content);
    for (const std::string& name : said.removed) changed.erase(name);
    size_t bytes = 0;
    for (const auto& [name, content] : changed) bytes += content.size();
    if (bytes > kFolderBytes) return Finding{"too_large", "the files have " + std::to_string(bytes) + " bytes; at most " + std::to_string(kFolderBytes) + " are taken"};
    files_ = std::move(changed);
    return std::nullopt;
  }

  std::string text() const override {
    const Result<OrderedJson> domain = domain_from_files(files_);
    return domain.ok() ? readable_json(*domain) : "";
  }

  std::optional<Finding> incomplete() const override {
    const Result<OrderedJson> domain = domain_from_files(files_);
    if (domain.ok()) return std::nullopt;
    return Finding{"does_not_compile", domain.error().text()};
  }

  std::vector<Finding> demands(const Examination& now, const Examination* before, const FormLimits& limits) const override {
    std::vector<Finding> out;
    if (!now.domain->archetypes.contains(kProgramArchetype)) return {{"does_not_compile", "the domain is not in Python"}};
    // The submission is added by the program.
    const int64_t tools = static_cast<int64_t>(now.domain->tools.size()) - 1;
    if (!before && tools < limits.tools / 2) out.push_back({"too_small", std::to_string(tools) + " tools; expected at least " + std::to_string(limits.tools / 2)});
    if (!before) return out;
    if (hardest(*now.domain) <= hardest(*before->domain)) out.push_back({"not_harder", "no task is of a higher difficulty than before"});
    if (calls_of(now) <= calls_of(*before)) out.push_back({"not_harder", "the solution of the harder task makes no more calls than those before: " + std::to_string(calls_of(*before))});
    return out;
  }

 private:
  FolderFiles files_;
};

}  // namespace

std::unique_ptr<Form> python_form() { return std::make_unique<PythonForm>(); }

}  // namespace assay
