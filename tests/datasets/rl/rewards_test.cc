#include <catch2/catch.hpp>

#include "datasets/rl/language_consistency.h"
#include "datasets/rl/length_penalty.h"
#include "datasets/rl/off_policy_mask.h"

namespace assay {
namespace {

TEST_CASE("a sequence is masked where it failed and the policy has moved away from it, and only there") {
  const std::vector<float> old = {-1, -2, -3}, near = {-1, -2, -3.3f}, far = {-3, -2, -3};
  CHECK(mean_log_ratio(old, old) == 0);
  CHECK(mean_log_ratio(old, near) == Approx(0.1).epsilon(1e-5));
  CHECK(mean_log_ratio(old, far) == Approx(2.0 / 3));
  CHECK(mean_log_ratio(far, old) == Approx(-2.0 / 3));
  CHECK(mean_log_ratio({}, {}) == 0);
  CHECK(is_off_policy(-0.1, 0.6, 0.5));
  CHECK_FALSE(is_off_policy(0.1, 0.6, 0.5));
  CHECK_FALSE(is_off_policy(0, 0.6, 0.5));
  CHECK_FALSE(is_off_policy(-0.1, 0.5, 0.5));
}

TEST_CASE("the overlong penalty falls evenly over the margin") {
  CHECK(overlong_penalty(0, 100, 20) == 0);
  CHECK(overlong_penalty(80, 100, 20) == 0);
  CHECK(overlong_penalty(85, 100, 20) == Approx(-0.25));
  CHECK(overlong_penalty(100, 100, 20) == -1);
  CHECK(overlong_penalty(1000, 100, 20) == -1);
  CHECK(overlong_penalty(100, 100, 0) == 0);
  CHECK(overlong_penalty(101, 100, 0) == -1);
}

TEST_CASE("length rewards favour what is short, and punish failures only for being long") {
  const std::vector<int64_t> lengths = {100, 300, 100, 300, 200};
  CHECK(length_rewards(lengths, {true, true, false, false, true}) == std::vector<double>{0.5, -0.5, 0, -0.5, 0});
  CHECK(length_rewards(std::vector<int64_t>{7, 7}, {true, false}) == std::vector<double>{0, 0});
  CHECK(length_rewards({}, {}).empty());
}

double share(const std::string& language, const std::string& text) { return Language::named(language).value().consistency(text); }

TEST_CASE("language consistency is the share of words in the script asked for") {
  CHECK(share("en", "Which city is it?") == 1);
  CHECK(share("zh", "我们去杭州") == 1);
  CHECK(share("zh", "我们去 Hangzhou") == Approx(0.75));
  CHECK(share("en", "I go to 杭州") == Approx(0.6));
  CHECK(share("ja", "東京へ行く") == 1);
  CHECK(share("zh", "東京へ行く") == Approx(0.6));
  CHECK(share("ko", "서울 시청") == 1);
  CHECK(share("ru", "в Москву by train") == Approx(0.5));
  CHECK(share("el", "στην Αθήνα") == 1);
  CHECK(share("en", "café naïve Übung") == 1);
}

TEST_CASE("numbers, code and broken bytes are no words") {
  CHECK(share("zh", "") == 1);
  CHECK(share("zh", "12 + 30 = 42; 3.5 × 2") == 1);
  CHECK(share("zh", "答案 ```print(x)``` 是") == 1);
  CHECK(share("zh", "答案```never closed") == 1);
  CHECK(share("en", "yes \xff\xe6\x9d no \xf0\x9f") == 1);
  CHECK_FALSE(Language::named("klingon").ok());
}

}  // namespace
}  // namespace assay
