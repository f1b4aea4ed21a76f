// The thread of the engine owns sequences, blocks, scheduler and model; nobody else touches them. Clients leave commands in an inbox, which is
// emptied between two steps, and find finished turns in their mailboxes; both are behind one mutex, held for no longer than a move.
#include "engine/runtime/engine.h"

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "engine/model/memory_plan.h"
#include "engine/runtime/block_manager.h"
#include "engine/runtime/mailbox.h"
#include "engine/runtime/recorder.h"
#include "engine/runtime/runner.h"
#include "engine/runtime/scheduler.h"
#include "engine/runtime/sequence.h"

namespace assay {
namespace {

constexpr int64_t kMaxExperts = int64_t{UINT16_MAX} + 1;   // that a record can name

Status check(const EngineOptions& options, const ModelConfig& config) {
  if (options.max_sequences < 1 || options.step_tokens < options.max_sequences || options.cache.tokens < 1)
    return input_error("an engine computes at least one sequence in a step, a step's tokens are at least its sequences, and its cache holds a token", "engine");
  if (config.n_routed_experts > kMaxExperts)
    return input_error("the model has " + std::to_string(config.n_routed_experts) + " experts, and records name at most " + std::to_string(kMaxExperts), "engine");
  return {};
}

bool allows_nothing(TokenGuide* guide) {
  if (!guide) return false;
  const std::span<const uint64_t> allowed = guide->allowed();
  return !allowed.empty() && std::all_of(allowed.begin(), allowed.end(), [](uint64_t word) { return word == 0; });
}

}  // namespace

struct Engine::State {
  struct Swap {
    const Checkpoint& checkpoint;
    const std::string& policy_version;
    std::promise<Status> done;
  };

  State(const EngineOptions& options, std::unique_ptr<Workers> crew, std::unique_ptr<Device> opened, std::unique_ptr<Model> loaded, std::unique_ptr<KvCache> pages)
      : workers(std::move(crew)), device(std::move(opened)), model(std::move(loaded)), cache(std::move(pages)), version(options.policy_version),
        blocks(cache->blocks()), recorder(model->config(), blocks.pages()),
        scheduler(blocks, {options.max_sequences, options.step_tokens}), runner(*model, *cache, recorder, options.attention) {}

  void post(std::function<void()> command) {
    const std::lock_guard lock(mutex);
    inbox.push_back(std::move(command));
    wake.notify_one();
  }

  void run();
  bool step();
  void swap();
  void show_counts();
  Sequence& at(SequenceId id) { return *sequences.at(id); }
  void begin(Sequence& sequence, TurnRequest request);
  Status check_turn(const Sequence& sequence, const TurnRequest& request) const;
  void advance(Sequence& sequence, Sampled sampled);
  void end(Sequence& sequence, TurnEnd how);
  void fail(Sequence& sequence, Error error);
  void deliver(Sequence& sequence, Result<FinishedTurn::Record> record);
  void cancel(Sequence& sequence);
  void release(SequenceId id);

  // Of the engine's thread.
  std::unique_ptr<Workers> workers;
  std::unique_ptr<Device> device;
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
  std::string version;
  BlockManager& blocks;
  Recorder recorder;
  Scheduler scheduler;
  Runner runner;
  std::map<SequenceId, std::unique_ptr<Sequence>> sequences;
  std::vector<Swap*> swaps;
  EngineStats counted;

  // Behind the mutex.
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::function<void()>> inbox;
  bool stopping = false;
  SequenceId last_id = 0;
  EngineStats stats;

  std::thread thread;
};

void Engine::State::run() {
  for (bool busy = false;;) {
    std::vector<std::function<void()>> commands;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return busy || stopping || !inbox.empty(); });
      if (stopping) return;
      commands.swap(inbox);
    }
    for (const std::function<void()>& command : commands) command();
    busy = step();
  }
}

// Whether there is more to do without a new command.
bool Engine::State::step() {
  scheduler.drain(!swaps.empty());
  if (!swaps.empty() && !scheduler.has_begun()) {
    swap();
    return true;
  }
  const std::vector<StepPart> parts = scheduler.next();
  std::vector<int64_t> before;
  for (const StepPart& part : parts) {
    before.push_back(part.sequence->cached.length);
    const bool decodes = part.samples && !part.sequence->turn->sampled.empty();
    counted.prompt_tokens_computed += part.tokens - (decodes ? 1 : 0);
  }
  if (!parts.empty()) {
    Result<std::vector<Sampled>> sampled = runner.run(parts);
    ++counted.steps;
    counted.largest_batch = std::max(counted.largest_batch, static_cast<int64_t>(parts.size()));
    size_t draw = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      Sequence& sequence = *parts[i].sequence;
      if (!sampled.ok()) {
        fail(sequence, sampled.error());
        continue;
      }
      scheduler.computed(sequence, before[i]);
      if (parts[i].samples) advance(sequence, std::move((*sampled)[draw++]));
    }
  }
  return !parts.empty();
}

// Behind the mutex.
void Engine::State::show_counts() {
  stats = counted;
  stats.prompt_tokens_reused = scheduler.counts().reused;
  stats.preemptions = scheduler.counts().preemptions;
  stats.dropped = scheduler.counts().dropped;
  stats.held_tokens = (blocks.pages() - blocks.unheld()) * kPageTokens;
}

void Engine::State::swap() {
  std::promise<Status> done = std::move(swaps.front()->done);   // who waits for it may be gone before set_value returns
  const Status replaced = model->replace_weights(swaps.front()->checkpoint);
  if (replaced.ok()) {
    version = swaps.front()->policy_version;
    scheduler.forget_all();
    for (const auto& [id, sequence] : sequences) sequence->recorded = 0;
  }
  swaps.erase(swaps.begin());
  done.set_value(replaced);
}

Status Engine::State::check_turn(const Sequence& sequence, const TurnRequest& request) const {
  const ModelConfig& config = model->config();
  const int64_t length = request.shared + static_cast<int64_t>(request.prompt.size());
  if (request.shared < 0 || request.shared > sequence.length())
    return input_error("a turn cannot keep " + std::to_string(request.shared) + " tokens of a sequence of " + std::to_string(sequence.length()), "engine");
  if (length == 0) return input_error("the prompt has no tokens", "engine", "begin with the beginning-of-sequence token at least");
  if (request.limit < 1) return input_error("a turn samples at least one token", "engine");
  if (length > config.max_position_embeddings)
    return make_error(Boundary::kLimit, "the context would be " + std::to_string(length) + " tokens long, and this model has positions for " +
                                            std::to_string(config.max_position_embeddings), "engine", "shorten the conversation, or use a context strategy");
  const int64_t longest = std::min(length + std::min(request.limit, config.max_position_embeddings), config.max_position_embeddings);
  if (longest > blocks.pages() * kPageTokens)
    return make_error(Boundary::kLimit, "the turn may grow to " + std::to_string(longest) + " tokens, and the cache holds " + std::to_string(blocks.pages() * kPageTokens),
                      "engine", "make the cache larger, or sample fewer tokens a turn");
  for (const int32_t token : request.prompt)
    if (token < 0 || token >= config.vocab_size)
      return input_error("token " + std::to_string(token) + " is outside the vocabulary of " + std::to_string(config.vocab_size), "engine",
                         "does the tokenizer belong to this checkpoint?");
  return {};
}

void Engine::State::begin(Sequence& sequence, TurnRequest request) {
  ASSAY_ASSERT(!sequence.turn);
  if (sequence.failure) return deliver(sequence, *sequence.failure);
  if (const Status checked = check_turn(sequence, request); !checked.ok()) return fail(sequence, checked.error());
  // The last token is computed again if nothing follows it: its logits are wanted.
  const int64_t length = request.shared + static_cast<int64_t>(request.prompt.size());
  scheduler.truncate(sequence, request.shared, std::min(request.shared, length - 1));
  sequence.recorded = std::min(sequence.recorded, request.shared);
  sequence.tokens.insert(sequence.tokens.end(), request.prompt.begin(), request.prompt.end());
  sequence.turn.emplace();
  sequence.turn->request = std::move(request);
  scheduler.submit(sequence);
}

void Engine::State::advance(Sequence& sequence, Sampled sampled) {
  OpenTurn& turn = *sequence.turn;
  if (turn.cancelled) return end(sequence, TurnEnd::kCancelled);
  const int32_t token = sampled.token;
  if (token < 0 && allows_nothing(turn.request.guide.get()))
    return fail(sequence, make_error(Boundary::kPolicy, "the guide of the turn allows no token", "engine"));
  if (token < 0)
    return fail(sequence, make_error(Boundary::kPolicy, "the model's logits are not finite", "engine", "assay model check DIR --values looks for NaN among the weights"));
  sequence.tokens.push_back(token);
  turn.sampled.push_back(std::move(sampled));
  ++counted.sampled_tokens;
  const bool guide_stops = turn.request.guide && turn.request.guide->accept(token) == TokenGuide::Next::kStop;
  const std::vector<int32_t>& stops = turn.request.stops;
  if (guide_stops || std::find(stops.begin(), stops.end(), token) != stops.end()) return end(sequence, TurnEnd::kStop);
  if (static_cast<int64_t>(turn.sampled.size()) >= turn.request.limit) return end(sequence, TurnEnd::kLimit);
  if (sequence.length() > model->config().max_position_embeddings) end(sequence, TurnEnd::kContext);
}

void Engine::State::end(Sequence& sequence, TurnEnd how) {
  OpenTurn& turn = *sequence.turn;
  turn.request.guide.reset();
  FinishedTurn::Record record{recorder.record(sequence, version), how, turn.reused, turn.preemptions};
  sequence.turn.reset();
  scheduler.finish(sequence);
  deliver(sequence, std::move(record));
}

void Engine::State::fail(Sequence& sequence, Error error) {
  scheduler.remove(sequence);
  sequence.turn.reset();
  sequence.failure = error;
  deliver(sequence, std::move(error));
}

void Engine::State::deliver(Sequence& sequence, Result<FinishedTurn::Record> record) {
  const std::lock_guard lock(mutex);
  show_counts();
  sequence.mailbox->turns.push_back({sequence.id, std::move(record)});
  --sequence.mailbox->open;
  sequence.mailbox->changed.notify_one();
}

void Engine::State::cancel(Sequence& sequence) {
  if (!sequence.turn) return;
  if (sequence.turn->sampled.empty()) return fail(sequence, make_error(Boundary::kPolicy, "the turn was cancelled before a token was sampled", "engine"));
  // What was preempted is computed again first, because its choices are of the record.
  if (sequence.missing() > 1) sequence.turn->cancelled = true;
  else end(sequence, TurnEnd::kCancelled);
}

void Engine::State::release(SequenceId id) {
  Sequence& sequence = at(id);
  scheduler.remove(sequence);
  const std::lock_guard lock(mutex);
  show_counts();
  if (sequence.turn) --sequence.mailbox->open;
  sequence.mailbox->changed.notify_one();
  sequences.erase(id);
}

Engine::Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(const Checkpoint& checkpoint, const EngineOptions& options) {
  ASSAY_TRY(check(options, checkpoint.config()));
  const int64_t context = std::min(checkpoint.config().max_position_embeddings, options.cache.tokens);
  auto workers = std::make_unique<Workers>(options.threads);
  ASSAY_ASSIGN(std::unique_ptr<Device> device, open_device(options.backend, *workers));
  MemoryPlan plan = plan_memory(checkpoint, options.cache, device->available_bytes());
  const Model::StepSize largest{options.step_tokens, options.max_sequences, context};
  plan.step_bytes = Model::step_bytes(checkpoint.config(), largest);
  plan.record_bytes = Recorder::bytes_needed(checkpoint.config(), options.cache.tokens / kPageTokens + 1);
  if (!device->shares_host_memory()) plan.host_available_bytes = available_memory_bytes();
  ASSAY_TRY(plan.check(checkpoint.directory()));
  ASSAY_ASSIGN(std::unique_ptr<Model> model, Model::load(checkpoint, *device));
  ASSAY_ASSIGN(std::unique_ptr<KvCache> cache, KvCache::create(checkpoint.config(), options.cache, *device));
  ASSAY_TRY(model->reserve(largest));
  std::unique_ptr<Engine> engine(new Engine);
  engine->state_ = std::make_unique<State>(options, std::move(workers), std::move(device), std::move(model), std::move(cache));
  engine->state_->thread = std::thread([state = engine->state_.get()] { state->run(); });
  return engine;
}

Engine::~Engine() {
  if (!state_) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->wake.notify_one();
  }
  state_->thread.join();
}

const ModelConfig& Engine::config() const { return state_->model->config(); }

const std::string& Engine::device() const { return state_->device->name(); }

EngineStats Engine::stats() const {
  const std::lock_guard lock(state_->mutex);
  return state_->stats;
}

Status Engine::swap_weights(const Checkpoint& checkpoint, const std::string& policy_version) {
  State::Swap swap{checkpoint, policy_version, {}};
  std::future<Status> done = swap.done.get_future();
  state_->post([state = state_.get(), &swap] { state->swaps.push_back(&swap); });
  return done.get();
}

EngineClient::EngineClient(Engine& engine) : engine_(*engine.state_), mailbox_(std::make_shared<Mailbox>()) {}

EngineClient::~EngineClient() {
  for (const SequenceId id : sequences_) engine_.post([&engine = engine_, id] { engine.release(id); });
}

SequenceId EngineClient::add(std::function<void(Sequence&)> fill) {
  SequenceId id = 0;
  {
    const std::lock_guard lock(engine_.mutex);
    id = ++engine_.last_id;
  }
  engine_.post([&engine = engine_, id, mailbox = mailbox_, fill = std::move(fill)] {
    Sequence& sequence = *(engine.sequences[id] = std::make_unique<Sequence>());
    sequence.id = id;
    sequence.mailbox = mailbox;
    fill(sequence);
  });
  sequences_.insert(id);
  return id;
}

SequenceId EngineClient::open() {
  return add([](Sequence&) {});
}

SequenceId EngineClient::fork(SequenceId from) {
  return add([&engine = engine_, from](Sequence& to) {
    const Sequence& original = engine.at(from);
    ASSAY_ASSERT(!original.turn);
    to.tokens = original.tokens;
    to.recorded = original.recorded;
    to.failure = original.failure;
    engine.scheduler.share(original, to);
  });
}

void EngineClient::submit(SequenceId sequence, TurnRequest request) {
  {
    const std::lock_guard lock(engine_.mutex);
    ++mailbox_->open;
  }
  engine_.post([&engine = engine_, sequence, request = std::move(request)]() mutable { engine.begin(engine.at(sequence), std::move(request)); });
}

void EngineClient::cancel(SequenceId sequence) {
  engine_.post([&engine = engine_, sequence] { engine.cancel(engine.at(sequence)); });
}

void EngineClient::release(SequenceId sequence) {
  sequences_.erase(sequence);
  engine_.post([&engine = engine_, sequence] { engine.release(sequence); });
}

std::vector<FinishedTurn> EngineClient::finished() {
  std::unique_lock lock(engine_.mutex);
  for (;;) {
    mailbox_->changed.wait(lock, [&] { return !mailbox_->turns.empty() || mailbox_->open == 0; });
    std::vector<FinishedTurn> turns = std::exchange(mailbox_->turns, {});
    std::erase_if(turns, [&](const FinishedTurn& turn) { return !sequences_.contains(turn.sequence); });
    if (!turns.empty() || mailbox_->open == 0) return turns;
  }
}

}  // namespace assay
