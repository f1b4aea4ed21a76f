#include "synth/mine/candidate.h"

#include "envs/base/hash.h"

namespace assay {
namespace {

Json without_id(const Candidate& c) {
  Json issues = Json::array();
  for (const Issue& issue : c.issues) issues.push_back(to_json(issue));
  return {{"repository", c.repository}, {"source", c.source}, {"pull", c.pull}, {"title", c.title}, {"body", c.body},
          {"author", c.author}, {"merged", c.merged}, {"base", c.base}, {"head", c.head}, {"issues", std::move(issues)},
          {"statement", c.statement}, {"statement_from", c.statement_from}, {"gold", c.gold}, {"tests", c.tests},
          {"licence", c.licence}, {"language", c.language}};
}

bool is_commit_or_empty(const std::string& id) {
  return id.empty() || (id.size() == 40 && id.find_first_not_of("0123456789abcdef") == std::string::npos);
}

}  // namespace

Json to_json(const Issue& issue) {
  return {{"number", issue.number}, {"title", issue.title}, {"body", issue.body}, {"author", issue.author}, {"url", issue.url},
          {"created", issue.created}};
}

Result<Issue> issue_from_json(const Json& json, const std::string& where, const std::string& path) {
  JsonReader r(json, where, path);
  Issue issue;
  issue.number = r.integer("number", {.minimum = 0});
  issue.title = r.text("title");
  issue.body = r.text_or("body", "");
  issue.author = r.text_or("author", "");
  issue.url = r.text_or("url", "");
  issue.created = r.text_or("created", "");
  ASSAY_TRY(r.finish());
  return issue;
}

std::string candidate_id(const Candidate& candidate) { return json_identity(without_id(candidate)); }

Json to_json(const Candidate& candidate) {
  Json json = without_id(candidate);
  json["id"] = candidate.id;
  return json;
}

Result<Candidate> candidate_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$");
  Candidate c;
  c.id = r.text("id");
  c.repository = r.text("repository");
  c.source = r.text("source");
  c.pull = r.integer("pull", {.minimum = 0});
  c.title = r.text("title");
  c.body = r.text("body");
  c.author = r.text("author");
  c.merged = r.text("merged");
  c.base = r.text("base");
  c.head = r.text("head");
  const Json& issues = r.array("issues");
  c.statement = r.text("statement");
  c.statement_from = r.text("statement_from");
  c.gold = r.text("gold");
  c.tests = r.text("tests");
  c.licence = r.text("licence");
  c.language = r.text("language");
  if (!is_commit_or_empty(c.base)) r.fail("base", "expected 40 hexadecimal digits");
  if (!is_commit_or_empty(c.head)) r.fail("head", "expected 40 hexadecimal digits");
  ASSAY_TRY(r.finish());
  for (size_t i = 0; i < issues.size(); ++i) {
    ASSAY_ASSIGN(Issue issue, issue_from_json(issues[i], where, "$.issues[" + std::to_string(i) + "]"));
    c.issues.push_back(std::move(issue));
  }
  if (c.id != candidate_id(c))
    return input_error("the candidate's id is not that of its content", where + ": $.id", "write " + candidate_id(c) + ", or mine it again");
  return c;
}

}  // namespace assay
