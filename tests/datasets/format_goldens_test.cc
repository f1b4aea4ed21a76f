// One row of each format, compared byte for byte with tests/datasets/goldens/NAME.json. `ASSAY_APPROVE=1 test_datasets "goldens*"`
// writes them again; the rules below hold for what is written, so no golden is wrong silently.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>

#include "datasets/export.h"
#include "datasets/token_columns.h"
#include "envs/base/version.h"
#include "tests/datasets/sample.h"

namespace assay {
namespace {

using sample::Folder;

std::string golden_path(const std::string& format) { return std::string(std::getenv("ASSAY_SOURCE")) + "/tests/datasets/goldens/" + format + ".json"; }

// What a store gives when it holds one task with an attempt that holds everything and one that did not pass.
std::unique_ptr<Store> rich_store(const std::string& path, const Task& task) {
  auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock()).value();
  const auto environment = sample::environment();
  REQUIRE(store->put_environment(*environment).ok());
  REQUIRE(store->put_task(task).ok());
  REQUIRE(store->put_certificate(sample::certificate(task)).ok());
  REQUIRE(store->put_rollout(sample::rich_rollout(task, 0)).ok());
  REQUIRE(store->put_rollout(sample::rollout(task, 1, false, 1)).ok());
  REQUIRE(store->flush().ok());
  return store;
}

std::vector<OrderedJson> rows_of(Store& store, const Format& format, const std::string& folder) {
  const auto done = export_dataset(store, {.format = format.name, .folder = folder, .select = {.outcomes = {}, .train_percent = 100, .validation_percent = 0}});
  if (!done.ok()) FAIL(done.error().text());
  std::string path = format.rows;
  const std::string text = read_file(folder + "/" + path.replace(path.find("{split}"), 7, "train")).value();
  std::vector<OrderedJson> rows;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) rows.push_back(OrderedJson::parse(text.substr(at, text.find('\n', at) - at)));
  return rows;
}

TEST_CASE("goldens: a row of every format is what it was") {
  Folder folder;
  const Task task = sample::task(0);
  auto store = rich_store(folder.file("s.db"), task);
  for (const Format& format : formats::all()) {
    if (format.takes) continue;   // rows of repair tasks: export_test.cc
    INFO(format.name);
    std::string row = rows_of(*store, format, folder.file(format.name)).at(0).dump(1) + "\n";
    for (size_t at = row.find(build_info().version); at != std::string::npos; at = row.find(build_info().version, at)) row.replace(at, build_info().version.size(), "VERSION");
    if (std::getenv("ASSAY_APPROVE")) REQUIRE(write_file(golden_path(format.name), row).ok());
    const auto golden = read_file(golden_path(format.name));
    REQUIRE(golden.ok());
    CHECK(*golden == row);
  }
}

// ---- What each consumer asks of a row ----

void check_calls(const OrderedJson& messages, bool objects) {
  for (const OrderedJson& message : messages) {
    CHECK(message.at("role").is_string());
    CHECK(message.at("content").is_string());
    if (!message.contains("tool_calls")) continue;
    for (const OrderedJson& call : message.at("tool_calls")) CHECK(call.at("function").at("arguments").is_object() == objects);
  }
}

// Members and no others.
void check_members(const OrderedJson& object, std::vector<std::string> names) {
  std::vector<std::string> found;
  for (const auto& [name, value] : object.items()) found.push_back(name);
  std::sort(found.begin(), found.end());
  std::sort(names.begin(), names.end());
  CHECK(found == names);
}

TEST_CASE("what a format carries of a rollout stands in its rows, and nothing else of it") {
  Folder folder;
  auto store = rich_store(folder.file("s.db"), sample::task(0));
  // As text of the row, or of JSON text in it.
  const std::map<Content, std::string> signs = {{Content::kReasoning, "Which cities are there"}, {Content::kTextBesideCalls, "I look first."}, {Content::kDeclaredTools, R"({"name":"extra"})"},
                                                {Content::kResponseFormat, R"("response_format":{)"}, {Content::kImages, "image/png"}, {Content::kSelectionDigests, std::string(64, 'a')},
                                                {Content::kPolicyVersions, "step-1"}, {Content::kLogProbabilities, "-0.25"}, {Content::kFullLogProbabilities, "-0.75"}};
  for (const Format& format : formats::all()) {
    if (format.unit == RowUnit::kTask) continue;
    INFO(format.name);
    std::string text;
    for (const OrderedJson& row : rows_of(*store, format, folder.file(format.name))) text += row.dump();
    for (const auto& [content, sign] : signs) {
      INFO(content_name(content));
      CHECK((text.find(sign) != std::string::npos) == format.carries.contains(content));
    }
  }
}

TEST_CASE("every row has what its reader looks for") {
  Folder folder;
  const Task task = sample::task(0);
  auto store = rich_store(folder.file("s.db"), task);
  const auto rows = [&](const std::string& name) { return rows_of(*store, **find_format(name), folder.file(name)); };

  const OrderedJson sft = rows("trl_sft").at(0);
  check_calls(sft.at("messages"), true);
  CHECK(OrderedJson::parse(sft.at("tools").get<std::string>()).size() == 2);
  CHECK(sft.at("messages")[3].at("reasoning_content").is_string());

  const std::vector<OrderedJson> pairs = rows("trl_dpo");
  REQUIRE(pairs.size() == 1);
  for (const char* side : {"prompt", "chosen", "rejected"}) check_calls(pairs[0].at(side), true);
  CHECK(pairs[0].at("chosen").back().at("role") == "assistant");
  CHECK(pairs[0].at("rejected").back().at("role") == "assistant");
  CHECK(pairs[0].at("reward") > pairs[0].at("rejected_reward"));

  const std::vector<OrderedJson> kto = rows("trl_kto");
  REQUIRE(kto.size() == 2);
  CHECK(kto[0].at("label") == true);
  CHECK(kto[1].at("label") == false);
  CHECK(kto[0].at("prompt").back().at("role") == "user");

  const OrderedJson fine = rows("openai_finetuning").at(0);
  check_members(fine, {"messages", "tools", "parallel_tool_calls"});
  check_calls(fine.at("messages"), false);
  for (const OrderedJson& message : fine.at("messages")) CHECK(message.contains("weight") == (message.at("role") == "assistant"));
  CHECK(fine.dump().find("reasoning") == std::string::npos);

  for (const OrderedJson& message : rows("axolotl").at(0).at("messages")) CHECK(message.at("train") == (message.at("role") == "assistant"));

  const OrderedJson llama = rows("llama_factory").at(0);
  const OrderedJson& turns = llama.at("conversations");
  CHECK(turns.size() % 2 == 0);
  for (size_t i = 0; i < turns.size(); ++i) {
    const std::string from = turns[i].at("from");
    CHECK((i % 2 == 0 ? from == "human" || from == "observation" : from == "gpt" || from == "function_call"));
    if (from == "function_call") {
      const std::string value = turns[i].at("value");
      const size_t thought = value.find("\n</think>\n\n");
      CHECK(OrderedJson::parse(value.substr(thought == std::string::npos ? 0 : thought + 11)).at(0).at("arguments").is_object());
    }
  }
  const OrderedJson info = OrderedJson::parse(read_file(folder.file("llama_factory/dataset_info.json")).value());
  CHECK(std::filesystem::exists(folder.file("llama_factory/" + info.at("assay_train").at("file_name").get<std::string>())));

  const OrderedJson verl = rows("verl").at(0);
  check_members(verl, {"data_source", "prompt", "ability", "reward_model", "extra_info"});
  CHECK(verl.at("extra_info").at("index") == 0);
  check_members(rows("skyrl").at(0), {"data_source", "prompt", "env_class", "reward_spec", "extra_info"});
  check_members(rows("slime").at(0), {"input", "label", "metadata", "tools"});
  CHECK(rows("openrlhf").at(0).at("label") == task.id);
  const OrderedJson parameters = rows("nemo_gym").at(0).at("responses_create_params");
  check_members(parameters, {"input", "tools", "parallel_tool_calls", "tool_choice"});
  CHECK(parameters.at("tools")[0].at("name") == "get_all_cities");

  const OrderedJson atif = rows("atif").at(0);
  check_members(atif, {"schema_version", "session_id", "trajectory_id", "agent", "steps", "final_metrics", "extra"});
  for (size_t i = 0; i < atif.at("steps").size(); ++i) {
    const OrderedJson& step = atif.at("steps")[i];
    CHECK(step.at("step_id") == i + 1);
    CHECK(step.contains("metrics") == (step.at("source") == "agent"));
    if (!step.contains("observation")) continue;
    CHECK(step.at("observation").at("results")[0].at("source_call_id") == step.at("tool_calls")[0].at("tool_call_id"));
  }
  CHECK(atif.at("steps")[0].at("source") == "system");
  CHECK(atif.at("agent").at("tool_definitions").size() == 2);
}

}  // namespace
}  // namespace assay
