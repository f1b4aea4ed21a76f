#include "datasets/selection_funnel.h"

namespace assay {
namespace {

struct Words {
  const char *name, *words;
};

constexpr Words kWords[] = {
    {"rule", "not among the domains, difficulties, policies, … asked for"},
    {"uncertified", "no certificate"},
    {"unsound", "the certificate says that it is not sound"},
    {"chance", "passed by chance too often"},
    {"solutions", "not known to have one solution only"},
    {"format", "the format cannot hold it"},
    {"statement", "only a commit's message for a statement"},
    {"attacked", "an attack scored at it"},
    {"not_measured", "never measured with that policy"},
    {"pass_rate", "solved too rarely or too often, or not kept by the filter"},
    {"contaminated", "shares words with a held-out text"},
    {"duplicate", "the prompt of one that is kept"},
    {"near_duplicate", "nearly the prompt of one that is kept"},
    {"balance", "its group is full"},
    {"no_rollout", "no rollout left"},
    {"limit", "over the limit"},
    {"task_lost", "its task is left out"},
    {"no_verdict", "broke before there was a verdict"},
    {"outcome", "another outcome"},
    {"disputed", "another verifier says otherwise"},
    {"failure", "failed in another way"},
    {"messages", "too few or too many messages"},
    {"tokens_unknown", "its policy reported no tokens"},
    {"tokens", "too few or too many tokens"},
    {"reasoning", "no reasoning in it"},
    {"contaminated_rollout", "shares words with a held-out text"},
    {"repeated", "says what one that is kept says"},
    {"enough", "its task has enough"},
};
static_assert(std::size(kWords) == static_cast<size_t>(Loss::kEnough) + 1);

OrderedJson to_json(const SelectionFunnel::Stage& stage) {
  OrderedJson lost = OrderedJson::object();
  for (const auto& [loss, count] : stage.lost) lost[loss_name(loss)] = count;
  return {{"seen", stage.seen}, {"lost", std::move(lost)}, {"left", stage.left()}};
}

}  // namespace

const char* loss_name(Loss loss) { return kWords[static_cast<size_t>(loss)].name; }
const char* loss_words(Loss loss) { return kWords[static_cast<size_t>(loss)].words; }

int64_t SelectionFunnel::Stage::left() const {
  int64_t left = seen;
  for (const auto& [loss, count] : lost) left -= count;
  return left;
}

int64_t SelectionFunnel::Stage::count(Loss loss) const {
  const auto found = lost.find(loss);
  return found == lost.end() ? 0 : found->second;
}

OrderedJson to_json(const SelectionFunnel& funnel) { return {{"tasks", to_json(funnel.tasks)}, {"rollouts", to_json(funnel.rollouts)}}; }

std::string funnel_lines(const SelectionFunnel::Stage& stage, const std::string& noun, const std::string& indent) {
  std::string lines;
  for (const auto& [loss, count] : stage.lost)
    if (count > 0) lines += indent + std::to_string(count) + " " + noun + (count == 1 ? "" : "s") + ": " + loss_words(loss) + "\n";
  return lines;
}

}  // namespace assay
