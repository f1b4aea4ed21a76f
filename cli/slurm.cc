#include "cli/slurm.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "cli/shell_quote.h"
#include "envs/base/hash.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
constexpr int kFailedPolls = 20;   // of squeue, one after the other

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string first_line(const std::string& text) {
  const std::vector<std::string> lines = lines_of(text);
  return lines.empty() ? "it said nothing" : lines[0];
}

std::string list_of(const std::set<int64_t>& numbers) {
  std::string out;
  for (const int64_t number : numbers) out += (out.empty() ? "" : ",") + std::to_string(number);
  return out;
}

// "Key=value Key=value …", as scontrol prints with --oneliner.
std::string field(const std::string& line, const std::string& key) {
  const size_t at = (" " + line).find(" " + key + "=");
  if (at == std::string::npos) return "";
  const size_t begin = at + key.size() + 1;
  return line.substr(begin, line.find(' ', begin) - begin);
}

class Waiting {
 public:
  Waiting(const SlurmPlan& plan, const SlurmOptions& options, Clock& clock, const ProgramRunner& run)
      : plan_(plan), options_(options), clock_(clock), run_(run) {}

  Result<SlurmReport> run() {
    for (;;) {
      ASSAY_ASSIGN(const bool queued, poll());
      const std::set<int64_t> open = read_results(queued);
      if (!queued) {
        ASSAY_TRY(refuse());
        if (open.empty()) return std::move(report_);
        if (report_.submissions == options_.attempts) return given_up(open);
        ASSAY_TRY(submit(open));
      }
      if (options_.cancelled && options_.cancelled->load()) {
        report_.interrupted = true;
        return std::move(report_);
      }
      clock_.sleep_ms(options_.poll_ms);
    }
  }

 private:
  // Whether any job of the plan waits or runs. Slurm may be out of reach for a while.
  Result<bool> poll() {
    ASSAY_ASSIGN(const ProgramResult told, run_({"squeue", "--noheader", "--array", "--me", "--name=" + plan_.job_name(), "--format=%i %t %r"}));
    if (told.status != 0) {
      if (++failed_polls_ == kFailedPolls)
        return make_error(Boundary::kSandbox, "squeue fails: " + first_line(told.err), plan_.folder, "the jobs go on without this command; the same command waits for them again");
      return true;
    }
    failed_polls_ = 0;
    std::map<std::string, int64_t> states;
    for (const std::string& line : lines_of(told.out)) {
      std::istringstream in(line);
      std::string id, state, reason;
      in >> id >> state;
      std::getline(in >> std::ws, reason);
      jobs_.insert(id.substr(0, id.find('_')));
      ++states[state == "PD" ? "waiting (" + reason + ")" : state == "R" ? "running" : "ending"];
    }
    std::string text;
    for (const auto& [state, workers] : states) text += (text.empty() ? "" : ", ") + std::to_string(workers) + " " + state;
    if (!text.empty() && text != said_) say("workers: " + text);
    said_ = text;
    return !states.empty();
  }

  // The shards that are not done. Those of a worker that still runs are not looked into, only counted.
  std::set<int64_t> read_results(bool queued) {
    std::set<int64_t> open;
    report_.shards.resize(static_cast<size_t>(plan_.shards));
    for (int64_t shard = 1; shard <= plan_.shards; ++shard) {
      ShardResult& result = report_.shards[static_cast<size_t>(shard - 1)];
      if (result.end != ShardEnd::kDone) result = read_result(plan_, shard);
      if (result.end != ShardEnd::kDone) open.insert(shard);
    }
    const int64_t done = plan_.shards - static_cast<int64_t>(open.size());
    if (options_.progress && (done != told_ || !queued)) options_.progress(done);
    told_ = done;
    return open;
  }

  Status refuse() const {
    for (size_t i = 0; i < report_.shards.size(); ++i)
      if (report_.shards[i].end == ShardEnd::kRefused)
        return input_error("refused by the worker of shard " + std::to_string(i + 1) + ": " + report_.shards[i].problem, plan_.folder, "remove the folder, and submit what the verb takes");
    return {};
  }

  Status submit(const std::set<int64_t>& open) {
    std::set<int64_t> workers;
    for (const int64_t shard : open) {
      const ShardResult& result = report_.shards[static_cast<size_t>(shard - 1)];
      if (result.end == ShardEnd::kStopped) say("shard " + std::to_string(shard) + " stopped: " + result.problem);
      std::error_code ignored;
      fs::remove(plan_.result(shard), ignored);
      workers.insert((shard - 1) % plan_.workers + 1);
    }
    if (!jobs_.empty()) say("submitting again: " + std::to_string(open.size()) + " shards" + losses());
    ASSAY_ASSIGN(const ProgramResult told, run_({"sbatch", "--parsable", "--array=" + list_of(workers), plan_.folder + "/submit.sbatch"}));
    if (told.status != 0)
      return input_error("sbatch refuses the job: " + first_line(told.err), plan_.folder + "/submit.sbatch", "other options for it with --sbatch=…; scontrol show partition");
    ++report_.submissions;
    job_ = told.out.substr(0, told.out.find_first_of(";\n"));
    jobs_.insert(job_);
    say("submitted job " + job_ + ": " + std::to_string(workers.size()) + " workers for " + std::to_string(open.size()) + " shards");
    return {};
  }

  // What Slurm says of workers that did not end as they should; it forgets after some minutes.
  std::string losses() const {
    std::string out;
    for (const std::string& job : jobs_) {
      const Result<ProgramResult> told = run_({"scontrol", "show", "job", "--oneliner", job});
      if (!told.ok() || told->status != 0) continue;
      for (const std::string& line : lines_of(told->out)) {
        const std::string state = field(line, "JobState");
        if (state.empty() || state == "COMPLETED") continue;
        out += "; worker " + field(line, "ArrayTaskId") + " of job " + job + ": " + state;
        if (const std::string reason = field(line, "Reason"); !reason.empty() && reason != "None") out += " (" + reason + ")";
        if (const std::string node = field(line, "NodeList"); !node.empty() && node != "(null)") out += " on " + node;
      }
    }
    return out;
  }

  Error given_up(const std::set<int64_t>& open) const {
    std::string why = losses();
    for (const int64_t shard : open)
      if (const ShardResult& result = report_.shards[static_cast<size_t>(shard - 1)]; !result.problem.empty()) {
        why += "; shard " + std::to_string(shard) + ": " + result.problem;
        break;
      }
    return make_error(Boundary::kLimit, std::to_string(open.size()) + " of " + std::to_string(plan_.shards) + " shards are not done after " + std::to_string(report_.submissions) +
                                            (report_.submissions == 1 ? " submission: " : " submissions: ") + list_of(open) + why,
                      plan_.folder + "/logs", "read the logs; what was done is kept, and the same command goes on (more time: --sbatch=--time=…, more tries: --attempts)");
  }

  void say(const std::string& line) const {
    if (options_.say) options_.say(line);
  }

  const SlurmPlan& plan_;
  const SlurmOptions& options_;
  Clock& clock_;
  const ProgramRunner& run_;
  SlurmReport report_;
  std::set<std::string> jobs_;
  std::string job_, said_;
  int failed_polls_ = 0;
  int64_t told_ = -1;
};

}  // namespace

std::string SlurmPlan::store(int64_t shard) const { return folder + "/" + std::to_string(shard) + ".db"; }
std::string SlurmPlan::result(int64_t shard) const { return folder + "/" + std::to_string(shard) + ".result"; }
std::string SlurmPlan::job_name() const { return "assay-" + sha256_hex(folder).substr(0, 12); }

// Not the options of sbatch: another try may ask for more time.
Json to_json(const SlurmPlan& plan) {
  return {{"format", "assay.slurm/1"}, {"directory", plan.directory}, {"command", plan.command}, {"shards", plan.shards}, {"workers", plan.workers}};
}

std::string sbatch_script(const SlurmPlan& plan) {
  const std::string shards = std::to_string(plan.shards), workers = std::to_string(plan.workers);
  std::string out = "#!/bin/bash\n#SBATCH --job-name=" + plan.job_name() + "\n#SBATCH --array=1-" + workers + "\n#SBATCH --output=" + plan.folder + "/logs/%A_%a.log\n";
  for (const std::string& option : plan.options) out += "#SBATCH " + option + "\n";
  out += "# Written by assay submit slurm. Worker I of " + workers + " has the shards I, I+" + workers + " … of " + shards +
         ", each with a store of its own, and writes\n"
         "# what became of each into SHARD.result. What a store holds is not done again: submitted again, this goes on.\n"
         "set -u\n"
         "stopped=\n"
         "trap 'stopped=1' TERM   # at a time-out or a cancellation the program ends in order, then this script\n"
         "cd " + shell_quoted(plan.directory) + " || exit 1\n"
         "for ((shard = SLURM_ARRAY_TASK_ID; shard <= " + shards + "; shard += " + workers + ")); do\n"
         "  at=" + shell_quoted(plan.folder) + "/$shard\n"
         "  [ -e \"$at.result\" ] && continue\n"
         "  " + shell_quoted(plan.program);
  for (const std::string& word : plan.command) out += " " + shell_quoted(word);
  out += " --store \"$at.db\" --shard \"$shard/" + shards + "\" --json > \"$at.output\"\n"
         "  status=$?\n"
         "  { echo $status; cat \"$at.output\"; } > \"$at.draft\" && mv \"$at.draft\" \"$at.result\"\n"
         "  [ -z \"$stopped\" ] || exit 1\n"
         "done\n";
  return out;
}

Status prepare_folder(const SlurmPlan& plan) {
  std::error_code error;
  fs::create_directories(plan.folder + "/logs", error);
  if (error) return make_error(Boundary::kStore, "the folder cannot be made: " + error.message(), plan.folder);
  const std::string file = plan.folder + "/plan.json";
  if (fs::exists(file, error)) {
    ASSAY_ASSIGN(const Json there, read_json_file(file));
    if (there != to_json(plan)) return input_error("the folder belongs to another run", file, "another --folder; or the command, --shards and --workers that stand in this file");
  } else {
    ASSAY_TRY(write_file(file, to_json(plan).dump(2) + "\n"));
  }
  return write_file(plan.folder + "/submit.sbatch", sbatch_script(plan));
}

ShardResult read_result(const SlurmPlan& plan, int64_t shard) {
  ShardResult out;
  std::error_code error;
  if (!fs::exists(plan.result(shard), error)) return out;
  const Result<std::string> text = read_file(plan.result(shard));
  const std::vector<std::string> lines = text.ok() ? lines_of(*text) : std::vector<std::string>();
  out.end = ShardEnd::kStopped;
  out.status = lines.empty() ? -1 : std::atoi(lines[0].c_str());
  out.told = lines.size() == 2 ? OrderedJson::parse(lines[1], nullptr, false) : OrderedJson();
  const bool told = out.told.is_object();
  const OrderedJson problem = told && out.told.contains("error") ? out.told["error"] : OrderedJson();
  if (problem.is_object() && problem.contains("message") && problem["message"].is_string()) out.problem = problem["message"].get<std::string>();
  else if (told && out.told.contains("interrupted") && out.told["interrupted"] == true) out.problem = "interrupted";
  else if (out.status > 128) out.problem = "killed by signal " + std::to_string(out.status - 128);
  else if (!told) out.problem = "it said nothing";
  if (out.status == 2) out.end = ShardEnd::kRefused;
  else if ((out.status == 0 || out.status == 1) && out.problem.empty()) out.end = ShardEnd::kDone;
  return out;
}

Result<SlurmReport> run_on_slurm(const SlurmPlan& plan, const SlurmOptions& options, Clock& clock, const ProgramRunner& run) {
  return Waiting(plan, options, clock, run).run();
}

}  // namespace assay
