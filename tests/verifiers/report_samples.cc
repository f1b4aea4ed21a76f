#include "tests/verifiers/report_samples.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "envs/base/json.h"

namespace assay {
namespace {

std::string bytes_of(const std::filesystem::path& path) {
  auto bytes = read_file(path.string());
  if (!bytes.ok()) FAIL(bytes.error().text());
  return *bytes;
}

std::vector<ReportSample> read_samples() {
  const char* source = std::getenv("ASSAY_SOURCE");
  if (!source) FAIL("set ASSAY_SOURCE to the source tree");
  const std::filesystem::path root = std::filesystem::path(source) / "tests/verifiers/reports";
  std::vector<ReportSample> samples;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::filesystem::path& path = entry.path();
    if (!entry.is_regular_file() || path.parent_path() == root || path.extension() == ".expected") continue;
    const std::filesystem::path expected = path.string() + ".expected";
    samples.push_back({std::filesystem::relative(path, root).string(), path.parent_path().filename().string(), bytes_of(path),
                       std::filesystem::exists(expected) ? bytes_of(expected) : ""});
  }
  std::sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return samples;
}

}  // namespace

const std::vector<ReportSample>& report_samples() {
  static const std::vector<ReportSample> samples = read_samples();
  return samples;
}

std::string report_text(const TestReport& report) {
  std::string out = "announced " + (report.announced ? std::to_string(*report.announced) : "nothing") + ", entries " + std::to_string(report.entries) + "\n";
  if (report.truncated) out += "truncated\n";
  for (const TestResult& test : report.tests) out.append(outcome_name(test.outcome)).append(" ").append(test.id).append("\n");
  for (const std::string& note : report.notes) out += "note: " + note + "\n";
  return out;
}

}  // namespace assay
