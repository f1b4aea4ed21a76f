#include "engine/tokenizer/post_processor.h"

#include "engine/tokenizer/vocabulary.h"

namespace assay {
namespace {

// {"id": "<s>", "ids": [1], "tokens": ["<s>"]}
Result<std::vector<int32_t>> read_ids(const Json& token, const std::string& file, const std::string& path) {
  JsonReader reader(token, file, path);
  reader.text("id");
  reader.texts("tokens");
  std::vector<int32_t> ids;
  for (const Json& id : reader.array("ids")) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > static_cast<uint64_t>(Vocabulary::kMaxId)) reader.fail("ids", "expected ids, found " + canonical_json(id));
    else ids.push_back(id.get<int32_t>());
  }
  ASSAY_TRY(reader.finish());
  return ids;
}

}  // namespace

Result<PostProcessor> PostProcessor::read(const Json& post_processor, const std::string& file, const std::string& path) {
  PostProcessor made;
  if (!post_processor.is_null()) ASSAY_TRY(made.add_steps(post_processor, file, path));
  return made;
}

Status PostProcessor::add_steps(const Json& step, const std::string& file, const std::string& path) {
  JsonReader reader(step, file, path);
  const std::string type = reader.text("type");
  if (reader.failed()) return reader.finish();
  if (type == "TemplateProcessing") return add_template(reader);
  if (type == "ByteLevel") {
    for (const char* of_offsets : {"add_prefix_space", "trim_offsets", "use_regex"}) reader.boolean_or(of_offsets, true);
  } else if (type == "Sequence") {
    const Json& inner = reader.array("processors");
    for (size_t i = 0; i < inner.size(); ++i) ASSAY_TRY(add_steps(inner[i], file, reader.path_of("processors") + "[" + std::to_string(i) + "]"));
  } else {
    reader.fail("type", "the post-processor " + type + " is not supported", "one of Sequence, TemplateProcessing, ByteLevel");
  }
  return reader.finish();
}

// "single" is a list of {"SpecialToken": {"id", "type_id"}} around one {"Sequence": {"id": "A", "type_id"}}.
Status PostProcessor::add_template(JsonReader& reader) {
  const Json& single = reader.array("single");
  const Json& tokens = reader.object("special_tokens");
  reader.member_or_null("pair");  // two texts at once are never encoded
  ASSAY_TRY(reader.finish());
  std::vector<int32_t> front, back;
  bool text_seen = false;
  for (size_t i = 0; i < single.size(); ++i) {
    const std::string path = reader.path_of("single") + "[" + std::to_string(i) + "]";
    JsonReader item(single[i], reader.file(), path);
    const bool is_text = item.has("Sequence");
    const Json& inside = item.object(is_text ? "Sequence" : "SpecialToken");
    ASSAY_TRY(item.finish());
    JsonReader named(inside, reader.file(), item.path_of(is_text ? "Sequence" : "SpecialToken"));
    const std::string name = named.text("id");
    named.integer("type_id", {.minimum = 0, .fallback = 0});
    if (is_text && (text_seen || name != "A")) named.fail("id", "expected the text A, once");
    if (!is_text && !named.failed() && !tokens.contains(name)) named.fail("id", "special_tokens lacks " + canonical_json(name));
    ASSAY_TRY(named.finish());
    text_seen |= is_text;
    if (is_text) continue;
    ASSAY_ASSIGN(const std::vector<int32_t> ids, read_ids(tokens[name], reader.file(), reader.path_of("special_tokens") + "." + name));
    std::vector<int32_t>& side = text_seen ? back : front;
    side.insert(side.end(), ids.begin(), ids.end());
  }
  if (!text_seen) return input_error("the template lacks the text A", reader.file() + ": " + reader.path_of("single"));
  // A later template stands around what the ones before it have put around the text.
  before.insert(before.begin(), front.begin(), front.end());
  after.insert(after.end(), back.begin(), back.end());
  return {};
}

}  // namespace assay
