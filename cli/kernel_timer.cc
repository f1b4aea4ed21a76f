#include "cli/kernel_timer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace assay {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr double kSeconds = 0.15;   // of calls, at least five
constexpr int kLeastLog = 16, kMostLog = 30;

double seconds_since(SteadyClock::time_point start) { return std::chrono::duration<double>(SteadyClock::now() - start).count(); }

double fastest(const std::function<void()>& call) {
  call();   // touches what it needs
  double best = 1e9;
  const auto start = SteadyClock::now();
  for (int calls = 0; calls < 5 || seconds_since(start) < kSeconds; ++calls) {
    const auto begin = SteadyClock::now();
    call();
    best = std::min(best, seconds_since(begin));
  }
  return best;
}

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

KernelTimer::KernelTimer(std::string area, const Kernels& kernels, Workers& workers)
    : area_(std::move(area)), kernels_(kernels), workers_(workers), ceiling_(ceiling_of(kernels.name)) {
  measure_peak();
}

void KernelTimer::measure_peak() {
  int64_t done = 0;
  const double seconds = fastest([&] { done = ceiling_.multiply_add(200'000, workers_); });
  peak_ = std::max(peak_, static_cast<double>(done) / seconds);
}

double KernelTimer::read_rate(double bytes) {
  const int log = std::clamp(static_cast<int>(std::ceil(std::log2(bytes))), kLeastLog, kMostLog);
  double& rate = read_rates_[log];
  if (rate == 0) {
    const std::vector<float> data(size_t{1} << (log - 2), 1.0f);
    const double seconds = fastest([&] { ceiling_.read(data.data(), static_cast<int64_t>(data.size()), workers_); });
    rate = static_cast<double>(data.size() * sizeof(float)) / seconds;
  }
  return rate;
}

Figure KernelTimer::time(const std::string& name, const KernelWork& work, const std::function<void()>& call) {
  const double seconds = fastest(call);
  std::string note;
  if (work.multiply_adds > 0) {
    const double rate = work.multiply_adds / seconds;
    note += formatted("%.1f", rate / 1e9) + " G multiply-adds/s, " + formatted("%.0f", 100 * rate / peak_) + "% of the peak; ";
  }
  const double rate = work.bytes / seconds;
  note += formatted("%.1f", rate / 1e9) + " GB/s, " + formatted("%.0f", 100 * rate / read_rate(work.bytes)) + "% of reading";
  return {area_, name, seconds * 1e6, "us", 0, false, note};
}

std::vector<Figure> KernelTimer::ceilings() {
  measure_peak();
  const std::string how = kernels_.name + ", " + std::to_string(workers_.count()) + " threads";
  std::vector<Figure> figures = {{area_, "peak of multiply-adds", peak_ / 1e9, "G/s", 0, true, how}};
  for (const auto& [log, rate] : read_rates_)
    figures.push_back({area_, "reading " + std::to_string((int64_t{1} << log) / 1024) + " KiB again and again", rate / 1e9, "GB/s", 0, true, how});
  return figures;
}

}  // namespace assay
