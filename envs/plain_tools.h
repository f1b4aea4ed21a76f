// The tools of an environment as they were before others were made from them (ToolKind::undo), worked through those that are there:
// what solutions, golds and checks are written against. Every call of a plain tool becomes the calls that an agent would have to make.
#pragma once

#include <memory>
#include <vector>

#include "envs/message.h"
#include "envs/toolset.h"

namespace assay {

// Whether the tool is made from others, or stands beside such.
bool is_changed(const ToolSpec& tool);

// What stands inside changed tools, and the rest as it is.
std::vector<ToolSpec> plain_tools(const std::vector<ToolSpec>& tools);

// Used by one thread, for one attempt. Where nothing is changed it is the tools themselves.
class PlainTools final : public Tools {
 public:
  explicit PlainTools(Tools& actual);   // borrowed
  ~PlainTools() override;
  const std::vector<ToolSpec>& specs() const override;
  Result<Observation> call(std::string_view tool, std::string_view arguments) override;
  Result<Json> state() override;
  Status reset() override;

  // Whether anything is changed. Then every call that was really made since the last reset is kept, each in a message of its own,
  // with its result; but for submissions.
  bool changed() const;
  const Conversation& transcript() const;
  int64_t calls() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
