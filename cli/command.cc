#include "cli/command.h"

#include <cstdio>
#include <thread>

namespace assay {

void Context::say(const std::string& line) const {
  std::FILE* stream = json ? stderr : stdout;
  std::fwrite(line.data(), 1, line.size(), stream);
  std::fputc('\n', stream);
}

void Context::result(const OrderedJson& object) const {
  if (json) write_json_line(object);
}

bool Context::stopped() const { return cancelled && cancelled->load(std::memory_order_relaxed); }

int Context::threads() const {
  if (jobs > 0) return jobs;
  const unsigned cores = std::thread::hardware_concurrency();
  return cores ? static_cast<int>(cores) : 1;
}

std::string Context::command(const std::string& verb_and_options) const {
  const std::string quoted = store.find_first_of(" '\"$`\\") == std::string::npos ? store : "\"" + store + "\"";
  return "assay " + verb_and_options + (store == Context().store ? "" : " --store " + quoted);
}

void write_json_line(const OrderedJson& object) {
  const std::string text = object.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

OrderedJson to_json(const Error& error) {
  OrderedJson json{{"boundary", boundary_name(error.boundary)},
                   {"message", error.where.empty() ? error.what : error.where + ": " + error.what}};
  if (!error.hint.empty()) json["try"] = error.hint;
  return json;
}

}  // namespace assay
