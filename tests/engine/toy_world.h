// A small country for policies to travel in: a task's view, tools that answer from maps, and a loop that plays rollouts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "envs/policy.h"

namespace assay {

struct ToyPlace {
  std::string name;
  double price = 0, rating = 0;
};

struct ToyCity {
  std::vector<ToyPlace> hotels, restaurants, attractions;
};

class ToyWorld {
 public:
  ToyWorld() {
    for (const char* city : {"Ax", "By", "Cz", "Du", "Ev"}) {
      ToyCity& places = cities[city];
      for (int i = 0; i < 3; ++i) places.hotels.push_back({city + std::string(" Hotel ") + std::to_string(i), 900.0 - 100 * i, 4.0});
      for (int i = 0; i < 4; ++i) places.restaurants.push_back({"Diner " + std::to_string(i), 50, 3.0 + 0.5 * ((i + 2) % 4)});
      for (int i = 0; i < 2; ++i) places.attractions.push_back({city + std::string(" Gate ") + std::to_string(i), 80.0 - i, 4.0});
    }
    view = make_view();
  }

  std::map<std::string, ToyCity> cities;
  TaskView view;

  // What a tool would answer.
  std::string call(const std::string& tool, const std::string& text) const {
    const Json arguments = Json::parse(text, nullptr, false);
    if (!arguments.is_object()) return "error: the arguments are not a JSON object";
    if (tool == "get_all_cities") {
      Json names = Json::array();
      for (const auto& [name, places] : cities) names.push_back(name);
      return names.dump();
    }
    for (const auto& [kind, plural] : kKinds) {
      if (tool == "get_all_" + plural + "_by_city") return list(arguments, plural);
      if (tool == "get_infos_by_" + kind) return infos(arguments, kind, plural);
    }
    return "error: unknown tool " + tool;
  }

 private:
  inline static const std::map<std::string, std::string> kKinds = {
      {"hotel", "hotels"}, {"restaurant", "restaurants"}, {"attraction", "attractions"}};

  static const std::vector<ToyPlace>& places(const ToyCity& city, const std::string& plural) {
    return plural == "hotels" ? city.hotels : plural == "restaurants" ? city.restaurants : city.attractions;
  }

  std::string list(const Json& arguments, const std::string& plural) const {
    if (!arguments.contains("city") || !arguments["city"].is_string()) return "error: city: expected a string";
    const auto city = cities.find(arguments["city"].get<std::string>());
    Json names = Json::array();
    if (city != cities.end())
      for (const ToyPlace& place : places(city->second, plural)) names.push_back(place.name);
    return names.dump();
  }

  // Every entity of that name, as get_infos tools answer when a name stands in several cities.
  std::string infos(const Json& arguments, const std::string& kind, const std::string& plural) const {
    if (arguments.value("info_keywords", Json()) != Json::array({kind == "restaurant" ? "rating" : "price"}))
      return "error: info_keywords: ask for one";
    Json records = Json::array();
    for (const auto& [city, all] : cities)
      for (const ToyPlace& place : places(all, plural))
        if (place.name == arguments.value(kind, "")) {
          Json record{{"name", place.name}, {"city", city}};
          if (kind == "restaurant") record["rating"] = place.rating;
          else record["price"] = place.price;
          records.push_back(record);
        }
    return records.dump();
  }

  static Json schema(const Json& properties) {
    Json required = Json::array();
    for (const auto& [name, value] : properties.items()) required.push_back(name);
    return {{"type", "object"}, {"properties", properties}, {"required", required}, {"additionalProperties", false}};
  }

  static TaskView make_view() {
    TaskView view;
    view.id = "toy";
    view.system = "You plan trips.";
    view.prompt = "Plan three days.";
    view.answer.group_label = "day";
    view.answer.groups = 3;
    view.answer.fields = {{.name = "time", .literals = {"2025-10-01", "2025-10-02", "2025-10-03"}},
                          {.name = "city", .table = "city"},
                          {.name = "hotel", .table = "hotel", .scope = "city", .prefer_column = "price", .prefer_high = false},
                          {.name = "afternoon_restaurant", .table = "restaurant", .scope = "city", .prefer_column = "rating"},
                          {.name = "afternoon_attraction", .table = "attraction", .scope = "city", .prefer_column = "price"},
                          {.name = "evening_restaurant", .table = "restaurant", .scope = "city", .prefer_column = "rating"}};
    const Json text{{"type", "string"}};
    view.tools.push_back({.name = "get_all_cities", .parameters = schema(Json::object()),
                          .reveals = {{.table = "city", .columns = {{"name", ""}}, .complete = true}}});
    for (const auto& [kind, plural] : kKinds) {
      view.tools.push_back({.name = "get_all_" + plural + "_by_city", .parameters = schema({{"city", text}}),
                            .reveals = {{.table = kind, .given = {{"city", "city"}}, .columns = {{"name", ""}}, .complete = true}}});
      const Json keywords{{"type", "array"}, {"items", {{"type", "string"}, {"enum", {"price", "rating"}}}}};
      view.tools.push_back({.name = "get_infos_by_" + kind, .parameters = schema({{"info_keywords", keywords}, {kind, text}}),
                            .reveals = {{.table = kind,
                                         .given = {{"name", kind}},
                                         .columns = {{"city", "city"}, {"price", "price"}, {"rating", "rating"}},
                                         .complete = true}}});
    }
    view.tools.push_back({.name = "submit_result", .parameters = schema({{"answer_text", text}}), .effect = ToolEffect::kSubmit});
    return view;
  }
};

struct Played {
  Conversation messages;
  std::string answer;
  bool submitted = false;
  std::optional<Error> error;
  Usage usage;
  int64_t calls = 0;
};

struct PlayOptions {
  int64_t samples = 1;
  uint64_t seed = 7;
  int64_t steps = 20;
};

// Plays samples 0, 1, … of the world's task at once.
inline std::vector<Played> play_toy(Policy& policy, const ToyWorld& world, const PlayOptions& options = {}) {
  std::vector<Played> all(static_cast<size_t>(options.samples));
  auto ask = [&](int64_t i, int64_t step) {
    policy.ask({.rollout = i, .task = &world.view, .conversation = &all[i].messages, .seed = options.seed, .sample = i, .step = step});
  };
  for (int64_t i = 0; i < options.samples; ++i) {
    all[i].messages = {{.role = Role::kSystem, .text = world.view.system}, {.role = Role::kUser, .text = world.view.prompt}};
    ask(i, 0);
  }
  std::vector<int64_t> steps(all.size());
  for (auto actions = policy.answer(); !actions.empty(); actions = policy.answer()) {
    for (Action& action : actions) {
      Played& played = all[action.rollout];
      if (!action.message.ok()) {
        played.error = action.message.error();
        policy.finish(action.rollout);
        continue;
      }
      played.usage.prompt_tokens += action.usage.prompt_tokens;
      played.usage.completion_tokens += action.usage.completion_tokens;
      played.usage.cached_tokens += action.usage.cached_tokens;
      const Message message = action.message.value();
      played.messages.push_back(message);
      for (const ToolCall& call : message.tool_calls) {
        ++played.calls;
        if (call.name == "submit_result") {
          played.submitted = true;
          played.answer = Json::parse(call.arguments)["answer_text"].get<std::string>();
        }
        played.messages.push_back({.role = Role::kTool, .text = world.call(call.name, call.arguments), .tool_call_id = call.id});
      }
      if (message.tool_calls.empty() || played.submitted || ++steps[action.rollout] == options.steps) policy.finish(action.rollout);
      else ask(action.rollout, steps[action.rollout]);
    }
  }
  return all;
}

}  // namespace assay
