#include "cli/env_server.h"

#include <algorithm>

#include "cli/command.h"

namespace assay {
namespace {

constexpr const char* kDefaultEpisode = "default";

std::string line_of(const OrderedJson& json) { return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace); }

std::string error_line(const Error& error) { return line_of({{"error", to_json(error)}}); }

// A tool's arguments as a model would write them: an object, or JSON text.
Result<std::string> arguments_of(const Json& value) {
  if (value.is_null()) return std::string("{}");
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) return canonical_json(value);
  return input_error("expected an object or JSON text", "request: $.arguments");
}

}  // namespace

EnvServer::EnvServer(DatabaseCache& databases, std::vector<TaskRow> tasks) : host_(databases), tasks_(std::move(tasks)) {
  for (size_t i = 0; i < tasks_.size(); ++i) index_of_.emplace(tasks_[i].id, i);
}

std::string EnvServer::answer(std::string_view line) {
  Result<Json> request = parse_json(line, "request", {.bytes = kLineBytes});
  if (!request.ok()) return error_line(request.error());
  Result<OrderedJson> answered = dispatch(*request);
  return answered.ok() ? line_of(*answered) : error_line(answered.error());
}

std::string EnvServer::refuse_long_line() const {
  return error_line(make_error(Boundary::kLimit, "a line of more than " + std::to_string(kLineBytes) + " bytes", "request"));
}

Result<OrderedJson> EnvServer::dispatch(const Json& request) {
  using Handler = Result<OrderedJson> (EnvServer::*)(JsonReader&);
  static const std::vector<std::pair<std::string, Handler>> handlers = {
      {"list", &EnvServer::list}, {"reset", &EnvServer::reset}, {"call", &EnvServer::call},
      {"step", &EnvServer::step}, {"score", &EnvServer::score}, {"close", &EnvServer::close}};
  if (!request.is_object()) return input_error("expected an object with \"op\"", "request");
  JsonReader reader(request, "request", "$");
  const std::string op = reader.text("op");
  std::vector<std::string> known;
  for (const auto& [name, handler] : handlers) {
    if (name == op) return (this->*handler)(reader);
    known.push_back(name);
  }
  if (reader.failed()) return reader.finish().error();
  return unknown_name("op", op, known, "request");
}

Result<OrderedJson> EnvServer::list(JsonReader& reader) {
  const int64_t total = static_cast<int64_t>(tasks_.size());
  const int64_t offset = reader.integer("offset", {.minimum = 0, .fallback = 0});
  const int64_t limit = reader.integer("limit", {.minimum = 0, .fallback = 1000});
  ASSAY_TRY(reader.finish());
  OrderedJson rows = OrderedJson::array();
  for (int64_t i = std::min(offset, total); i < total && i - offset < limit; ++i)
    rows.push_back({{"index", i}, {"task", tasks_[i].id}, {"difficulty", tasks_[i].difficulty}});
  return OrderedJson{{"total", total}, {"tasks", std::move(rows)}};
}

Result<std::string> EnvServer::task_id(JsonReader& reader) {
  const bool by_index = reader.has("index");
  const std::string id = by_index ? "" : reader.text("task");
  const int64_t index = by_index ? reader.integer("index") : 0;
  if (reader.failed()) return reader.finish().error();
  const int64_t total = static_cast<int64_t>(tasks_.size());
  if (by_index && (index < 0 || index >= total))
    return input_error("no task with index " + std::to_string(index), "request: $.index",
                       "0 to " + std::to_string(total - 1));
  if (by_index) return tasks_[static_cast<size_t>(index)].id;
  auto it = index_of_.lower_bound(id);
  if (id.size() < 6 || it == index_of_.end() || !it->first.starts_with(id))
    return input_error("no such task is served here: '" + id.substr(0, 80) + "'", "request: $.task", "{\"op\":\"list\"}");
  if (auto after = std::next(it); it->first != id && after != index_of_.end() && after->first.starts_with(id))
    return input_error("'" + id + "' names several tasks", "request: $.task", "more digits");
  return it->first;
}

Result<OrderedJson> EnvServer::reset(JsonReader& reader) {
  const std::string name = reader.text_or("episode", kDefaultEpisode);
  ASSAY_ASSIGN(const std::string id, task_id(reader));
  ASSAY_TRY(reader.finish());
  if (name.size() > 256) return input_error("a name of more than 256 bytes", "request: $.episode");
  if (!episodes_.count(name) && episodes_.size() >= kEpisodes)
    return make_error(Boundary::kLimit, std::to_string(kEpisodes) + " episodes are open", "request",
                      "close one first: {\"op\":\"close\",\"episode\":NAME}");
  ASSAY_ASSIGN(std::shared_ptr<const Task> task, host_.task(id));
  ASSAY_ASSIGN(std::shared_ptr<Toolset> tools, host_.tools(*task));
  OrderedJson specs = OrderedJson::array();
  for (const ToolSpec& tool : tools->specs()) specs.push_back(public_tool_json(tool));
  OrderedJson json{{"episode", name}, {"task", id}, {"system", task->system}, {"prompt", task->prompt}, {"tools", std::move(specs)}};
  episodes_[name] = std::unique_ptr<Live>(new Live{task, tools, Episode(*task, *tools)});
  return json;
}

Result<EnvServer::Live*> EnvServer::live(const std::string& name) {
  auto it = episodes_.find(name);
  if (it == episodes_.end())
    return input_error("no open episode '" + name.substr(0, 80) + "'", "request", "{\"op\":\"reset\",\"index\":0} first");
  return it->second.get();
}

Result<OrderedJson> EnvServer::call(JsonReader& reader) {
  const std::string name = reader.text_or("episode", kDefaultEpisode);
  const std::string tool = reader.text("tool");
  const Json& arguments = reader.member_or_null("arguments");
  ASSAY_TRY(reader.finish());
  ASSAY_ASSIGN(const std::string text, arguments_of(arguments));
  ASSAY_ASSIGN(Live* open, live(name));
  ASSAY_ASSIGN(const Observation observation, open->episode.call(tool, text));
  OrderedJson json{{"observation", observation.text}};
  if (observation.error) json["is_error"] = true;
  json["done"] = open->episode.done();
  return json;
}

Result<OrderedJson> EnvServer::step(JsonReader& reader) {
  const std::string name = reader.text_or("episode", kDefaultEpisode);
  const Json& written = reader.object("message");
  ASSAY_TRY(reader.finish());
  ASSAY_ASSIGN(const Message message, message_from_json(written, "request: $.message"));
  if (message.role != Role::kAssistant)
    return input_error("expected a message with role assistant", "request: $.message");
  ASSAY_ASSIGN(Live* open, live(name));
  ASSAY_ASSIGN(const Conversation results, open->episode.step(message));
  OrderedJson messages = OrderedJson::array();
  for (const Message& result : results) messages.push_back(to_json(result));
  OrderedJson json{{"messages", std::move(messages)}, {"done", open->episode.done()}};
  if (open->episode.done()) json["stop"] = open->episode.stop();
  return json;
}

Result<OrderedJson> EnvServer::judge(const Task& task, const Outcome& outcome) {
  ASSAY_ASSIGN(const Verdict verdict, host_.judge(task, outcome));
  OrderedJson json{{"reward", verdict.reward}, {"passed", verdict.passed}};
  json["checks"] = OrderedJson::array();
  for (const Check& check : verdict.checks)
    json["checks"].push_back({{"name", check.name}, {"passed", check.passed}, {"evidence", check.evidence}});
  return json;
}

Result<OrderedJson> EnvServer::score_calls(JsonReader& reader) {
  const Json calls = reader.array("calls");
  ASSAY_ASSIGN(const std::string id, task_id(reader));
  ASSAY_TRY(reader.finish());
  ASSAY_ASSIGN(std::shared_ptr<const Task> task, host_.task(id));
  ASSAY_ASSIGN(std::shared_ptr<Toolset> tools, host_.tools(*task));
  Episode episode(*task, *tools);
  for (size_t i = 0; i < calls.size() && !episode.done(); ++i) {
    JsonReader call(calls[i], "request", "$.calls[" + std::to_string(i) + "]");
    const std::string tool = call.text("tool");
    const Json& arguments = call.member_or_null("arguments");
    ASSAY_TRY(call.finish());
    ASSAY_ASSIGN(const std::string text, arguments_of(arguments));
    ASSAY_ASSIGN(const Observation observation, episode.call(tool, text));
  }
  ASSAY_ASSIGN(const Outcome outcome, episode.outcome());
  return judge(*task, outcome);
}

Result<OrderedJson> EnvServer::score(JsonReader& reader) {
  if (reader.has("calls")) return score_calls(reader);
  if (reader.has("answer")) {
    const std::string text = reader.text("answer");
    const Json state = reader.member_or_null("state");
    ASSAY_ASSIGN(const std::string id, task_id(reader));
    ASSAY_TRY(reader.finish());
    ASSAY_ASSIGN(std::shared_ptr<const Task> task, host_.task(id));
    if ((!task->goal.is_null() || !task->tests.is_null()) && !state.is_object())
      return input_error("this task is judged by what was changed, not by an answer", "request: $.state",
                         "score an episode; or pass the \"calls\" of one, or the \"state\" of a rollout");
    return judge(*task, Outcome{text, state});
  }
  const std::string name = reader.text_or("episode", kDefaultEpisode);
  ASSAY_TRY(reader.finish());
  ASSAY_ASSIGN(Live* open, live(name));
  ASSAY_ASSIGN(const Outcome outcome, open->episode.outcome());
  ASSAY_ASSIGN(OrderedJson json, judge(*open->task, outcome));
  json["submitted"] = open->episode.submitted();
  json["steps"] = open->episode.steps();
  json["calls"] = open->episode.calls();
  return json;
}

Result<OrderedJson> EnvServer::close(JsonReader& reader) {
  const std::string name = reader.text_or("episode", kDefaultEpisode);
  ASSAY_TRY(reader.finish());
  ASSAY_TRY(live(name));
  episodes_.erase(name);
  return OrderedJson{{"closed", name}};
}

}  // namespace assay
