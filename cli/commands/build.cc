// assay build CANDIDATES --clone DIR: mined candidates to certified tasks. What the store has an answer for is not built again.
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "cli/command.h"
#include "cli/jobs.h"
#include "cli/layers.h"
#include "cli/lines.h"
#include "cli/play_options.h"
#include "cli/progress.h"
#include "cli/shard_option.h"
#include "cli/text.h"
#include "datasets/store.h"
#include "sandbox/backend.h"
#include "synth/build/repair_task.h"

namespace assay::commands::build {
namespace {

constexpr size_t kLineBytes = 64u << 20;
constexpr const char* kObservation = "build";
constexpr const char* kCertified = "certified";

struct Options {
  std::string candidates;
  std::vector<std::string> clones, registries;
  RepairOptions repair;
  int64_t test_seconds = 600, build_seconds = 900;
  std::string policy, recipes;   // a model that mends recipes, and the file of those that worked
  int recipe_turns = 6;
  PlayOptions play;
  bool again = false;
  Shard shard;
};

// One candidate's end: as it is stored ("candidate ID", "build") and counted.
struct Ending {
  std::string reason;            // kCertified, or why not
  std::string detail, task;
  std::string language, repository;
  int64_t layer_bytes = 0;       // of layers that were not there before
  double seconds = 0, test_seconds = 0, build_seconds = 0;   // all of it; its test runs; its recipe's steps
};

Json to_json(const Ending& e) {
  return {{"reason", e.reason}, {"detail", e.detail}, {"task", e.task}, {"layer_bytes", e.layer_bytes}, {"seconds", e.seconds}, {"test_seconds", e.test_seconds}, {"build_seconds", e.build_seconds}};
}

struct Item {
  Ending ending;
  bool stored_earlier = false;
  std::optional<RepairTask> made;
};

std::string subject_of(const Candidate& candidate) { return "candidate " + candidate.id; }

Result<std::vector<Candidate>> read_candidates(const std::string& path, int64_t limit) {
  ASSAY_ASSIGN(const auto file, open_lines(path));
  std::vector<Candidate> out;
  LineReader lines(file.get(), kLineBytes);
  std::string line;
  for (LineReader::Outcome outcome; (limit < 0 || static_cast<int64_t>(out.size()) < limit) && (outcome = lines.next(line)) != LineReader::Outcome::kEnd;) {
    const std::string where = path + ":" + std::to_string(lines.number());
    if (outcome == LineReader::Outcome::kFailed) return input_error(std::strerror(errno), path);
    if (outcome == LineReader::Outcome::kTooLong) return input_error("longer than " + bytes_text(kLineBytes), where);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    ASSAY_ASSIGN(const Json json, parse_json(line, where));
    ASSAY_ASSIGN(Candidate candidate, candidate_from_json(json, where));
    out.push_back(std::move(candidate));
  }
  return out;
}

// The user's own package indexes: options, else what their tools are told by the environment.
Result<std::map<std::string, std::string>> registries_of(const Options& options) {
  std::map<std::string, std::string> out;
  for (const auto& [name, variable] : {std::pair("pypi", "PIP_INDEX_URL"), std::pair("npm", "npm_config_registry"), std::pair("go", "GOPROXY")})
    if (const char* value = std::getenv(variable); value && *value) out[name] = value;
  for (const std::string& each : options.registries) {
    const size_t equals = each.find('=');
    if (equals == std::string::npos || each.find("://", equals) == std::string::npos) return input_error("expected NAME=URL", "--registry " + each, "--registry pypi=https://pypi.org/simple");
    out[each.substr(0, equals)] = each.substr(equals + 1);
  }
  return out;
}

// Repositories are opened once for each thread, since libgit2's objects belong to one.
class Clones {
 public:
  static Result<Clones> open(const std::vector<std::string>& paths, int threads) {
    Clones out;
    out.only_one_ = paths.size() == 1;
    for (int i = 0; i < threads; ++i) {
      auto& mine = out.by_thread_.emplace_back();
      for (const std::string& path : paths) {
        ASSAY_ASSIGN(std::unique_ptr<GitRepository> repository, GitRepository::open(path));
        const std::string name = repository->name();
        mine[name] = std::move(repository);
      }
    }
    return out;
  }

  const GitRepository* find(const std::string& name, int thread) const {
    const auto& mine = by_thread_[static_cast<size_t>(thread)];
    if (const auto found = mine.find(name); found != mine.end()) return found->second.get();
    return only_one_ ? mine.begin()->second.get() : nullptr;
  }

 private:
  bool only_one_ = false;
  std::vector<std::map<std::string, std::unique_ptr<GitRepository>>> by_thread_;
};

// A file of recipes that worked where the proposed ones did not; what is new is added to it at once.
class RecipeFile {
 public:
  static Result<RecipeFile> open(const std::string& path, RecipeBook& book) {
    RecipeFile out;
    out.path_ = path;
    std::error_code error;
    if (path.empty() || !std::filesystem::exists(path, error)) return out;
    ASSAY_ASSIGN(const std::string text, read_file(path));
    for (size_t at = 0, number = 1; at < text.size(); ++number) {
      const size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at), where = path + ":" + std::to_string(number);
      at = end + 1;
      if (line.empty()) continue;
      ASSAY_ASSIGN(const Json json, parse_json(line, where));
      ASSAY_TRY(book.add(json, where));
      out.lines_.insert(canonical_json(json));
    }
    return out;
  }

  Status add(const std::string& repository, const Recipe& recipe) {
    const std::string line = canonical_json(RecipeBook::line(repository, recipe));
    if (path_.empty() || !lines_.insert(line).second) return {};
    std::ofstream file(path_, std::ios::app | std::ios::binary);
    file << line << "\n" << std::flush;
    return file ? Status() : input_error("cannot write to the file", path_);
  }

 private:
  std::string path_;
  std::set<std::string> lines_;
};

class Building {
 public:
  Building(const Options& options, const Context& context, Executor& executor, Builder& builder, Store& store, const Clones& clones, RecipeFile& recipes, std::vector<Candidate> candidates)
      : options_(options), context_(context), executor_(executor), builder_(builder), store_(store), clones_(clones), recipes_(recipes), candidates_(std::move(candidates)) {}

  Result<int> run() {
    const int64_t count = static_cast<int64_t>(candidates_.size());
    Progress progress("build", count, system_clock());
    const JobOptions jobs{.jobs = context_.threads(), .cancelled = context_.cancelled};
    const Result<int64_t> reached = ordered_map<Item>(
        0, count, jobs, [&](int64_t index, int worker) { return make(candidates_[static_cast<size_t>(index)], worker); },
        [&](int64_t index, Item item) { return take(candidates_[static_cast<size_t>(index)], std::move(item), progress); });
    ASSAY_TRY(store_.flush());
    if (!reached.ok()) return reached.error();
    report(count, *reached);
    return *reached < count || infrastructure_ > 0 ? kSomeFailed : kDone;
  }

 private:
  Result<Item> make(const Candidate& candidate, int worker) {
    Item item;
    item.ending.language = candidate.language;
    item.ending.repository = candidate.repository;
    ASSAY_ASSIGN(const Json known, store_.observations(subject_of(candidate)));
    if (!options_.again && !known.empty()) {
      const Json& value = known.back().at("value");
      item.ending.reason = value.at("reason");
      item.ending.detail = value.at("detail");
      item.ending.task = value.at("task");
      item.ending.layer_bytes = value.at("layer_bytes");
      item.ending.seconds = value.at("seconds");
      item.ending.test_seconds = value.at("test_seconds");
      item.ending.build_seconds = value.value("build_seconds", 0.0);
      item.stored_earlier = true;
      return item;
    }
    const GitRepository* repository = clones_.find(candidate.repository, worker);
    if (!repository) {
      item.ending.reason = "no_clone";
      item.ending.detail = "no --clone is of " + candidate.repository;
      return item;
    }
    const int64_t start = system_clock().monotonic_us();
    Result<Possible<RepairTask>> made = make_repair_task(executor_, builder_, *repository, candidate, options_.repair);
    item.ending.seconds = static_cast<double>(system_clock().monotonic_us() - start) / 1e6;
    if (!made.ok()) {
      // The machine's failure: no verdict on the candidate, and the next run tries again.
      item.ending.reason = "infrastructure";
      item.ending.detail = made.error().text();
    } else if (!made->value) {
      item.ending.reason = made->rejection.reason;
      item.ending.detail = made->rejection.detail;
    } else {
      item.made = std::move(*made->value);
      item.ending.reason = item.made->certificate.sound ? kCertified : "unsound";
      item.ending.task = item.made->task.id;
      item.ending.layer_bytes = item.made->built.added_bytes();
      item.ending.build_seconds = static_cast<double>(item.made->built.wall_us) / 1e6;
      item.ending.test_seconds = static_cast<double>(item.made->acceptance.wall_us + item.made->proof.wall_us) / 1e6;
    }
    return item;
  }

  Status take(const Candidate& candidate, Item item, Progress& progress) {
    const Ending& ending = item.ending;
    const bool certified = ending.reason == kCertified;
    if (item.made) {
      ASSAY_TRY(store_.put_environment(*item.made->environment));
      ASSAY_TRY(store_.put_task(item.made->task));
      ASSAY_TRY(store_.put_certificate(item.made->certificate));
      if (item.made->found && certified) ASSAY_TRY(recipes_.add(candidate.repository, item.made->recipe));
    }
    infrastructure_ += ending.reason == "infrastructure";
    if (!item.stored_earlier && ending.reason != "infrastructure" && ending.reason != "no_clone") {
      ASSAY_TRY(store_.put_observation(subject_of(candidate), kObservation, to_json(ending)));
      ASSAY_TRY(store_.flush());
    }
    ++reasons_[ending.reason];
    Language& language = languages_[ending.language];
    ++language.candidates;
    language.certified += certified;
    if (certified && built_.insert(ending.repository).second) {
      first_seconds_ += ending.seconds;
    } else if (certified) {
      ++further_;
      further_seconds_ += ending.seconds - ending.test_seconds;
      further_test_seconds_ += ending.test_seconds;
      further_build_seconds_ += ending.build_seconds;
      further_bytes_ += ending.layer_bytes;
      further_most_bytes_ = std::max(further_most_bytes_, ending.layer_bytes);
    }
    if (item.stored_earlier) progress.skip(1);
    else progress.add(1, certified ? 0 : 1);
    const std::string name = candidate.repository + (candidate.pull > 0 ? "#" + std::to_string(candidate.pull) : " " + short_id(candidate.base));
    context_.say(name + ": " + ending.reason + (certified ? " " + short_id(ending.task) + " in " + duration_text(ending.seconds) + ", of which tests " + duration_text(ending.test_seconds) + " and building " + duration_text(ending.build_seconds)
                                                         : ending.detail.empty() ? "" : ": " + printable(telling_line(ending.detail))));
    return {};
  }

  // The first line that speaks of an error, or the last.
  static std::string telling_line(const std::string& text) {
    std::string last;
    for (size_t start = 0; start < text.size();) {
      const size_t end = std::min(text.find('\n', start), text.size());
      const std::string line = text.substr(start, end - start);
      if (line.find("rror") != std::string::npos || line.find("ERR") != std::string::npos) return shortened(line, 200);
      if (line.find_first_not_of(' ') != std::string::npos) last = line;
      start = end + 1;
    }
    return shortened(last, 200);
  }

  void report(int64_t count, int64_t reached) const {
    const Context& c = context_;
    int64_t certified = reasons_.count(kCertified) ? reasons_.at(kCertified) : 0, done = 0;
    TextTable funnel({"ending", "candidates", "share"});
    std::vector<std::pair<int64_t, std::string>> order;
    for (const auto& [reason, times] : reasons_) {
      order.emplace_back(reason == kCertified ? -INT64_MAX : -times, reason);
      done += times;
    }
    std::sort(order.begin(), order.end());
    for (const auto& [rank, reason] : order) funnel.add({reason, count_text(reasons_.at(reason)), percent_text(reasons_.at(reason), done)});
    c.say("\n" + funnel.text());
    TextTable table({"language", "candidates", "certified", "share"});
    OrderedJson languages = OrderedJson::object();
    for (const auto& [name, each] : languages_) {
      table.add({name, count_text(each.candidates), count_text(each.certified), percent_text(each.certified, each.candidates)});
      languages[name] = {{"candidates", each.candidates}, {"certified", each.certified}};
    }
    c.say("\n" + table.text());
    if (further_ > 0) {
      const double n = static_cast<double>(further_);
      c.say("\na further environment of a built repository: " + duration_text(further_seconds_ / n) + ", " + duration_text(further_build_seconds_ / n) + " of them its recipe's steps, beside " + duration_text(further_test_seconds_ / n) + " of test runs, and " +
            bytes_text(further_bytes_ / further_) + " of layers (at most " + bytes_text(further_most_bytes_) + ")");
    }
    if (reached < count) c.say("interrupted after " + count_text(reached) + " of " + count_text(count) + ": the same command goes on from there");
    if (certified > 0) {
      c.say("next:");
      c.say("  " + c.command("show store"));
    }
    OrderedJson reasons = OrderedJson::object();
    for (const auto& [rank, reason] : order) reasons[reason] = reasons_.at(reason);
    c.result({{"candidates", count}, {"certified", certified}, {"reasons", reasons}, {"languages", languages}, {"interrupted", reached < count},
              {"further", {{"environments", further_}, {"seconds", further_seconds_}, {"test_seconds", further_test_seconds_}, {"build_seconds", further_build_seconds_}, {"layer_bytes", further_bytes_}, {"most_layer_bytes", further_most_bytes_}}},
              {"store", c.store}});
  }

  struct Language {
    int64_t candidates = 0, certified = 0;
  };

  const Options& options_;
  const Context& context_;
  Executor& executor_;
  Builder& builder_;
  Store& store_;
  const Clones& clones_;
  RecipeFile& recipes_;
  const std::vector<Candidate> candidates_;
  std::map<std::string, int64_t> reasons_;
  std::map<std::string, Language> languages_;
  std::set<std::string> built_;
  int64_t infrastructure_ = 0, further_ = 0, further_bytes_ = 0, further_most_bytes_ = 0;
  double first_seconds_ = 0, further_seconds_ = 0, further_test_seconds_ = 0, further_build_seconds_ = 0;
};

Result<int> run(Options& options, const Context& context) {
  options.repair.limits.wall_ms = options.test_seconds * 1000;
  options.repair.layers = layer_folder(context.store);
  ASSAY_ASSIGN(std::vector<Candidate> candidates, read_candidates(options.candidates, context.limit));
  if (candidates.empty()) return input_error("no candidates", options.candidates, "assay mine");
  std::erase_if(candidates, [&](const Candidate& candidate) { return !options.shard.holds(candidate.id); });
  ASSAY_ASSIGN(const auto registries, registries_of(options));
  ASSAY_ASSIGN(const Clones clones, Clones::open(options.clones, context.threads()));
  ASSAY_ASSIGN(const std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kOpenOrCreate, system_clock()));
  ASSAY_ASSIGN(const std::unique_ptr<Executor> executor, make_executor(context.sandbox, {.cache = layer_folder(context.store)}));
  BuilderOptions building{.index = layer_folder(context.store) + "/stages", .registries = registries};
  building.limits.wall_ms = options.build_seconds * 1000;
  Builder builder(*executor, std::move(building));
  RecipeBook book;
  ASSAY_ASSIGN(RecipeFile recipes, RecipeFile::open(options.recipes, book));
  std::unique_ptr<Policy> policy;
  if (!options.policy.empty()) {
    ASSAY_TRY(options.play.complete());
    PolicyOptions policy_options = options.play.batch(context, options.policy, 1).policy_options;
    policy_options.cancelled = context.cancelled;
    ASSAY_ASSIGN(policy, make_policy(options.policy, policy_options));
    book.ask(*policy, options.recipe_turns, context.seed);
  }
  options.repair.recipes = &book;
  return Building(options, context, *executor, builder, *store, clones, recipes, std::move(candidates)).run();
}

}  // namespace

Command make() {
  return {"build", "Make certified tasks from mined candidates: their trees are built and their tests run, in the sandbox", 12, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("candidates", options->candidates, "JSON Lines from assay mine, or -")->required();
            app.add_option("--clone", options->clones, "A clone or bare mirror that holds the candidates' commits; one for each repository")->required();
            app.add_option("--registry", options->registries, "NAME=URL: another package index than the public one (names: pypi, npm, go)");
            app.add_option("--rounds", options->repair.rounds, "Runs of each state; every one must agree for a test to count")->check(CLI::Range(1, 100));
            app.add_option("--test-seconds", options->test_seconds, "Time that one run of the tests gets")->check(CLI::Range(1, 86'400));
            app.add_option("--build-seconds", options->build_seconds, "Time that one step of a recipe gets")->check(CLI::Range(1, 86'400));
            app.add_option("--policy", options->policy, "A model that mends recipes which fail, and nothing but recipes: openai:URL, with --model NAME");
            app.add_option("--recipe-turns", options->recipe_turns, "Replies it has for one candidate")->check(CLI::Range(1, 100));
            app.add_option("--recipes", options->recipes, "JSON Lines of recipes to try where the proposed one fails; one that a model mended is added, and replays without it");
            options->play.declare(app);
            app.add_flag("--again", options->again, "Build also what the store has an answer for");
            declare_shard(app, options->shard, "Only the I-th of N parts of the candidates, cut by their ids");
            return [options, &context]() -> Result<int> { return run(*options, context); };
          }};
}

}  // namespace assay::commands::build
