#include "cli/bench/export.h"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "cli/bench/temporary_folder.h"
#include "datasets/export.h"
#include "envs/base/rng.h"
#include "envs/database.h"
#include "envs/episode.h"
#include "synth/explorer.h"
#include "synth/factory.h"
#include "verifiers/constraint_verifier.h"

namespace assay::bench {
namespace {

constexpr int64_t kRollouts = 100'000, kAttempts = 16;
constexpr size_t kTextBytes = 8'000;    // 2,000 tokens of 4 bytes
constexpr double kMostSeconds = 60, kMostMegabytes = 500;

double seconds_since(std::chrono::steady_clock::time_point start) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }

// The most memory that this process has held since the last call, in MB.
double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  double kilobytes = 0;
  while (status >> word)
    if (word == "VmHWM:") status >> kilobytes;
  std::ofstream("/proc/self/clear_refs") << "5";   // proc(5): begins again at what is held now
  return kilobytes / 1024;
}

size_t text_bytes(const Rollout& rollout) {
  size_t bytes = 0;
  for (const Message& message : rollout.messages) {
    bytes += message.text.size() + message.reasoning.size();
    for (const ToolCall& call : message.tool_calls) bytes += call.name.size() + call.arguments.size();
  }
  return bytes;
}

// Words drawn anew for each rollout, so that none compresses to another.
std::string prose(Rng& rng, size_t bytes) {
  static const std::vector<std::string> words = {"the", "hotel", "costs", "less", "than", "what", "is", "left", "so", "I", "ask", "for", "trains", "from", "Suzhou", "on", "Friday", "and", "compare"};
  std::string text;
  while (text.size() < bytes) text += rng.pick(words) + (rng.below(8) ? " " : std::to_string(rng.below(10'000)) + ". ");
  return text;
}

// Trips as `assay synth travel` makes them, solved by the explorer; each task again with other numbers, each attempt with reasoning that
// brings it to 8,000 bytes of text.
Result<std::string> fill(Store& store, int64_t count) {
  FactoryOptions options;
  options.preset = "report_like";
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  ASSAY_ASSIGN(const auto environment, factory->environment(0));
  ASSAY_ASSIGN(const auto database, Database::build(environment->tables));
  ASSAY_ASSIGN(auto tools, Toolset::open(environment, database));
  ASSAY_ASSIGN(const MadeTask made, factory->make(0));
  ASSAY_ASSIGN(const Exploration exploration, gold_exploration(made.task, *environment, *tools));
  ASSAY_ASSIGN(auto verifier, make_verifier(made.task, environment));
  ASSAY_TRY(store.put_environment(*environment));
  Rollout rollout;
  rollout.policy = "bench";
  rollout.answer = exploration.answer;
  rollout.submitted = true;
  rollout.stop = "submitted";
  rollout.verdict = verifier->judge(Outcome{exploration.answer, {}});
  rollout.calls = exploration.calls;
  Task task = made.task;
  Certificate certificate = made.certificate;
  int64_t bytes = 0, tasks = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (i % kAttempts == 0) {
      task.provenance.index = made.task.provenance.index + i;
      task.prompt = made.task.prompt + "\n\nRequest " + std::to_string(i) + ".";
      seal_task(task);
      certificate.task = task.id;
      seal_certificate(certificate);
      ASSAY_TRY(store.put_task(task));
      ASSAY_TRY(store.put_certificate(certificate));
      ++tasks;
    }
    rollout.task = task.id;
    rollout.sample = i % kAttempts;
    rollout.id = rollout_id(rollout.task, rollout.policy, 0, rollout.sample);
    rollout.messages = Episode(task, *tools).opening();
    bool kept = true;   // this message of the assistant, and with it what its tools said
    for (const Message& message : exploration.transcript) {
      // What does not fit is left out in the middle, so that all are of one length.
      const bool last = &message + 2 >= exploration.transcript.data() + exploration.transcript.size();
      if (message.role == Role::kAssistant) kept = last || text_bytes(rollout) < kTextBytes / 2;
      if (kept) rollout.messages.push_back(message);
    }
    Rng rng(1, "bench/export", static_cast<uint64_t>(i));
    const size_t there = text_bytes(rollout);
    for (Message& message : rollout.messages)
      if (message.role == Role::kAssistant && message.reasoning.empty() && there < kTextBytes) {
        message.reasoning = prose(rng, kTextBytes - there);
        break;
      }
    bytes += static_cast<int64_t>(text_bytes(rollout));
    ASSAY_TRY(store.put_rollout(rollout));
  }
  ASSAY_TRY(store.flush());
  return std::to_string(count) + " rollouts of " + std::to_string(tasks) + " tasks, " + std::to_string(bytes / std::max<int64_t>(count, 1)) + " bytes of text each, " +
         std::to_string(environment->tools.size()) + " tools";
}

}  // namespace

Result<std::vector<Figure>> measure_export(const std::string& area, int64_t count) {
  TemporaryFolder folder(area);
  std::filesystem::create_directories(folder.path);
  const std::string path = (folder.path / "bench.db").string();
  auto start = std::chrono::steady_clock::now();
  std::string what;
  {
    ASSAY_ASSIGN(auto store, Store::open(path, StoreMode::kOpenOrCreate, system_clock()));
    ASSAY_ASSIGN(what, fill(*store, count));
  }
  std::fprintf(stderr, "made %s in %.1f s\n", what.c_str(), seconds_since(start));
  std::vector<Figure> figures;
  const double share = static_cast<double>(count) / static_cast<double>(kRollouts);
  for (const Format& format : formats::all()) {
    if ((format.unit != RowUnit::kRollout && format.unit != RowUnit::kSequence) || format.takes) continue;
    ASSAY_ASSIGN(auto store, Store::open(path, StoreMode::kMustExist, system_clock()));
    (void)peak_megabytes();
    const std::clock_t processor = std::clock();
    start = std::chrono::steady_clock::now();
    ASSAY_ASSIGN(const ExportReport report, export_dataset(*store, {.format = format.name, .folder = (folder.path / format.name).string()}));
    char note[64];
    std::snprintf(note, sizeof note, "; synced; %.3g s of processor time", static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC);
    figures.push_back({area, format.name, seconds_since(start), "s", kMostSeconds * share, false, what + note});
    figures.push_back({area, format.name + ", memory", peak_megabytes(), "MB", kMostMegabytes, false, "peak of the whole process"});
    if (report.plan.funnel.rollouts.left() != count || report.not_held > 0) return make_error(Boundary::kInternal, "not all rollouts were written", "bench export");
    std::filesystem::remove_all(folder.path / format.name);
  }
  return figures;
}

namespace export_ {

BenchArea make() { return {"export", "100,000 rollouts written as datasets", [] { return measure_export("export", kRollouts); }}; }

}  // namespace export_

}  // namespace assay::bench
