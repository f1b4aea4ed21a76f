// Environments over JSON lines: one request a line, one answer a line; anything wrong is answered with an error and nothing
// else changes. Many episodes at a time, bounded.
//
//   {"op":"list", "offset"?, "limit"?}                     -> {"total", "tasks": [{"index","task","difficulty"} …]}
//   {"op":"reset", "task": ID | "index": N, "episode"?}    -> {"episode","task","system","prompt","tools"}
//   {"op":"call", "tool", "arguments"?, "episode"?}        -> {"observation","is_error"?,"done"}
//   {"op":"step", "message": {assistant …}, "episode"?}    -> {"messages": [tool …],"done"}
//   {"op":"score", "episode"? | "task","answer","state"?}  -> {"reward","passed","checks",…}
//   {"op":"score", "task", "calls":[{"tool","arguments"} …]} -> the same, of an episode of its own with these calls
//   {"op":"close", "episode"?}                             -> {"closed"}
//   anything wrong                                         -> {"error": {"boundary","message","try"?}}
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/host.h"
#include "envs/episode.h"

namespace assay {

// Used by one thread.
class EnvServer {
 public:
  static constexpr size_t kEpisodes = 4096;
  static constexpr size_t kLineBytes = 8u << 20;

  // `tasks` are what "index" and "list" speak of; only they can be reset or scored.
  EnvServer(DatabaseCache& databases, std::vector<TaskRow> tasks);

  // The answer to one line, without a line feed.
  std::string answer(std::string_view line);
  // The answer to a line that was too long to read.
  std::string refuse_long_line() const;

  size_t episodes() const { return episodes_.size(); }

 private:
  struct Live {
    std::shared_ptr<const Task> task;
    std::shared_ptr<Toolset> tools;
    Episode episode;
  };

  Result<OrderedJson> dispatch(const Json& request);
  Result<OrderedJson> list(JsonReader& reader);
  Result<OrderedJson> reset(JsonReader& reader);
  Result<OrderedJson> call(JsonReader& reader);
  Result<OrderedJson> step(JsonReader& reader);
  Result<OrderedJson> score(JsonReader& reader);
  Result<OrderedJson> close(JsonReader& reader);
  Result<OrderedJson> score_calls(JsonReader& reader);

  Result<Live*> live(const std::string& name);
  Result<std::string> task_id(JsonReader& reader);
  Result<OrderedJson> judge(const Task& task, const Outcome& outcome);

  Host host_;
  std::vector<TaskRow> tasks_;
  std::map<std::string, size_t> index_of_;  // by task id
  std::map<std::string, std::unique_ptr<Live>> episodes_;
};

}  // namespace assay
