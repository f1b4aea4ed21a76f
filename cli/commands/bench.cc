// assay bench: measures, and says which goals hold on this machine.
#include <CLI/CLI.hpp>

#include <fstream>
#include <thread>

#include "cli/bench.h"
#include "cli/command.h"
#include "cli/text.h"

namespace assay::commands::bench {
namespace {

OrderedJson machine() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line, model = "unknown";
  while (std::getline(cpuinfo, line))
    if (line.starts_with("model name")) {
      model = line.substr(std::min(line.find(':') + 2, line.size()));
      break;
    }
  return {{"cpu", model}, {"cores", std::thread::hardware_concurrency()}};
}

std::string value_text(double value) { return value >= 0 && value < 1000 ? rate_text(value) : count_text(static_cast<int64_t>(value)); }

void add(TextTable& table, const Figure& figure) {
  const bool goal = figure.goal != 0;
  table.add({figure.area, figure.name, value_text(figure.value), figure.unit,
             goal ? (figure.at_least ? "at least " : "at most ") + value_text(figure.goal) : "", goal ? (figure.holds() ? "HOLDS" : "MISSES") : "",
             figure.note});
}

OrderedJson to_json(const Figure& figure, const OrderedJson& machine) {
  OrderedJson json{{"area", figure.area}, {"name", figure.name}, {"value", figure.value}, {"unit", figure.unit},
                   {"goal", figure.goal}, {"at_least", figure.at_least}, {"holds", figure.holds()}, {"note", figure.note}};
  json["machine"] = machine;
  return json;
}

Result<std::vector<const BenchArea*>> chosen_areas(const std::string& area) {
  std::vector<const BenchArea*> chosen;
  std::vector<std::string> known;
  for (const BenchArea& candidate : assay::bench::all()) {
    known.push_back(candidate.name);
    if (area.empty() || candidate.name == area) chosen.push_back(&candidate);
  }
  if (chosen.empty()) return unknown_name("bench area", area, known);
  return chosen;
}

Result<int> run(const std::string& area, const Context& context) {
  ASSAY_ASSIGN(const std::vector<const BenchArea*> areas, chosen_areas(area));
  const OrderedJson here = machine();
  TextTable table({"area", "figure", "value", "unit", "goal", "", "of what"});
  int failed = 0;
  for (const BenchArea* item : areas) {
    if (context.stopped()) break;
    if (context.json || areas.size() > 1) context.say("measuring " + item->name + ": " + item->summary);
    const Result<std::vector<Figure>> figures = item->run();
    if (!figures.ok()) {
      ++failed;
      context.say(item->name + ": " + figures.error().text());
      context.result({{"area", item->name}, {"error", assay::to_json(figures.error())}});
      continue;
    }
    for (const Figure& figure : *figures) {
      add(table, figure);
      context.result(to_json(figure, here));
    }
  }
  context.say(here["cpu"].get<std::string>() + ", " + std::to_string(here["cores"].get<int>()) + " cores");
  if (!table.empty()) context.say(table.text());
  return failed || context.stopped() ? kSomeFailed : kDone;
}

}  // namespace

Command make() {
  return {"bench", "Measure, and say which goals hold on this machine", 110, [](CLI::App& app, Context& context) {
            auto area = std::make_shared<std::string>();
            app.add_option("area", *area, "One area (default: all)");
            return [area, &context] { return run(*area, context); };
          }};
}

}  // namespace assay::commands::bench
