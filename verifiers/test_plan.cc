#include "verifiers/test_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "verifiers/canary.h"
#include "verifiers/test_report.h"

namespace assay {
namespace {

constexpr std::pair<const char*, int64_t RunLimits::*> kLimits[] = {
    {"wall_ms", &RunLimits::wall_ms},           {"cpu_ms", &RunLimits::cpu_ms},         {"memory_bytes", &RunLimits::memory_bytes},
    {"processes", &RunLimits::processes},       {"cores", &RunLimits::cores},           {"output_bytes", &RunLimits::output_bytes},
    {"kept_bytes", &RunLimits::kept_bytes},     {"file_bytes", &RunLimits::file_bytes}, {"disk_bytes", &RunLimits::disk_bytes},
    {"files", &RunLimits::files},               {"open_files", &RunLimits::open_files}};

Json to_json(const RunLimits& limits) {
  Json json = Json::object();
  for (const auto& [name, limit] : kLimits) json[name] = limits.*limit;
  return json;
}

Result<RunLimits> limits_from_json(const Json& json, const std::string& where, const std::string& path) {
  RunLimits limits;
  JsonReader r(json, where, path);
  for (const auto& [name, limit] : kLimits) limits.*limit = r.integer(name, {.minimum = 1, .fallback = limits.*limit});
  ASSAY_TRY(r.finish());
  return limits;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
}

bool mentions(const std::vector<std::string>& argv, std::string_view place) {
  return std::any_of(argv.begin(), argv.end(), [&](const std::string& argument) { return argument.find(place) != std::string::npos; });
}

std::map<std::string, std::string> environment_of(JsonReader& r) {
  std::map<std::string, std::string> environment;
  if (!r.has("environment")) return environment;
  for (const auto& [name, value] : r.object("environment").items()) {
    if (name.empty() || name.find('=') != std::string::npos || !value.is_string()) r.fail("environment", "a variable is a name without '=' and a text");
    else environment[name] = value.get<std::string>();
  }
  return environment;
}

// Every id once, in one list.
void check_ids(JsonReader& r, const TestPlan& plan) {
  std::set<std::string_view> seen;
  for (const auto& [name, ids] : {std::pair{"fail_to_pass", &plan.fail_to_pass}, std::pair{"pass_to_pass", &plan.pass_to_pass}, std::pair{"ignored", &plan.ignored}})
    for (const std::string& id : *ids)
      if (id.empty() || !seen.insert(id).second) return r.fail(name, id.empty() ? "an id is empty" : "the id \"" + id + "\" occurs twice");
}

}  // namespace

std::vector<std::string> expand(const TestCommand& command, const TestPlaces& places) {
  std::vector<std::string> argv;
  for (std::string argument : command.argv) {
    if (argument == "{tests}") {
      argv.insert(argv.end(), command.files.begin(), command.files.end());
      continue;
    }
    replace_all(argument, "{report}", places.report);
    replace_all(argument, "{seed}", std::to_string(places.seed));
    argv.push_back(std::move(argument));
  }
  return argv;
}

Json to_json(const TestCommand& command) {
  return {{"argv", command.argv},   {"environment", command.environment}, {"format", command.format}, {"report", command.report},
          {"files", command.files}, {"beside", command.beside},           {"shuffles", command.shuffles},       {"canary", command.canary}};
}

Result<TestCommand> test_command_from_json(const Json& json, const std::string& where, const std::string& path) {
  TestCommand command;
  JsonReader r(json, where, path);
  command.argv = r.texts("argv");
  command.environment = environment_of(r);
  command.format = r.text("format");
  command.report = r.text_or("report", command.report);
  command.files = r.texts_or("files", {});
  command.beside = r.text_or("beside", "");
  command.shuffles = r.boolean_or("shuffles", false);
  command.canary = r.text("canary");
  if (!r.failed()) {
    if (command.argv.empty()) r.fail("argv", "a command has a program");
    if (command.report != "file" && command.report != "output") r.fail("report", "\"" + command.report + "\" is neither \"file\" nor \"output\"");
    if (command.report == "file" && !mentions(command.argv, "{report}")) r.fail("argv", "{report} does not occur, so there would be no file");
    if (command.shuffles && !mentions(command.argv, "{seed}")) r.fail("argv", "{seed} does not occur, so the order would always be the same");
    if (const auto parser = find_report_parser(command.format); !parser.ok()) r.fail("format", parser.error().what, parser.error().hint);
    if (const auto writer = find_canary_writer(command.canary); !writer.ok()) r.fail("canary", writer.error().what, writer.error().hint);
  }
  ASSAY_TRY(r.finish());
  return command;
}

Json to_json(const TestPlan& plan) {
  Json commands = Json::array();
  for (const TestCommand& command : plan.commands) commands.push_back(to_json(command));
  return {{"build", plan.build},     {"commands", commands}, {"tests", plan.tests}, {"fail_to_pass", plan.fail_to_pass}, {"pass_to_pass", plan.pass_to_pass},
          {"ignored", plan.ignored}, {"layers", plan.layers}, {"limits", to_json(plan.limits)}};
}

Result<TestPlan> test_plan_from_json(const Json& json, const std::string& where) {
  TestPlan plan;
  JsonReader r(json, where, "$");
  plan.build = r.texts_or("build", {});
  plan.tests = r.text("tests");
  plan.fail_to_pass = r.texts("fail_to_pass");
  plan.pass_to_pass = r.texts("pass_to_pass");
  plan.ignored = r.texts_or("ignored", {});
  plan.layers = r.texts("layers");
  const Json& commands = r.array("commands");
  for (size_t i = 0; !r.failed() && i < commands.size(); ++i) {
    ASSAY_ASSIGN(TestCommand command, test_command_from_json(commands[i], where, r.path_of("commands") + "[" + std::to_string(i) + "]"));
    plan.commands.push_back(std::move(command));
  }
  if (!r.failed() && commands.empty()) r.fail("commands", "nothing is run");
  if (!r.failed() && r.has("limits")) {
    ASSAY_ASSIGN(plan.limits, limits_from_json(r.object("limits"), where, r.path_of("limits")));
  }
  check_ids(r, plan);
  ASSAY_TRY(r.finish());
  return plan;
}

}  // namespace assay
