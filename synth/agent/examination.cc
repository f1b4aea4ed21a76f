#include "synth/agent/examination.h"

#include <algorithm>
#include <set>

#include "envs/base/utf8.h"
#include "envs/database.h"
#include "envs/toolset.h"
#include "synth/environment_check.h"
#include "synth/factory.h"
#include "synth/program/program_task.h"
#include "synth/templates.h"
#include "verifiers/attack.h"
#include "verifiers/constraint_verifier.h"

namespace assay {
namespace {

constexpr size_t kMostFindings = 8;
constexpr size_t kOtherGolds = 4;   // that a task is attacked with

class Examiner {
 public:
  Examiner(const std::string& file, const ExaminationOptions& options) : file_(file), options_(options) {}

  Examination run(std::string_view text) {
    if (const auto json = parse_json(text, file_); !json.ok()) {
      find("not_json", json.error());
      return std::move(out_);
    }
    if (auto domain = compile_domain(text, file_); domain.ok()) out_.domain = std::move(*domain);
    else find(domain.error().where.find(".body.sql") != std::string::npos ? "sql_refused" : "does_not_compile", domain.error());
    if (out_.findings.empty()) check_tools();
    if (out_.findings.empty()) check_world();
    if (out_.findings.empty()) make_tasks();
    return std::move(out_);
  }

 private:
  void find(const std::string& code, const Error& error) { find(code, error.text()); }
  void find(const std::string& code, std::string text) {
    if (out_.findings.size() == kMostFindings) return;
    if (text.size() > kFindingBytes) text = text.substr(0, well_formed_bytes(std::string_view(text).substr(0, kFindingBytes))) + " …";
    out_.findings.push_back({code, std::move(text)});
  }

  void check_tools() {
    Environment tools;
    tools.tools = out_.domain->tools;
    if (runs_programs(tools) && !(options_.executor && makes_rows(*out_.domain))) find("needs_programs", "a tool runs programs; tools of kind sql, sql_write and submit are examined");
  }

  // Two environments, because a fault may need a rare draw.
  void check_world() {
    for (int64_t number = 0; number < 2 && out_.findings.empty(); ++number) {
      const auto environment = generate_environment(*out_.domain, options_.seed, number, options_.executor);
      if (!environment.ok()) return find(makes_rows(*out_.domain) ? fault_code(environment.error().what) : "cannot_be_filled", environment.error());
      int64_t rows = 0;
      for (const Table& table : (*environment)->tables.tables) rows += table.size();
      if (rows > options_.rows)
        return find("too_large", "the tables have " + std::to_string(rows) + " rows; at most " + std::to_string(options_.rows) + " are examined: make fewer");
      const auto report = check_environment(*environment);
      if (!report.ok()) return find("false_declaration", report.error());
      for (const std::string& problem : (*report)->problems) find("false_declaration", problem);
      check_templates(**environment);
    }
  }

  void check_templates(const Environment& environment) {
    for (const auto& [name, part] : out_.domain->archetypes) {
      if (!part.contains("templates")) continue;
      const auto left_out = templates_left_out(*out_.domain, name, environment);
      if (!left_out.ok()) find("bad_template", left_out.error());
      else
        for (const std::string& why : *left_out) find("bad_template", why);
    }
  }

  void make_tasks() {
    for (const auto& [name, part] : out_.domain->archetypes) {
      const size_t before = out_.findings.size();
      const size_t levels = make_levels(name, part);
      const auto unreached = [](const Finding& finding) { return finding.code == std::string("level_unreached"); };
      if (levels > 0 && out_.findings.size() - before == levels &&
          std::all_of(out_.findings.begin() + static_cast<std::ptrdiff_t>(before), out_.findings.end(), unreached))
        for (size_t i = before; i < out_.findings.size(); ++i) out_.findings[i].code = "unsatisfiable";
    }
  }

  // How many levels there are to reach.
  size_t make_levels(const std::string& archetype, const Json& part) {
    FactoryOptions options{.archetypes = {archetype}, .difficulties = {}, .seed = options_.seed};
    for (int difficulty = 1; difficulty <= 5; ++difficulty)
      if (!part.contains("levels") || part["levels"].contains(std::to_string(difficulty))) options.difficulties.push_back(difficulty);
    if (options.difficulties.empty()) {
      find("level_unreached", archetype + ": no level is declared; expected levels \"1\" to \"5\"");
      return 0;
    }
    options.tasks_per_environment = static_cast<int64_t>(options.difficulties.size());
    if (makes_rows(*out_.domain)) {
      options.difficulties.clear();
      for (const ProgramTask& task : program_tasks(part)) options.difficulties.push_back(task.difficulty);
      std::sort(options.difficulties.begin(), options.difficulties.end());
    }
    const auto factory = Factory::create(out_.domain, options);
    if (!factory.ok()) {
      find("does_not_compile", factory.error());
      return 0;
    }
    if (options_.executor) (*factory)->use(*options_.executor);
    for (size_t level = 0; level < options.difficulties.size(); ++level) sample(**factory, archetype, options.difficulties, level);
    return options.difficulties.size();
  }

  void sample(Factory& factory, const std::string& archetype, const std::vector<int>& difficulties, size_t level) {
    LevelSample sample{archetype, difficulties[level], options_.tasks_per_level};
    for (int64_t i = 0; i < options_.tasks_per_level; ++i) {
      const int64_t index = static_cast<int64_t>(level) + i * static_cast<int64_t>(difficulties.size());
      CandidateFunnel funnel;
      const auto made = factory.make(index, &funnel);
      // Programs' faults have codes of their own.
      const std::string code = makes_rows(*out_.domain) && !funnel.lost.empty() ? funnel.lost.begin()->first : "";
      const std::string where = archetype + ", level " + std::to_string(sample.difficulty) + ": ";
      if (!made.ok()) {
        find(code.empty() ? "level_unreached" : code, where + (code.empty() ? made.error().what : made.error().text()));
        break;
      }
      const Certificate& certificate = made->certificate;
      if (!certificate.sound) {
        find(code.empty() ? "unsound" : code, where + "a certificate fails: " + (certificate.problems.empty() ? "not sound" : certificate.problems[0]));
        break;
      }
      const auto attacks = attacked(factory, index, made->task);
      if (!attacks.ok()) {
        find("attack_hit", where + "it cannot be attacked: " + attacks.error().text());
        break;
      }
      for (const AttackHit& hit : attacks->hits) find("attack_hit", where + hit.category + ", " + hit.attempt + ": " + hit.answer);
      if (!attacks->hits.empty()) break;
      count(sample, certificate);
    }
    out_.levels.push_back(sample);
  }

  // The catalogue against the task, and once against what all tasks of its environment share.
  Result<AttackReport> attacked(Factory& factory, int64_t index, const Task& task) {
    ASSAY_ASSIGN(const auto environment, factory.environment(index));
    ASSAY_ASSIGN(const auto verifier, make_verifier(task, environment, options_.executor));
    ASSAY_ASSIGN(AttackReport report, attack_task({task, *environment, *verifier, golds_}));
    golds_.push_back(gold_of(task));
    if (golds_.size() > kOtherGolds) golds_.erase(golds_.begin());
    if (!attacked_.insert(environment->id).second) return report;
    ASSAY_ASSIGN(const std::shared_ptr<const Database> database, Database::build(environment->tables));
    ASSAY_ASSIGN(const auto tools, Toolset::open(environment, database, {.executor = options_.executor, .files = {}, .tree = {}}));
    ASSAY_ASSIGN(const auto connection, Connection::open(database, {}, Access::kWrite));
    ASSAY_ASSIGN(const AttackReport shared, attack_environment({*environment, *tools, *connection}));
    report.add(shared);
    return report;
  }

  static void count(LevelSample& sample, const Certificate& certificate) {
    sample.chance_low = std::min(sample.chance_low, certificate.chance_rate());
    sample.chance_high = std::max(sample.chance_high, certificate.chance_rate());
    sample.calls_low = sample.certified ? std::min(sample.calls_low, certificate.calls_high) : certificate.calls_high;
    sample.calls_high = std::max(sample.calls_high, certificate.calls_high);
    ++sample.certified;
  }

  std::string file_;
  ExaminationOptions options_;
  std::vector<std::string> golds_;    // of the tasks made last
  std::set<std::string> attacked_;    // environments
  Examination out_;
};

}  // namespace

Examination examine_domain(std::string_view text, const std::string& file, const ExaminationOptions& options) {
  return Examiner(file, options).run(text);
}

std::string examination_text(const Examination& examination) {
  std::string out;
  for (const LevelSample& level : examination.levels) {
    out += level.archetype + ", level " + std::to_string(level.difficulty) + ": " + std::to_string(level.certified) + " of " +
           std::to_string(level.wanted) + " tasks certified";
    if (level.certified > 0)
      out += "; the gold takes " + std::to_string(level.calls_low) + " to " + std::to_string(level.calls_high) + " calls";
    out += "\n";
  }
  for (const Finding& finding : examination.findings) out += "- " + finding.code + ": " + finding.text + "\n";
  if (examination.passed()) out += "Nothing to mend.\n";
  return out;
}

OrderedJson to_json(const Examination& examination) {
  OrderedJson levels = OrderedJson::array(), findings = OrderedJson::array();
  for (const LevelSample& level : examination.levels)
    levels.push_back({{"archetype", level.archetype}, {"difficulty", level.difficulty}, {"wanted", level.wanted}, {"certified", level.certified},
                      {"chance", {level.chance_low, level.chance_high}}, {"calls", {level.calls_low, level.calls_high}}});
  for (const Finding& finding : examination.findings) findings.push_back({{"code", finding.code}, {"text", finding.text}});
  return {{"passed", examination.passed()}, {"levels", std::move(levels)}, {"findings", std::move(findings)}};
}

}  // namespace assay
