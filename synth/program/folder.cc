#include "synth/program/folder.h"

#include <filesystem>
#include <set>

#include "envs/python_module.h"
#include "synth/agent/draft.h"

namespace assay {
namespace {

constexpr const char* kHead = "domain.json";
constexpr JsonLimits kHeadLimits{.bytes = 1 << 20, .depth = 32};
constexpr size_t kMostFiles = 200;

constexpr const char* kPrograms[] = {"draw", "solution", "verifier"};

class Assembly {
 public:
  explicit Assembly(const FolderFiles& files) : files_(files) {}

  Result<OrderedJson> run() {
    ASSAY_ASSIGN(const std::string head_text, file(kHead));
    ASSAY_ASSIGN(OrderedJson head, parse_ordered_json(head_text, kHead, kHeadLimits));
    if (!head.is_object()) return input_error("expected an object", kHead);
    for (const char* member : {"tables", "tools", "tasks"})
      if (!head.contains(member) || head[member].is_object() != (std::string(member) == "tasks")) return input_error(std::string("expected \"") + member + "\"", kHead);
    OrderedJson out{{"format", "assay-domain/1"}};
    for (const auto& [name, value] : head.items())
      if (name != "tools" && name != "tasks") out[name] = value;
    ASSAY_ASSIGN(out["tools"], tools(head["tools"]));
    ASSAY_ASSIGN(const std::string data, file("data.py"));
    ASSAY_ASSIGN(OrderedJson tasks, tasks_of(head["tasks"]));
    out["archetypes"] = {{"program", {{"data", data}, {"tasks", std::move(tasks)}}}};
    for (const auto& [name, content] : files_)
      if (!used_.contains(name)) return input_error("the file belongs to nothing: no task of " + std::string(kHead) + " is called so", name);
    return out;
  }

 private:
  Result<std::string> file(const std::string& name) {
    used_.insert(name);
    const auto it = files_.find(name);
    if (it == files_.end()) return input_error("the file is missing", name);
    return it->second;
  }

  Result<OrderedJson> tools(const OrderedJson& declared) {
    ASSAY_ASSIGN(const std::string module, file("tools.py"));
    OrderedJson out = OrderedJson::array();
    for (const OrderedJson& tool : declared) {
      if (!tool.is_object() || tool.contains("kind") || tool.contains("body")) return input_error("a tool is {\"name\", \"description\", \"parameters\", \"effect\"?}; what it does stands in tools.py", kHead);
      OrderedJson whole = tool;
      whole["kind"] = "function";
      whole["body"] = {{"module", module}};
      out.push_back(std::move(whole));
    }
    return out;
  }

  Result<OrderedJson> tasks_of(const OrderedJson& declared) {
    OrderedJson out = OrderedJson::object();
    for (const auto& [name, task] : declared.items()) {
      // Names become those of files.
      if (name.empty() || name.size() > 64 || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos)
        return input_error("a task's name has lower-case letters, digits and underscores; found '" + name.substr(0, 80) + "'", kHead);
      if (!task.is_object()) return input_error("expected an object for the task '" + name + "'", kHead);
      OrderedJson whole = task;
      ASSAY_ASSIGN(whole["prompt"], file(name + ".txt"));
      for (const char* program : kPrograms) {
        ASSAY_ASSIGN(whole[program], file(name + "." + program + ".py"));
      }
      out[name] = std::move(whole);
    }
    return out;
  }

  const FolderFiles& files_;
  std::set<std::string> used_;
};

}  // namespace

Result<OrderedJson> domain_from_files(const FolderFiles& files) { return Assembly(files).run(); }

FolderFiles files_from_domain(const OrderedJson& domain) {
  FolderFiles out;
  OrderedJson head = domain;
  head.erase("format");
  head.erase("archetypes");
  for (OrderedJson& tool : head["tools"]) {
    out["tools.py"] = tool["body"]["module"];
    tool.erase("kind");
    tool.erase("body");
  }
  const OrderedJson& part = domain["archetypes"]["program"];
  out["data.py"] = part["data"];
  head["tasks"] = part["tasks"];
  for (const auto& [name, task] : part["tasks"].items()) {
    out[name + ".txt"] = task["prompt"];
    head["tasks"][name].erase("prompt");
    for (const char* program : kPrograms) {
      out[name + "." + program + ".py"] = task[program];
      head["tasks"][name].erase(program);
    }
  }
  out[kHead] = readable_json(head);
  return out;
}

Result<Json> read_program_folder(const std::string& folder) {
  FolderFiles files;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".") || !entry.is_regular_file()) continue;
    if (files.size() == kMostFiles) return input_error("more than " + std::to_string(kMostFiles) + " files", folder);
    ASSAY_ASSIGN(files[name], read_file(entry.path().string(), static_cast<size_t>(kModuleBytes)));
  }
  if (failure) return input_error("cannot read the folder: " + failure.message(), folder);
  const Result<OrderedJson> domain = domain_from_files(files);
  if (!domain.ok()) return make_error(Boundary::kInput, domain.error().what, folder + "/" + domain.error().where, domain.error().hint);
  return parse_json(domain->dump(), folder);
}

Status write_program_folder(const std::string& folder, const FolderFiles& files) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return input_error("cannot make the folder: " + failure.message(), folder);
  for (const auto& [name, content] : files) ASSAY_TRY(write_file(folder + "/" + name, content));
  return {};
}

}  // namespace assay
