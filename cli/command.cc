#include "cli/command.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <thread>

#include "cli/shell_quote.h"

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
  const bool plain = std::all_of(store.begin(), store.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("/._-+,:@%=", c); });
  return "assay " + verb_and_options + (store == Context().store ? "" : " --store " + (plain ? store : shell_quoted(store)));
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
