#include "envs/rollout.h"

#include "envs/base/hash.h"

namespace assay {
namespace {

constexpr const char* kFormat = "assay-rollout/1";

Json to_json(const Error& error) {
  return {{"boundary", boundary_name(error.boundary)}, {"what", error.what}, {"where", error.where}, {"hint", error.hint}};
}

Status read_error(const Json& json, const std::string& where, Error& error) {
  JsonReader r(json, where, "$.failure");
  const std::string name = r.text("boundary");
  int number = 0;
  while (number <= static_cast<int>(Boundary::kInternal) && boundary_name(static_cast<Boundary>(number)) != name) ++number;
  if (number > static_cast<int>(Boundary::kInternal)) r.fail("boundary", "unknown boundary '" + name + "'");
  error.boundary = static_cast<Boundary>(number);
  error.what = r.text("what");
  error.where = r.text("where");
  error.hint = r.text("hint");
  return r.finish();
}

Json to_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"cached_tokens", usage.cached_tokens}};
}

Result<Usage> usage_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$.usage");
  const JsonReader::IntegerRule count{.minimum = 0, .maximum = INT64_MAX};
  const Usage usage{r.integer("prompt_tokens", count), r.integer("completion_tokens", count), r.integer("cached_tokens", count)};
  ASSAY_TRY(r.finish());
  return usage;
}

// How it ended: a verdict or a failure, never both.
Status read_end(JsonReader& r, const std::string& where, Rollout& rollout) {
  const Json& failure = r.member_or_null("failure");
  const Json& verdict = r.member_or_null("verdict");
  if (failure.is_null() == verdict.is_null()) {
    r.fail("", "expected either a verdict or a failure");
    return {};
  }
  if (!failure.is_null()) {
    rollout.status = RolloutStatus::kFailed;
    ASSAY_TRY(read_error(failure, where, rollout.failure.emplace()));
  } else {
    ASSAY_ASSIGN(rollout.verdict, verdict_from_json(verdict, where));
  }
  return {};
}

}  // namespace

std::string rollout_id(const std::string& task, const std::string& policy, uint64_t seed, int64_t sample) {
  return json_identity({{"task", task}, {"policy", policy}, {"seed", seed}, {"sample", sample}});
}

Json to_json(const Rollout& rollout) {
  Json messages = Json::array();
  for (const Message& message : rollout.messages) messages.push_back(Json(stored_json(message)));
  Json times = Json::array();
  for (const StepTime& time : rollout.times) times.push_back({time.policy_us, time.tool_us});
  Json json = {{"format", kFormat},
               {"id", rollout.id},
               {"task", rollout.task},
               {"policy", rollout.policy},
               {"seed", rollout.seed},
               {"sample", rollout.sample},
               {"messages", std::move(messages)},
               {"answer", rollout.answer},
               {"submitted", rollout.submitted},
               {"stop", rollout.stop},
               {"steps", rollout.steps},
               {"calls", rollout.calls},
               {"failed_calls", rollout.failed_calls},
               {"usage", to_json(rollout.usage)},
               {"wall_us", rollout.wall_us},
               {"tool_us", rollout.tool_us},
               {"times", std::move(times)}};
  if (!rollout.state.is_null()) json["state"] = rollout.state;
  if (rollout.status == RolloutStatus::kFailed) json["failure"] = to_json(rollout.failure.value_or(Error{}));
  else json["verdict"] = to_json(rollout.verdict);
  if (rollout.context) json["context"] = to_json(*rollout.context);
  return json;
}

Result<Rollout> rollout_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$");
  if (r.text("format") != kFormat) r.fail("format", std::string("expected ") + kFormat);
  const JsonReader::IntegerRule count{.minimum = 0, .maximum = INT64_MAX};
  Rollout rollout;
  rollout.id = r.text("id");
  rollout.task = r.text("task");
  rollout.policy = r.text("policy");
  const Json& seed = r.member("seed");
  if (!seed.is_number_integer() || (!seed.is_number_unsigned() && seed.get<int64_t>() < 0))
    r.fail("seed", "expected an integer of at least 0");
  else rollout.seed = seed.get<uint64_t>();
  rollout.sample = r.integer("sample", count);
  const Json& messages = r.array("messages");
  for (size_t i = 0; i < messages.size(); ++i) {
    ASSAY_ASSIGN(Message message, message_from_json(messages[i], where + ": $.messages[" + std::to_string(i) + "]"));
    rollout.messages.push_back(std::move(message));
  }
  rollout.answer = r.text("answer");
  rollout.state = r.member_or_null("state");
  if (!rollout.state.is_null() && !rollout.state.is_object()) r.fail("state", "expected an object");
  rollout.submitted = r.boolean_or("submitted", false);
  ASSAY_TRY(read_end(r, where, rollout));
  rollout.stop = r.text("stop");
  rollout.steps = r.integer("steps", count);
  rollout.calls = r.integer("calls", count);
  rollout.failed_calls = r.integer("failed_calls", count);
  const Json& usage = r.object("usage");
  rollout.wall_us = r.integer("wall_us", count);
  rollout.tool_us = r.integer("tool_us", count);
  const Json& times = r.member_or_null("times");   // rollouts stored before they were kept have none
  for (const Json& time : times) {
    const bool two = time.is_array() && time.size() == 2 && time[0].is_number_integer() && time[1].is_number_integer();
    if (!two) r.fail("times", "expected pairs of microseconds");
    else rollout.times.push_back({time[0].get<int64_t>(), time[1].get<int64_t>()});
  }
  const Json& context = r.member_or_null("context");
  ASSAY_TRY(r.finish());
  if (!context.is_null()) {
    ASSAY_ASSIGN(rollout.context, context_record_from_json(context, where));
  }
  ASSAY_ASSIGN(rollout.usage, usage_from_json(usage, where));
  return rollout;
}

}  // namespace assay
