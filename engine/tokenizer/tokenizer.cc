#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "engine/tokenizer/added_tokens.h"
#include "engine/tokenizer/bpe.h"
#include "engine/tokenizer/decoder.h"
#include "engine/tokenizer/normalizer.h"
#include "engine/tokenizer/post_processor.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/utf8.h"
#include "envs/base/json.h"

namespace assay {
namespace {

constexpr JsonLimits kLimits{.bytes = size_t{256} << 20, .depth = 16};

// Hugging Face tokenizers takes no ids from the list of added tokens: one that the vocabulary has keeps its id there, the others get
// the next ids after it. A file that says otherwise has other ids for different readers.
Status check_ids(const std::vector<AddedToken>& added, const Vocabulary& vocabulary, const std::string& where) {
  int64_t next = vocabulary.count();
  for (const AddedToken& token : added) {
    const int64_t expected = vocabulary.id_of(token.content).value_or(static_cast<int32_t>(next));
    if (token.id != expected)
      return input_error("the added token " + canonical_json(token.content) + " has the id " + std::to_string(token.id) + ", but Hugging Face tokenizers gives it " + std::to_string(expected), where,
                         "list added tokens in the vocabulary too, or without a gap after it");
    next = std::max(next, expected + 1);
  }
  return {};
}

// Of the added tokens that are looked for in the original text, or in the normalised one.
AddedTokenFinder finder_of(const std::vector<AddedToken>& tokens, bool normalized, const Normalizer& normalizer, const Regex& word) {
  std::vector<AddedTokenFinder::Pattern> patterns;
  for (const AddedToken& token : tokens) {
    if (token.normalized != normalized) continue;
    std::string text = normalized ? normalizer.apply(token.content) : token.content;
    if (!text.empty()) patterns.push_back({std::move(text), &token});
  }
  return {std::move(patterns), word};
}

}  // namespace

struct Tokenizer::State {
  Bpe bpe;
  std::vector<AddedToken> added;
  Vocabulary added_vocabulary;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  PostProcessor post_processor;
  Decoder decoder;
  AddedTokenFinder verbatim, normalized;  // patterns point into `added`
  std::vector<Decoder::Part> parts;       // by id
  std::vector<bool> special;              // by id

  const std::string* token_of(int64_t id) const {
    const std::string* token = added_vocabulary.token_of(id);
    return token ? token : bpe.vocabulary().token_of(id);
  }
  bool is_special(int64_t id) const { return id >= 0 && id < static_cast<int64_t>(special.size()) && special[static_cast<size_t>(id)]; }
  // Nothing for an id that gives no text.
  const Decoder::Part* part_of(int32_t id, SpecialTokens kept) const {
    if (id < 0 || id >= static_cast<int32_t>(parts.size()) || (kept == SpecialTokens::kLeaveOut && is_special(id))) return nullptr;
    return &parts[static_cast<size_t>(id)];
  }
};

Result<Tokenizer> Tokenizer::load(const std::string& path) {
  std::error_code ignored;
  const std::string file = std::filesystem::is_directory(path, ignored) ? path + "/tokenizer.json" : path;
  ASSAY_ASSIGN(const std::string text, read_file(file, kLimits.bytes));
  return parse(text, file);
}

Result<Tokenizer> Tokenizer::parse(std::string_view json, const std::string& where) {
  ASSAY_ASSIGN(const Json root, parse_json(json, where, kLimits));
  JsonReader reader(root, where, "$");
  if (const std::string version = reader.text_or("version", "1.0"); version != "1.0") reader.fail("version", "the version " + version + " is not supported", "1.0");
  for (const char* changer : {"truncation", "padding"})
    if (!reader.member_or_null(changer).is_null()) reader.fail(changer, "a tokenizer that changes the length of texts is not supported", "null");
  const Json& model = reader.object("model");
  const Json& added_tokens = reader.array("added_tokens");
  const Json& normalizer_json = reader.member_or_null("normalizer");
  const Json& pre_tokenizer_json = reader.member_or_null("pre_tokenizer");
  const Json& post_processor_json = reader.member_or_null("post_processor");
  const Json& decoder_json = reader.member_or_null("decoder");
  ASSAY_TRY(reader.finish());

  ASSAY_ASSIGN(PreTokenizer pre_tokenizer, PreTokenizer::read(pre_tokenizer_json, where, "$.pre_tokenizer"));
  ASSAY_ASSIGN(Bpe bpe, Bpe::read(model, pre_tokenizer.alphabet(), where, "$.model"));
  ASSAY_ASSIGN(std::vector<AddedToken> added, read_added_tokens(added_tokens, where, "$.added_tokens"));
  ASSAY_TRY(check_ids(added, bpe.vocabulary(), where + ": $.added_tokens"));
  Vocabulary added_vocabulary;
  for (const AddedToken& token : added) ASSAY_TRY(added_vocabulary.add(token.content, token.id, where + ": $.added_tokens"));
  ASSAY_ASSIGN(Normalizer normalizer, Normalizer::read(normalizer_json, where, "$.normalizer"));
  ASSAY_ASSIGN(PostProcessor post_processor, PostProcessor::read(post_processor_json, where, "$.post_processor"));
  ASSAY_ASSIGN(Decoder decoder, Decoder::read(decoder_json, where, "$.decoder"));
  ASSAY_ASSIGN(const Regex word, word_character());
  AddedTokenFinder verbatim = finder_of(added, false, normalizer, word);
  AddedTokenFinder normalized = finder_of(added, true, normalizer, word);

  auto state = std::make_shared<State>(std::move(bpe), std::move(added), std::move(added_vocabulary), std::move(normalizer), std::move(pre_tokenizer),
                                       std::move(post_processor), std::move(decoder), std::move(verbatim), std::move(normalized));
  const int64_t size = std::max(state->bpe.vocabulary().size(), state->added_vocabulary.size());
  for (const std::vector<int32_t>* ids : {&state->post_processor.before, &state->post_processor.after})
    for (const int32_t id : *ids)
      if (!state->token_of(id)) return input_error("the template adds the id " + std::to_string(id) + ", which has no token", where + ": $.post_processor");
  state->parts.resize(static_cast<size_t>(size));
  for (int64_t id = 0; id < size; ++id)
    if (const std::string* token = state->bpe.vocabulary().token_of(id)) state->parts[static_cast<size_t>(id)] = state->decoder.part_of(*token);
  state->special.resize(static_cast<size_t>(size));
  for (const AddedToken& token : state->added) {
    state->parts[static_cast<size_t>(token.id)] = state->decoder.part_of(token.normalized ? state->normalizer.apply(token.content) : token.content);
    state->special[static_cast<size_t>(token.id)] = token.special;
  }
  return Tokenizer(std::move(state));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const State& state = *state_;
  const bool adds = options.post_processor == EncodeOptions::Template::kApply;
  std::vector<int32_t> ids;
  if (adds) ids = state.post_processor.before;

  const bool broken = utf8_prefix(text) < text.size();
  const std::string mended = broken ? replace_broken_utf8(text) : "";
  if (broken) text = mended;
  Regex::Scratch matches;
  Bpe::Scratch words(text.size());
  const auto word = [&](std::string_view bytes) { state.bpe.encode(bytes, words, ids); };
  const auto normal_part = [&](std::string_view part, const AddedToken* token) {
    if (token) ids.push_back(token->id);
    else state.pre_tokenizer.cut(part, matches, word);
  };
  const auto original_part = [&](std::string_view part, const AddedToken* token) {
    if (token) ids.push_back(token->id);
    else if (state.normalizer.changes_nothing()) state.normalized.find(part, matches, normal_part);
    else state.normalized.find(state.normalizer.apply(part), matches, normal_part);
  };
  state.verbatim.find(text, matches, original_part);

  if (adds) ids.insert(ids.end(), state.post_processor.after.begin(), state.post_processor.after.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, SpecialTokens special) const {
  std::string text;
  Decoder::State decoding(state_->decoder);
  for (const int32_t id : ids)
    if (const Decoder::Part* part = state_->part_of(id, special)) decoding.push(*part, text);
  decoding.finish(text);
  return text;
}

int64_t Tokenizer::vocabulary_size() const { return static_cast<int64_t>(state_->parts.size()); }

std::optional<int32_t> Tokenizer::id_of(std::string_view token) const {
  const auto added = state_->added_vocabulary.id_of(token);
  return added ? added : state_->bpe.vocabulary().id_of(token);
}

const std::string* Tokenizer::token_of(int64_t id) const { return state_->token_of(id); }

bool Tokenizer::is_special(int64_t id) const { return state_->is_special(id); }

std::string_view Tokenizer::bytes_of(int64_t id) const {
  return id >= 0 && id < vocabulary_size() ? state_->parts[static_cast<size_t>(id)].bytes : std::string_view();
}

struct StreamDecoder::State {
  std::shared_ptr<const Tokenizer::State> tokenizer;
  SpecialTokens special;
  Decoder::State decoding;
};

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, SpecialTokens special)
    : state_(new State{tokenizer.state_, special, Decoder::State(tokenizer.state_->decoder)}) {}
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder& StreamDecoder::operator=(StreamDecoder&&) noexcept = default;
StreamDecoder::~StreamDecoder() = default;

std::string StreamDecoder::push(int32_t id) {
  std::string text;
  if (const Decoder::Part* part = state_->tokenizer->part_of(id, state_->special)) state_->decoding.push(*part, text);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text;
  state_->decoding.finish(text);
  return text;
}

}  // namespace assay
