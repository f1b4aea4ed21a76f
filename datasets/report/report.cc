#include "datasets/report/report.h"

#include <algorithm>
#include <array>

#include "datasets/measured.h"
#include "datasets/report/archive.h"
#include "datasets/report/figures.h"
#include "datasets/report/trajectory.h"
#include "datasets/templates.h"
#include "envs/base/hash.h"
#include "envs/base/utf8.h"

namespace assay {
namespace {

constexpr size_t kIdDigits = 16;
constexpr int64_t kNumberBytes = 4;   // an attempt's place in the archive, compressed: at most

std::string page_file(std::string_view name) {
  for (const EmbeddedTemplate& file : embedded_report_page())
    if (file.name == name) return std::string(file.text);
  ASSAY_ASSERT(!"a page without its file");
}

std::string page_script() {
  std::string out;
  for (const EmbeddedTemplate& file : embedded_report_page())
    if (file.name.ends_with(".js")) out += file.text;
  return "\"use strict\";\n(() => {\n" + out + "start();\n})();\n";
}

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : with_replacements(text)) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

// As content security policies name what may run: 'sha256-…'.
std::string csp_hash(std::string_view text) {
  std::string bytes;
  const std::string hex = sha256_hex(text);
  for (size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return "'sha256-" + base64(bytes) + "'";
}

// Fills "@NAME@" in a page with texts, which are not looked at again.
std::string filled(std::string_view page, const std::map<std::string, std::string, std::less<>>& blanks) {
  std::string out;
  while (!page.empty()) {
    const size_t at = std::min(page.find('@'), page.size());
    out += page.substr(0, at);
    page.remove_prefix(at);
    const size_t end = page.find('@', 1);
    const auto blank = end == std::string_view::npos ? blanks.end() : blanks.find(page.substr(1, end - 1));
    if (blank != blanks.end()) out += blank->second;
    else if (!page.empty()) out += '@';
    page.remove_prefix(blank != blanks.end() ? end + 1 : std::min<size_t>(1, page.size()));
  }
  return out;
}

template <typename Item, typename Value>
OrderedJson column(const std::vector<Item>& items, const Value& value) {
  OrderedJson out = OrderedJson::array();
  for (const Item& item : items) out.push_back(value(item));
  return out;
}

OrderedJson band_json(const std::optional<std::pair<double, double>>& band) {
  return band ? OrderedJson::array({band->first, band->second}) : OrderedJson();
}

// Bands are few and tasks many.
OrderedJson task_columns(const std::vector<TaskFacts>& tasks) {
  OrderedJson bands = OrderedJson::array();
  std::map<std::string, size_t> numbers;
  const auto band_of = [&](const TaskFacts& task) {
    OrderedJson band{{"chance", band_json(task.band.chance)}, {"calls", band_json(task.band.calls)}};
    const auto [found, added] = numbers.emplace(band.dump(), bands.size());
    if (added) bands.push_back(std::move(band));
    return found->second;
  };
  OrderedJson out;
  out["id"] = column(tasks, [](const TaskFacts& t) { return t.id.substr(0, kIdDigits); });
  out["domain"] = column(tasks, [](const TaskFacts& t) { return t.domain; });
  out["archetype"] = column(tasks, [](const TaskFacts& t) { return t.archetype; });
  out["difficulty"] = column(tasks, [](const TaskFacts& t) { return t.difficulty; });
  out["state"] = column(tasks, [](const TaskFacts& t) { return !t.certified ? 0 : t.sound ? 2 : 1; });
  out["chance"] = column(tasks, [](const TaskFacts& t) { return or_null(t.chance_rate); });
  out["calls"] = column(tasks, [](const TaskFacts& t) { return or_null(t.calls); });
  out["band"] = column(tasks, band_of);
  out["in_band"] = column(tasks, [](const TaskFacts& t) { return !t.in_band ? 0 : *t.in_band ? 2 : 1; });
  out["bands"] = std::move(bands);
  return out;
}

// `records`: of each attempt its place in the archive, or -1.
OrderedJson attempt_columns(const std::vector<AttemptFacts>& attempts, const std::vector<int64_t>& records) {
  OrderedJson out;
  out["id"] = column(attempts, [](const AttemptFacts& a) { return a.id.substr(0, kIdDigits); });
  out["task"] = column(attempts, [](const AttemptFacts& a) { return a.task; });
  out["policy"] = column(attempts, [](const AttemptFacts& a) { return a.policy; });
  out["seed"] = column(attempts, [](const AttemptFacts& a) { return std::to_string(a.seed); });   // a browser's numbers have 53 bits
  out["sample"] = column(attempts, [](const AttemptFacts& a) { return a.sample; });
  out["outcome"] = column(attempts, [](const AttemptFacts& a) { return static_cast<int>(a.outcome); });
  out["stop"] = column(attempts, [](const AttemptFacts& a) { return a.stop; });
  out["kinds"] = column(attempts, [](const AttemptFacts& a) { return a.kinds; });
  out["steps"] = column(attempts, [](const AttemptFacts& a) { return a.steps; });
  out["calls"] = column(attempts, [](const AttemptFacts& a) { return a.calls; });
  out["failed_calls"] = column(attempts, [](const AttemptFacts& a) { return a.failed_calls; });
  out["prompt_tokens"] = column(attempts, [](const AttemptFacts& a) { return a.prompt_tokens; });
  out["completion_tokens"] = column(attempts, [](const AttemptFacts& a) { return a.completion_tokens; });
  out["policy_us"] = column(attempts, [](const AttemptFacts& a) { return a.policy_us; });
  out["tool_us"] = column(attempts, [](const AttemptFacts& a) { return a.tool_us; });
  out["record"] = records;
  return out;
}

// Places of attempts: failures before successes, and of equals each task's first before any task's second.
std::vector<size_t> keeping_order(const StoreFacts& facts) {
  std::vector<std::pair<std::pair<bool, int64_t>, size_t>> ranked;
  std::vector<std::array<int64_t, 2>> seen(facts.tasks.size());
  for (size_t i = 0; i < facts.attempts.size(); ++i) {
    const bool passed = facts.attempts[i].outcome == RolloutOutcome::kPassed;
    ranked.push_back({{passed, seen[facts.attempts[i].task][passed]++}, i});
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<size_t> out;
  for (const auto& [rank, place] : ranked) out.push_back(place);
  return out;
}

struct Kept {
  Archive archive;
  std::vector<int64_t> records;   // of each attempt, or -1
  int64_t whole = 0;
};

// Trajectories until their blocks fill `bytes`.
Result<Kept> keep_trajectories(Store& store, const std::vector<TaskRow>& tasks, const StoreFacts& facts, int64_t bytes, const std::function<Status()>& step) {
  Kept out;
  out.records.assign(facts.attempts.size(), -1);
  for (const size_t place : keeping_order(facts)) {
    if (out.archive.deflated_bytes() >= bytes) break;
    const AttemptFacts& attempt = facts.attempts[place];
    ASSAY_ASSIGN(Rollout rollout, store.rollout(attempt.id));
    ASSAY_ASSIGN(rollout.turns, store.turns(attempt.id));
    ASSAY_TRY(step());
    if (text_bytes(rollout) > bytes) continue;   // it alone could take the place of all others
    ASSAY_ASSIGN(const Task task, store.task(tasks[attempt.task].id));
    out.records[place] = add_trajectory(out.archive, task, rollout);
  }
  const int64_t entries = out.archive.finish(bytes);
  for (int64_t& record : out.records) {
    if (record >= entries) record = -1;
    out.whole += record >= 0;
  }
  return out;
}

std::string blocks_html(const Archive& archive) {
  std::string out;
  for (const Archive::Block& block : archive.blocks())
    out += "<script type=\"application/octet-stream\" class=\"block\" data-first=\"" + std::to_string(block.first) + "\">" + base64(block.deflated) + "</script>\n";
  return out;
}

}  // namespace

Result<Report> make_report(Store& store, const std::vector<TaskRow>& tasks, const ReportOptions& options, const std::function<Status()>& step) {
  ASSAY_ASSIGN(const StoreFacts facts, read_facts(store, tasks, options.policies, step));
  if (facts.attempts.empty()) return input_error("no stored attempt fits, so there is nothing to report", store.path(), "assay rollout, or other filters");
  Report out{.figures = report_figures(facts), .attempts = static_cast<int64_t>(facts.attempts.size())};

  OrderedJson index{{"title", options.title}, {"store", store.path()}, {"figures", out.figures},
                    {"outcomes", outcome_names()}, {"domains", facts.domains.texts()}, {"archetypes", facts.archetypes.texts()},
                    {"policies", facts.policies.texts()}, {"stops", facts.stops.texts()}, {"kinds", facts.kinds.texts()},
                    {"task", task_columns(facts.tasks)}};
  const auto packed_index = [&](const std::vector<int64_t>& records) {
    index["attempt"] = attempt_columns(facts.attempts, records);
    return base64(deflated(index.dump(-1, ' ', false, OrderedJson::error_handler_t::replace)));
  };
  const std::string style = page_file("page.css"), script = page_script(), page = page_file("page.html");
  const int64_t fixed = static_cast<int64_t>(style.size() + script.size() + page.size() + packed_index(std::vector<int64_t>(facts.attempts.size(), -1)).size()) +
                        out.attempts * kNumberBytes;
  ASSAY_ASSIGN(const Kept kept, keep_trajectories(store, tasks, facts, std::max<int64_t>(0, options.bytes - fixed) * 74 / 100, step));   // base64 takes 4/3, tags the rest

  out.whole = kept.whole;
  out.figures["trajectories"] = kept.whole;
  index["figures"] = out.figures;
  out.html = filled(page, {{"TITLE", html_text(options.title)},
                           {"POLICY", "default-src 'none'; img-src data:; script-src " + csp_hash(script) + "; style-src " + csp_hash(style)},
                           {"STYLE", style}, {"SCRIPT", script}, {"INDEX", packed_index(kept.records)}, {"BLOCKS", blocks_html(kept.archive)}});
  return out;
}

}  // namespace assay
