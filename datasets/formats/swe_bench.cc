#include "datasets/format.h"
#include "datasets/repair_task.h"

namespace assay::formats::swe_bench {
namespace {

constexpr const char* kUsage = R"(Each row is one task in the form of a SWE-bench instance: `repo`, `instance_id`, `base_commit`, `patch` (the gold patch),
`test_patch`, `problem_statement`, `hints_text` (empty), `created_at`, `version` (empty), `environment_setup_commit`, and as JSON texts
`FAIL_TO_PASS` and `PASS_TO_PASS`. `task_id`, `licence`, `language` and `statement_from` come beside them. Predictions for these instances
(`instance_id`, `model_name_or_path`, `model_patch`) are judged by `assay verify --predictions FILE`.
)";

Result<OrderedJson> row(const ExportItem& item) {
  const Task& task = item.task;
  ASSAY_ASSIGN(const RepairOrigin origin, repair_origin(task));
  JsonReader plan(task.tests, "task " + task.id, "$.tests");
  const Json fail_to_pass = plan.texts("fail_to_pass"), pass_to_pass = plan.texts("pass_to_pass");
  const std::string tests = plan.text("tests");
  if (plan.failed()) return plan.finish().error();
  return OrderedJson{{"repo", origin.repository},
                     {"instance_id", instance_id(task)},
                     {"base_commit", origin.base},
                     {"patch", task.gold},
                     {"test_patch", tests},
                     {"problem_statement", origin.statement},
                     {"hints_text", ""},
                     {"created_at", origin.merged},
                     {"version", ""},
                     {"FAIL_TO_PASS", fail_to_pass.dump()},
                     {"PASS_TO_PASS", pass_to_pass.dump()},
                     {"environment_setup_commit", origin.base},
                     {"task_id", task.id},
                     {"split", item.split},
                     {"licence", origin.licence},
                     {"language", origin.language},
                     {"statement_from", origin.statement_from},
                     {"certificate", certificate_summary(item.certificate)}};
}

}  // namespace

Format make() {
  return {.name = "swe_bench",
          .summary = "SWE-bench instances (one row a task that asks for a patch)",
          .takes = [](const Task& task) { return !task.tests.is_null(); },
          .usage = kUsage,
          .row = row};
}

}  // namespace assay::formats::swe_bench
