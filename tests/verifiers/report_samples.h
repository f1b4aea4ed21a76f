// Samples of test reports: tests/verifiers/reports/<parser>/<sample>, written by the real runner for tests made for this purpose (what
// each holds is in SOURCES.md there), beside <sample>.expected, what is to be read from it.
#pragma once

#include <string>
#include <vector>

#include "verifiers/test_report.h"

namespace assay {

struct ReportSample {
  std::string path;     // "junit/ctest.xml"
  std::string parser;   // "junit"
  std::string bytes;
  std::string expected; // as printed by report_text(); empty where there is none
};

// All of them, sorted by path; from $ASSAY_SOURCE.
const std::vector<ReportSample>& report_samples();

// "announced 3, entries 3", "truncated" where it is, "passed ID" … in order, "note: …".
std::string report_text(const TestReport& report);

}  // namespace assay
