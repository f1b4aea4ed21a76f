#include "engine/grammar/completion_language.h"

#include <algorithm>

#include "engine/grammar/json_language.h"
#include "envs/encodings/deepseek_v32.h"

namespace assay {
namespace {

using namespace encodings::deepseek_v32;

using Words = std::vector<std::string_view>;

// `words` and the tokens that no part of a completion may hold.
Words with_turn_tokens(Words words) {
  words.insert(words.end(), kTurnTokens.begin(), kTurnTokens.end());
  return words;
}

// Whatever of a schema would have to be written may hold nothing that ends a value or a message.
Status check_words(const std::string& schema, const Words& words, const std::string& where) {
  for (const std::string_view word : words)
    if (schema.find(word) != std::string::npos)
      return input_error("a name or a value of the schema holds " + std::string(word) + ", which cannot be said here", where, "another name or value");
  return {};
}

class Writer {
 public:
  explicit Writer(Languages& languages)
      : l_(languages), said_(without(with_turn_tokens({kAnswerTokens.begin(), kAnswerTokens.end()}))),
        value_(without(with_turn_tokens({dsml::kValueEnd.substr(1)}))) {}

  Result<Language> message(Thinking thinking, CallRule rule, std::span<const ToolSpec> tools) {
    Language calls = Languages::nothing();
    if (rule == CallRule::kFree) {
      calls = block(free_call());
    } else if (!tools.empty()) {
      std::vector<Language> choices;
      for (const ToolSpec& tool : tools) {
        ASSAY_ASSIGN(const Language call, call_of(tool));
        choices.push_back(call);
      }
      calls = block(l_.any_of(choices));
    }
    const bool only_calls = rule == CallRule::kRequired && !tools.empty();
    const Language answer = only_calls ? calls : l_.sequence({said_, l_.any_of({l_.literal(kEnd), calls})});
    return thinking == Thinking::kOff ? answer : l_.sequence({said_, l_.literal(kThinkEnd), answer});
  }

 private:
  Language without(const Words& words) { return l_.all_of({utf8_characters(l_), l_.without(words)}); }

  Language literals(std::initializer_list<std::string_view> texts) {
    std::string joined;
    for (const std::string_view text : texts) joined += text;
    return l_.literal(joined);
  }

  Language block(Language call) {
    return l_.sequence({literals({dsml::kBlockStart, dsml::kLineEnd}), l_.repeat(call, 1, Languages::kUnbounded), l_.literal(dsml::kBlockEnd)});
  }

  Language free_call() {
    const Language some = l_.complement(Languages::empty());
    const Language name = l_.all_of({without(with_turn_tokens({dsml::kNameEnd, dsml::kMarker})), some});
    const Language key = without(with_turn_tokens({dsml::kIsString, dsml::kIsOther, dsml::kMarker}));
    const Language parameter = l_.sequence({literals({dsml::kParameter, dsml::kNamed}), key, l_.any_of({l_.literal(dsml::kIsString), l_.literal(dsml::kIsOther)}),
                                            value_, literals({dsml::kValueEnd, dsml::kLineEnd})});
    const Language parameters = l_.any_of({l_.literal("\n"), l_.repeat(parameter, 0, Languages::kUnbounded)});
    return l_.sequence({literals({dsml::kInvoke, dsml::kNamed}), name, l_.literal(dsml::kNameEnd), parameters, l_.literal(dsml::kInvokeEnd)});
  }

  Result<Language> call_of(const ToolSpec& tool) {
    const std::string where = "tool " + tool.name;
    ASSAY_TRY(check(tool, where));
    const Json properties = tool.parameters.value("properties", Json::object()), required = tool.parameters.value("required", Json::array());
    std::vector<Language> members;
    uint64_t needed = 0;
    for (const auto& [name, schema] : properties.items()) {
      ASSAY_ASSIGN(const Language member, parameter_of(name, schema, where + "." + name));
      if (std::find(required.begin(), required.end(), Json(name)) != required.end()) needed |= uint64_t{1} << members.size();
      members.push_back(member);
    }
    const Language given = l_.in_any_order(members, needed, Languages::empty());
    const Language parameters = needed == 0 ? l_.any_of({l_.literal("\n"), given}) : given;
    return l_.sequence({literals({dsml::kInvoke, dsml::kNamed, tool.name, dsml::kNameEnd}), parameters, l_.literal(dsml::kInvokeEnd)});
  }

  static Status check(const ToolSpec& tool, const std::string& where) {
    ASSAY_TRY(check_words(tool.name + canonical_json(tool.parameters), with_turn_tokens({dsml::kMarker, dsml::kNameEnd}), where));
    const Json properties = tool.parameters.is_object() ? tool.parameters.value("properties", Json::object()) : Json();
    if (tool.name.empty() || !properties.is_object() || properties.size() > Languages::kMaxMembers)
      return input_error("expected a name, and a schema of an object of at most " + std::to_string(Languages::kMaxMembers) + " properties", where);
    return {};
  }

  Result<Language> parameter_of(const std::string& name, const Json& schema, const std::string& where) {
    ASSAY_ASSIGN(const Language raw, raw_string_language(l_, schema, where));
    std::vector<Language> choices = {written(name, dsml::kIsString, raw)};
    if (const Json others = without_strings(schema); !others.is_null()) {
      ASSAY_ASSIGN(const Language json, json_language(l_, others, where));
      choices.push_back(written(name, dsml::kIsOther, json));
    }
    return l_.any_of(choices);
  }

  Language written(const std::string& name, std::string_view attribute, Language value) {
    if (value == Languages::nothing()) return value;
    return l_.sequence({literals({dsml::kParameter, dsml::kNamed, name, attribute}), l_.all_of({value, value_}), literals({dsml::kValueEnd, dsml::kLineEnd})});
  }

  Languages& l_;
  const Language said_, value_;   // what reasoning and text may be; what the value of a parameter may be
};

}  // namespace

Result<Language> completion_language(Languages& languages, Thinking thinking, CallRule rule, std::span<const ToolSpec> tools) {
  return Writer(languages).message(thinking, rule, tools);
}

std::string_view end_of_sentence() { return kEnd; }

Result<Language> json_completion_language(Languages& languages, const Json& schema, const std::string& where) {
  ASSAY_TRY(check_words(canonical_json(schema), with_turn_tokens({}), where));
  ASSAY_ASSIGN(const Language json, json_language(languages, schema, where));
  return languages.sequence(languages.all_of({json, languages.without(with_turn_tokens({}))}), languages.literal(kEnd));
}

}  // namespace assay
