// assay mine SOURCE: issues and the changes that resolved them, filtered, as a file of candidates for `assay build`.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "cli/command.h"
#include "cli/mining_batch.h"
#include "cli/play_options.h"
#include "cli/text.h"
#include "synth/mine/judgement.h"

namespace assay::commands::mine {
namespace {

struct Options {
  MiningOptions mining;
  std::string out = "candidates.jsonl", judge, token_env = "GITHUB_TOKEN";
  int64_t newest = 0;   // 0: all
  bool cache = true;
  PlayOptions play;
};

// Of the candidates those that were merged last.
void keep_newest(int64_t count, MiningReport& report) {
  if (count == 0 || static_cast<int64_t>(report.candidates.size()) <= count) return;
  std::vector<std::string> days;
  for (const Candidate& candidate : report.candidates) days.push_back(candidate.merged);
  std::sort(days.begin(), days.end(), std::greater<>());
  const std::string last = days[static_cast<size_t>(count) - 1];
  int64_t of_last = count - std::count_if(days.begin(), days.end(), [&](const std::string& day) { return day > last; });   // of those merged at once
  std::vector<Candidate> kept;
  for (Candidate& candidate : report.candidates) {
    if (candidate.merged > last || (candidate.merged == last && of_last-- > 0)) kept.push_back(std::move(candidate));
    else report.funnel.add(Loss{"older", candidate.merged}, candidate);
  }
  report.candidates = std::move(kept);
}

// Asks the model about every candidate; the funnel gets all of them.
Status judge(const Options& options, const Context& context, MiningReport& report) {
  std::vector<std::optional<Loss>> losses(report.candidates.size());
  if (!options.judge.empty()) {
    PolicyOptions policy_options = options.play.batch(context, options.judge, 1).policy_options;
    policy_options.cancelled = context.cancelled;
    ASSAY_ASSIGN(const std::unique_ptr<Policy> policy, make_policy(options.judge, policy_options));
    std::vector<const Candidate*> asked;
    for (const Candidate& candidate : report.candidates) asked.push_back(&candidate);
    Progress progress("judge", static_cast<int64_t>(asked.size()), system_clock());
    ASSAY_TRY(judge_statements(asked, *policy, context.seed, [&](size_t index, std::optional<Loss> loss) {
      progress.add(1, loss ? 1 : 0);
      losses[index] = std::move(loss);
      return Status();
    }));
  }
  std::vector<Candidate> kept;
  for (size_t i = 0; i < losses.size(); ++i) {
    report.funnel.add(losses[i], report.candidates[i]);
    if (!losses[i]) kept.push_back(std::move(report.candidates[i]));
  }
  report.candidates = std::move(kept);
  return {};
}

bool is_day(const std::string& text) {
  constexpr std::string_view kForm = "0000-00-00";
  return text.size() == kForm.size() && std::equal(text.begin(), text.end(), kForm.begin(), [](char c, char form) { return form == '-' ? c == '-' : c >= '0' && c <= '9'; });
}

std::string funnel_text(const MiningFunnel& funnel) {
  TextTable table({"lost", "left", "reason", "what it means", "for example"});
  table.add({"", count_text(funnel.changes()), "", "pull requests and commits", ""});
  for (const MiningFunnel::Row& row : funnel.rows())
    table.add({count_text(row.lost), count_text(row.left), row.reason.code, row.reason.meaning, printable(shortened(row.example.substr(0, row.example.find('\n')), 80))});
  std::string out = table.text("  ");
  std::string languages;
  for (const auto& [language, count] : funnel.languages) languages += (languages.empty() ? "" : ", ") + language + " " + count_text(count);
  return out + "\n\n" + count_text(funnel.kept()) + " candidates" + (languages.empty() ? "" : ": " + languages);
}

Result<int> run(Options& options, const Context& context) {
  MiningOptions& mining = options.mining;
  ASSAY_TRY(options.play.complete());
  const std::unique_ptr<HttpClient> http = make_http_client({.in_flight = 4});
  if (const char* token = std::getenv(options.token_env.c_str())) mining.source.token = token;
  if (options.cache) mining.source.cache = options.out + ".cache";
  mining.source.http = http.get();
  mining.source.clock = &system_clock();
  mining.source.cancelled = context.cancelled;
  mining.jobs = context.threads();
  mining.limit = context.limit;
  Progress progress("mine", 0, system_clock());
  ASSAY_ASSIGN(MiningReport report, run_mining(mining, progress));
  const double seconds = progress.seconds();
  keep_newest(options.newest, report);
  ASSAY_TRY(judge(options, context, report));
  std::string lines;
  for (const Candidate& candidate : report.candidates) lines += canonical_json(to_json(candidate)) + "\n";
  ASSAY_TRY(write_file(options.out, lines));

  for (const std::string& note : report.notes) context.say("note: " + printable(note));
  context.say(funnel_text(report.funnel) + "; in " + options.out + ", after " + duration_text(seconds));
  ASSAY_ASSIGN(const MiningSource* const kind, find_source(mining.source.argument));
  const bool is_clone = kind->is_clone;
  for (const MiningFunnel::Row& row : report.funnel.rows())
    if (row.reason.code == "not_linked" && report.funnel.kept() == 0 && is_clone)
      context.say("a clone holds no issues' texts: --statements commit takes what the commits say, github:OWNER/NAME --clone " + mining.source.argument + " gets the issues");
  if (report.error) context.say("broken off: " + printable(report.error->text()));
  if (report.interrupted || report.error) context.say("the same command goes on from there");
  else if (report.funnel.kept() > 0) context.say("next:\n  " + context.command("build " + options.out + " --clone " + (is_clone ? mining.source.argument : mining.source.clone.empty() ? "DIR" : mining.source.clone)));
  OrderedJson result = to_json(report.funnel);
  result["out"] = options.out;
  result["notes"] = report.notes;
  if (report.error) result["error"] = to_json(*report.error);
  result["interrupted"] = report.interrupted;
  result["seconds"] = seconds;
  context.result(result);
  return static_cast<int>(report.error || report.interrupted ? kSomeFailed : kDone);
}

}  // namespace

Command make() {
  return {"mine", "Mine issues and the changes that resolved them from a repository", 5, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            SourceOptions& source = options->mining.source;
            FilterOptions& filters = options->mining.filters;
            const auto count = CLI::Range(int64_t{0}, int64_t{1} << 40);
            app.add_option("source", source.argument, "A clone or mirror, github:OWNER/NAME, a folder of Harbor tasks, or a file of records or SWE-bench instances")->required();
            app.add_option("--out", options->out, "File for the candidates, JSON Lines");
            app.add_option("--clone", source.clone, "A clone of the repository, for the patches of GitHub's or a file's pull requests");
            app.add_option("--repository", source.repository, "OWNER/NAME, where the source does not say it");
            app.add_option("--statements", filters.statements, "Kinds of statement to take: issue, pull_request, commit")->delimiter(',')->check(CLI::IsMember({"issue", "pull_request", "commit"}));
            app.add_option("--since", filters.since, "Only what was merged on this day or later: 2023-01-01")->check([](const std::string& day) { return is_day(day) ? "" : "expected a day as 2023-01-01"; });
            app.add_option("--newest", options->newest, "Of all candidates only so many, those merged last")->check(count);
            app.add_option("--words", filters.statement_words, "Words of prose that an issue has at least; others half as many")->check(count);
            app.add_option("--gold-files", filters.gold_files, "Files that a solution changes at most")->check(count);
            app.add_option("--gold-lines", filters.gold_lines, "Lines that a solution changes at most")->check(count);
            app.add_option("--test-files", filters.test_files, "Test files that change at most")->check(count);
            app.add_option("--test-lines", filters.test_lines, "Lines of tests that change at most")->check(count);
            app.add_option("--languages", filters.languages, "Only these: python, javascript, typescript, c, cpp, java, go, rust, php …")->delimiter(',');
            app.add_option("--licences", filters.licences, "Only these, by SPDX identifier")->delimiter(',');
            app.add_option("--judge", options->judge, "Ask a model whether each statement is clear: openai:URL, with --model NAME");
            app.add_option("--api", source.api, "GitHub's API, or an Enterprise server's: https://HOST/api/v3");
            app.add_option("--token-env", options->token_env, "Environment variable that holds the token for it");
            app.add_flag("--cache,!--no-cache", options->cache, "Keep answers of the API in OUT.cache, to go on from there (default: yes)");
            options->play.declare(app);
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::mine
