// What agents read of every built-in domain, looked over for faults that no person who proof-reads would let pass: prompts of all
// archetypes, questions by the dozen, and what tools say of themselves.
#include <regex>
#include <set>

#include "synth/environment_check.h"
#include "synth/factory.h"
#include "synth/query/draw.h"
#include "synth/query/words.h"
#include "synth/templates.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::must;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// "an" before it: by the letter, but for the words in which the letter deceives.
bool takes_an(const std::string& word) {
  static const std::regex you("(uni[^mn]|unit|us[aeiu]|uti|eu|ew|one\\b|once\\b).*"), silent("(hour|honest|honour|heir).*");
  return (std::string_view("aeiou").find(word[0]) != std::string_view::npos && !std::regex_match(word, you)) || std::regex_match(word, silent);
}

// What is wrong with a text, in words. `units` are those of its world, in the plural.
std::vector<std::string> faults_of(const std::string& text, const std::set<std::string>& units = {}) {
  std::vector<std::string> out;
  const auto each = [&](const char* pattern, const std::function<void(const std::smatch&)>& found) {
    const std::regex regex(pattern);
    for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) found(*it);
  };
  const auto all = [&](const char* what, const char* pattern) { each(pattern, [&](const std::smatch& m) { out.push_back(std::string(what) + ": '" + m.str() + "'"); }); };
  std::string before;   // the word, where nothing but white space follows it
  each("([A-Za-z]+)|[^A-Za-z\\s]+", [&](const std::smatch& m) {
    if (m.str() == before && std::islower(static_cast<unsigned char>(before[0]))) out.push_back("a word twice: '" + before + " " + before + "'");
    before = m[1];
  });
  each("(^|[^A-Za-z\"'])(an?|An?) ([A-Za-z][a-z]+)", [&](const std::smatch& m) {
    const std::string article = m[2], word = m[3];
    const bool begins = m[1].length() == 0 || m[1] == "\n" || m.prefix().str().ends_with(".");   // else "A" is a name: "city A of"
    if (article[0] == 'A' && !begins) return;
    if (takes_an(lower(word)) != (article.size() == 2)) out.push_back("the wrong article: '" + article + " " + word + "'");
  });
  for (const std::string& unit : units) {
    const size_t at = (" " + text).find(" 1 " + unit);
    if (at == std::string::npos) continue;
    const size_t end = at + 2 + unit.size();
    if (end >= text.size() || !std::isalpha(static_cast<unsigned char>(text[end]))) out.push_back("one in the plural: '1 " + unit + "'");
  }
  each("([A-Za-z]{3,}) in ([A-Za-z]{3,})", [&](const std::smatch& m) {
    if (lower(m[1]) == lower(m[2])) out.push_back("a unit twice: '" + m.str() + "'");
  });
  all("no plural", "\\b[a-z]*(ch|sh|x|[^aeiou]y)s\\b");
  all("spaces", "\\S {2,}| +\\n| +[,.;:?!)]|\\( ");
  all("punctuation", "[,;:?!.][,;:?!.]+");
  all("a place that was not filled", "\\{[a-z_=]*\\}|\\$[a-z_]+|an unknown text");
  return out;
}

// Without examples of JSON and what stands in quotes: names are the world's own.
std::string prose(const std::string& text) {
  return std::regex_replace(std::regex_replace(text, std::regex("\\[\\{.*\\}\\]"), "x"), std::regex("\"[^\"\\n]*\""), "\"x\"");
}

// Names of entities in it, outside of quotes. Short ones, and those in small letters, could be words.
std::vector<std::string> unquoted_names(const std::string& text, const Tables& tables) {
  std::vector<std::string> out;
  const std::string said = prose(text);
  for (const Table& table : tables.tables) {
    if (!table.spec.is_entity()) continue;
    for (int32_t row = 0; row < table.size(); ++row) {
      const std::string name = tables.cell_text(table, table.spec.name_column(), row);
      if (name.size() >= 5 && std::isupper(static_cast<unsigned char>(name[0])) && said.find(name) != std::string::npos) out.push_back(name);
    }
  }
  return out;
}

std::set<std::string> units_of(const Tables& tables) {
  std::set<std::string> out;
  for (const Table& table : tables.tables)
    for (const ColumnSpec& column : table.spec.columns)
      if (const std::string head = column.unit.substr(0, column.unit.find(' ')); head.size() > 3 && head.ends_with("s")) out.insert(column.unit);
  return out;
}

void check_wording(const std::string& where, const std::string& text, const std::set<std::string>& units = {}) {
  for (const std::string& fault : faults_of(prose(text), units)) FAIL_CHECK(where << ": " << fault << "\n" << text);
}

TEST_CASE("faults of wording that are planted are found, and good sentences have none") {
  const auto finds = [](const char* text, const char* what) {
    INFO(text);
    const auto faults = faults_of(text, {"points", "minutes a day"});
    REQUIRE(faults.size() == 1);
    CHECK_THAT(faults[0], Catch::StartsWith(what));
  };
  finds("There must be at least the rest between between them.", "a word twice");
  finds("Find the the city.", "a word twice");
  finds("The city of of Ax.", "a word twice");
  finds("A examination that has to come before another one must end.", "the wrong article");
  finds("It must have a hour of arrival.", "the wrong article");
  finds("It must have an unit price.", "the wrong article");
  finds("Give the name.\nAn city is meant.", "the wrong article");
  finds("It must be at least 1 points.", "one in the plural");
  finds("It must be at most 1 minutes a day, and so on.", "one in the plural");
  finds("At least this number of pages in pages.", "a unit twice");
  finds("No two batchs may overlap.", "no plural");
  finds("The total of all deliverys.", "no plural");
  finds("There is  one.", "spaces");
  finds("There is one , and another.", "spaces");
  finds("The elevation is 5 m a.s.l..", "punctuation");
  finds("How many are there?.", "punctuation");
  finds("Plan a trip of {groups} days.", "a place that was not filled");
  finds("From $starts on.", "a place that was not filled");
  finds("Every crop must be one of \"root\" or an unknown text.", "a place that was not filled");
  const auto environment = must(generate_environment(fixture::travel(), 1, 0));
  const Tables& cities = environment->tables;
  CHECK(unquoted_names("How many hotels in \"Hangzhou\" are there?", cities).empty());
  CHECK(unquoted_names("How many hotels in Hangzhou are there?", cities) == std::vector<std::string>{"Hangzhou"});
  for (const char* text : {"Take city A of that group. An hour is 1 hour, a unit is one.", "Rules:\n   - If it is at least 1 point: a day's plan.", "Of 11 points, 1 pointsman has an honest X-ray, an eel, a ewe."})
    CHECK(faults_of(text, {"points"}).empty());
}

TEST_CASE("what tools say of themselves has no faults of wording, in any domain") {
  size_t tools = 0;
  for (const std::string& name : domain_names()) {
    const auto environment = must(generate_environment(*must(load_domain(name)), 31, 0));
    tools += environment->tools.size();
    for (const ToolSpec& tool : environment->tools) {
      check_wording(name + ", " + tool.name, tool.description);
      const Json properties = tool.parameters.value("properties", Json::object());
      for (const auto& [parameter, schema] : properties.items()) check_wording(name + ", " + tool.name + ", " + parameter, schema.value("description", ""));
    }
  }
  CHECK(tools > 600);
}

TEST_CASE("prompts of every domain and archetype have no faults of wording") {
  int prompts = 0;
  for (const std::string& name : domain_names()) {
    const auto domain = must(load_domain(name));
    for (const auto& [archetype, part] : domain->archetypes) {
      if (archetype == "compute") continue;   // its problems are read over where they are made: tests/synth/problems_test.cc
      const auto factory = must(Factory::create({.domain = name, .archetypes = {archetype}, .difficulties = {1, 3, 5}, .seed = 31}));
      for (int64_t index = 0; index < 3; ++index) {
        const auto made = factory->make(index);
        if (!made.ok()) continue;   // what is found at all is counted elsewhere
        ++prompts;
        check_wording(name + ", " + archetype, made->task.system + "\n" + made->task.prompt, units_of(must(factory->environment(index))->tables));
      }
    }
  }
  CHECK(prompts > 400);
}

TEST_CASE("rules speak of no words that the data do not have") {
  Json source = fixture::domain_source("observing");
  Json& templates = source["archetypes"]["select"]["templates"];
  const Json constraint = {{"op", "compare"}, {"slots", {{"fields", {"target"}}}}, {"get", "constellation"}, {"cmp", "in"}};
  const auto domain_with = [&](const Json& values) {
    Json one = constraint;
    one["values"] = values;
    templates["words"] = {{"constraint", one}};
    return must(compile_domain(source.dump(), "d.json"));
  };
  const auto filled = [&](const Json& values) {
    const auto domain = domain_with(values);
    const auto environment = must(generate_environment(*domain, 1, 0));
    Rng rng(1, "words");
    const AnswerShape shape = must(shape_for(*domain, "select", environment->tables, 3, rng));
    std::string why_not;
    const auto out = must(fill_template(*domain, "select", *environment, shape, "words", rng, why_not));
    return out ? out->constraint.at("values").dump() : why_not;
  };
  CHECK(filled({"Auriga", "Nowhere"}) == R"(["Auriga"])");
  CHECK(filled({"Nowhere", "Nobody"}) == R"(the data mentions none of ["Nowhere","Nobody"])");
}

TEST_CASE("questions over every domain have no faults of wording") {
  int questions = 0;
  for (const std::string& name : domain_names()) {
    const auto domain = must(load_domain(name));
    if (!domain->archetypes.contains("query")) continue;
    const query::QueryOptions options = must(query::read_options(*domain, domain->archetypes.at("query"), name, "$"));
    const auto environment = must(generate_environment(*domain, 31, 0));
    const query::Drawable drawable(*environment, *must(check_environment(environment, 1)), options);
    query::TableSource source(environment->tables);
    for (uint64_t i = 0; i < 60; ++i) {
      Rng rng(31, "wording", i);
      const auto question = query::draw_question(drawable, source, options.levels.at(static_cast<int>(i % 5) + 1), rng);
      const auto answer = question ? query::evaluate(*question, source) : Result<query::Evaluated>(query::Evaluated{.tie = true});
      if (!answer.ok() || answer->tie || answer->empty) continue;
      const query::Words words = query::say(*question, answer->value, environment->tables, options, rng);
      ++questions;
      check_wording(name, words.question + "\n\n" + words.form, units_of(environment->tables));
      for (const std::string& unquoted : unquoted_names(words.question, environment->tables)) FAIL_CHECK(name << ": '" << unquoted << "' stands without quotes\n" << words.question);
    }
  }
  CHECK(questions > 1'000);
}

}  // namespace
}  // namespace assay
