#include "envs/changed_records.h"

#include <algorithm>

#include "envs/toolset.h"

namespace assay {

Result<Observation> change_records(const Observation& seen, const std::function<Status(OrderedJson&)>& change) {
  if (seen.error) return seen;
  ASSAY_ASSIGN(OrderedJson result, parse_ordered_json(seen.text, "the records of a tool"));
  if (!result.is_array()) {
    ASSAY_TRY(change(result));
  } else {
    for (OrderedJson& record : result) ASSAY_TRY(change(record));
  }
  return Observation{result.dump()};
}

Result<Observation> undo_flagged(const UndoneCall& call, const char* flag, const char* instead) {
  ASSAY_ASSIGN(Observation seen, call.after.call(call.made[0]->name, call.arguments.dump()));
  if (seen.error) return seen;
  ASSAY_ASSIGN(const Json result, parse_json(seen.text, call.tool.name));
  const auto flawed = [&](const Json& record) { return record.is_object() && record.contains(flag) && record[flag] == true; };
  const bool any = result.is_array() ? std::any_of(result.begin(), result.end(), flawed) : flawed(result);
  return any ? call.after.call(call.made[0]->body.at(instead).get<std::string>(), call.arguments.dump()) : Result<Observation>(std::move(seen));
}

}  // namespace assay
