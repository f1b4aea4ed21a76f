#include <algorithm>
#include <map>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::log_sessions {
namespace {

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t users = 2 + difficulty, gap = 60 * rng.between(15, 40);
  std::vector<std::pair<int64_t, int64_t>> events;   // (second, user)
  for (int64_t i = 0; i < 40 * difficulty + 30; ++i) events.push_back({rng.between(0, 86'399), rng.between(1, users)});
  std::string log;
  const auto two = [](int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  for (auto& [second, user] : events) {
    const bool monitor = rng.below(7) == 0;
    log += two(second / 3600) + ":" + two(second / 60 % 60) + ":" + two(second % 60) + " user" + std::to_string(user) + (monitor ? " GET /ping" : " GET /item") + "\n";
    if (monitor) user = 0;
  }
  std::sort(events.begin(), events.end());
  std::map<int64_t, int64_t> last;
  int64_t sessions = 0, longest = 0;
  std::map<int64_t, int64_t> begun;
  for (const auto& [second, user] : events) {
    if (user == 0) continue;
    const auto it = last.find(user);
    if (it == last.end() || second - it->second > gap) ++sessions, begun[user] = second;
    last[user] = second;
    longest = std::max(longest, second - begun[user]);
  }
  return {filled("access.log holds one request per line, in no order: the time of day, the user, and what was asked for. Requests for /ping come from a monitor and do not count. A user's session is a run of "
                 "that user's requests in which each comes at most {gap} seconds after the one before. How many sessions are there in all, and how many seconds long (from its first request to its last) is the longest? Give an "
                 "object with the keys \"sessions\" and \"longest\", both integers.", {{"gap", std::to_string(gap)}}),
          {{"access.log", log}}, Json{{"type", "object"}, {"fields", {{"sessions", expect_integer(sessions)}, {"longest", expect_integer(longest)}}}},
          filled(R"(import json
import pandas as pd
table = pd.read_csv("access.log", sep=" ", names=["time", "user", "verb", "path"])
table = table[table.path != "/ping"]
table["second"] = pd.to_timedelta(table.time).dt.total_seconds().astype(int)
table = table.sort_values(["user", "second"])
table["new"] = table.groupby("user").second.diff().isna() | (table.groupby("user").second.diff() > {gap})
table["session"] = table.new.cumsum()
spans = table.groupby("session").second.agg(lambda s: s.max() - s.min())
print(json.dumps({"sessions": len(spans), "longest": int(spans.max())})))", {{"gap", std::to_string(gap)}})};
}

}  // namespace

Problem make() { return {"log_sessions", "tables", "native: one pass with the last time of each user; Python: pandas differences", 1, draw}; }

}  // namespace assay::problems::log_sessions
