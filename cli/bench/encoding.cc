// Prompts encoded and completions parsed, in DeepSeek-V3.2's format; one thread.
#include <chrono>

#include "cli/bench.h"
#include "envs/base/rng.h"
#include "envs/base/text_writer.h"
#include "envs/message_encoding.h"

namespace assay::bench::encoding {
namespace {

constexpr int64_t kSteps = 24;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Prose and code with quotes, angle brackets, line breaks and Chinese among it.
std::string text(Rng& rng, uint64_t words) {
  static const std::vector<std::string> kWords = {"the ", "hotel ", "price is ", "so that ", "checked ", "again, ", "budget ", "three ", "nights\n", "restaurant ", "therefore ", "a < b ",
                                                  "\"quoted\" ", "杭州的西湖，", "350.5 ", "if (x) { ", "std::vector<int> ", "}\n", "because ", "afternoon "};
  std::string out;
  for (uint64_t i = 0; i < words; ++i) out += rng.pick(kWords);
  return out;
}

std::string arguments(Rng& rng) {
  TextWriter out;
  out.put("{\"code\":");
  out.put_json_string(text(rng, 60));
  out.put(",\"city\":\"杭州\",\"limits\":{\"price\":[100,350.5],\"stars\":4,\"names\":[");
  out.put_json_string(text(rng, 12));
  out.put("]},\"strict\":true}");
  return out.text();
}

// A task with tools, and an attempt of kSteps steps: reasoning, two calls, two results each.
Conversation conversation(uint64_t index) {
  Rng rng(0, "bench/encoding", index);
  Message system{Role::kSystem, text(rng, 40), "", {}, ""};
  system.tools = OrderedJson::array();
  for (int tool = 0; tool < 15; ++tool) {
    const OrderedJson parameters{{"type", "object"}, {"properties", {{"city", {{"type", "string"}, {"description", text(rng, 6)}}}}}, {"required", {"city"}}};
    system.tools.push_back({{"type", "function"}, {"function", {{"name", "tool_" + std::to_string(tool)}, {"description", text(rng, 10)}, {"parameters", parameters}}}});
  }
  Conversation out{std::move(system), {Role::kUser, text(rng, 100), "", {}, ""}};
  for (int64_t step = 0; step < kSteps; ++step) {
    out.push_back({Role::kAssistant, text(rng, 10), text(rng, 150), {{"", "python", arguments(rng)}, {"", "tool_3", arguments(rng)}}, ""});
    out.push_back({Role::kTool, text(rng, 120), "", {}, ""});
    out.push_back({Role::kTool, text(rng, 120), "", {}, ""});
  }
  return out;
}

template <typename Item, typename Work>
Result<double> megabytes_per_second(const std::vector<Item>& items, const Work& work) {
  int64_t bytes = 0;
  const auto start = std::chrono::steady_clock::now();
  while (seconds_since(start) < 1)
    for (const Item& item : items) {
      ASSAY_ASSIGN(const int64_t done, work(item));
      bytes += done;
    }
  return static_cast<double>(bytes) / seconds_since(start) / 1e6;
}

Result<std::vector<Figure>> run() {
  ASSAY_ASSIGN(const MessageEncoding* format, find_encoding("deepseek_v32"));
  std::vector<Conversation> conversations;
  std::vector<std::string> completions;
  int64_t in_calls = 0, in_all = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    conversations.push_back(conversation(i));
    for (const Message& message : conversations.back()) {
      if (message.role != Role::kAssistant) continue;
      ASSAY_ASSIGN(std::string completion, format->encode_completion(message, Thinking::kOn));
      in_all += static_cast<int64_t>(completion.size());
      in_calls += static_cast<int64_t>(completion.size() - message.text.size() - message.reasoning.size());
      completions.push_back(std::move(completion));
    }
  }
  const auto encode = [&](const Conversation& each) -> Result<int64_t> {
    ASSAY_ASSIGN(const std::string prompt, format->encode(each, Thinking::kOn));
    return static_cast<int64_t>(prompt.size());
  };
  const auto parse = [&](const std::string& each) -> Result<int64_t> {
    ASSAY_ASSIGN(const Message message, format->parse(each, Thinking::kOn));
    if (message.tool_calls.size() != 2) return make_error(Boundary::kInternal, "a call was lost", "bench encoding");
    return static_cast<int64_t>(each.size());
  };
  ASSAY_ASSIGN(const double encoded, megabytes_per_second(conversations, encode));
  ASSAY_ASSIGN(const double parsed, megabytes_per_second(completions, parse));
  const std::string share = std::to_string(100 * in_calls / in_all) + "% of what the assistant says is tool calls";
  return std::vector<Figure>{{"encoding", "prompts encoded", encoded, "MB/s", 100, true, "15 tools, 24 steps of 2 calls, thinking; " + share},
                             {"encoding", "completions parsed", parsed, "MB/s", 100, true, "the same steps, one by one"}};
}

}  // namespace

BenchArea make() { return {"encoding", "prompts encoded and completions parsed", run}; }

}  // namespace assay::bench::encoding
