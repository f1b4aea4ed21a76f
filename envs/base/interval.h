// Intervals of shares.
#pragma once

#include <utility>

namespace assay {

// Wilson's score interval (1927) for hits of tries, `sigmas` wide to each side; 1.96: 95%. Of no tries: all of [0, 1].
std::pair<double, double> wilson_interval(double hits, double tries, double sigmas = 1.96);

}  // namespace assay
