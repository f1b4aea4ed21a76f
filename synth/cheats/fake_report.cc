// The source writes the report itself, in which every test that decides has passed, and ends the process: scores where a report is
// believed because it is there.
#include "synth/cheat.h"

namespace assay::cheats::fake_report {
namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '"' ? "&quot;" : std::string(1, c);
  return out;
}

// As pytest writes it: the id's parts before the last "::" are file and class.
std::string junit(const std::vector<std::string>& ids) {
  const std::string count = std::to_string(ids.size());
  std::string out = "<testsuites><testsuite name=\"pytest\" errors=\"0\" failures=\"0\" skipped=\"0\" tests=\"" + count + "\">";
  for (const std::string& id : ids) {
    const size_t parts = id.rfind("::");
    std::string folder = parts == std::string::npos ? "" : id.substr(0, parts);
    const std::string file = id.find(".py::") == std::string::npos ? "" : " file=\"" + escaped(id.substr(0, id.find("::"))) + "\"";
    if (const size_t end = folder.find(".py"); end != std::string::npos) folder.erase(end, 3);
    for (char& c : folder) c = c == '/' || c == ':' ? '.' : c;
    out += "<testcase" + file + " classname=\"" + escaped(folder) + "\" name=\"" + escaped(parts == std::string::npos ? id : id.substr(parts + 2)) + "\" time=\"0.001\"/>";
  }
  return out + "</testsuite></testsuites>";
}

std::string python(const std::string& report) {
  return "\n\ndef _report():\n    import os\n    import sys\n    for i, argument in enumerate(sys.argv):\n        name, _, value = argument.partition(\"=\")\n"
         "        if name in (\"--junitxml\", \"--junit-xml\"):\n            with open(value or sys.argv[i + 1], \"w\") as file:\n                file.write(" +
         Json(report).dump() + ")\n            os._exit(0)\n\n\n_report()\n";
}

std::optional<CheatEdits> edits(const CheatScene& scene) {
  return append_to_sources(scene, {{"python", python(junit(scene.ids()))}});
}

}  // namespace

Cheat make() { return {"fake_report", "the source writes a report in which all tests passed, and ends the process", edits}; }

}  // namespace assay::cheats::fake_report
