// One environment, ready for making operate tasks: its tools, and for every request of the domain the rows that somebody could ask
// about, by the case that decides them. Used by one thread.
#pragma once

#include <memory>
#include <vector>

#include "envs/database.h"
#include "envs/message.h"
#include "envs/plain_tools.h"
#include "envs/toolset.h"
#include "synth/archetype.h"
#include "synth/operate/part.h"

namespace assay::operate {

struct Candidate {
  Json row;        // column of pick -> value
  size_t which;    // the case that holds
};

class World {
 public:
  // The one kept in `request.kept`, or a new one, which is kept there.
  static Result<std::shared_ptr<World>> of(const MakeRequest& request);
  static Result<std::shared_ptr<World>> open(const Domain& domain, const Json& part, std::shared_ptr<const Environment> environment,
                                             const std::string& file, const std::string& path);

  const Part& part() const { return part_; }
  const Environment& environment() const { return *environment_; }
  Toolset& tools() { return *tools_; }
  PlainTools& plain() { return *plain_; }   // over tools()

  // In an order that depends on the data alone.
  const std::vector<Candidate>& candidates(size_t request) const { return requests_[request].candidates; }
  // Their places, by case.
  const std::vector<size_t>& of_case(size_t request, size_t which) const { return requests_[request].by_case[which]; }

  // Carries calls of plain tools out from the initial state and says what they changed; errors the tools answer with are no concern here.
  Result<Json> state_after(const std::vector<const std::vector<ToolCall>*>& calls);
  // Whether a request would be decided, and read, as in the beginning, after what has been done since.
  Result<bool> as_in_the_beginning(size_t request, const Candidate& candidate);

 private:
  struct Requests {
    std::vector<Candidate> candidates;
    std::vector<std::vector<size_t>> by_case;
    std::unique_ptr<Query> again;   // pick, of one candidate
  };
  World() = default;
  Status read_candidates(size_t request, const std::string& where);

  Part part_;
  std::shared_ptr<const Environment> environment_;
  std::unique_ptr<Toolset> tools_;   // before the queries over its connection
  std::unique_ptr<PlainTools> plain_;
  std::vector<Requests> requests_;
};

}  // namespace assay::operate
