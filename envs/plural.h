// The plural of an English noun phrase, where none is declared: "batch" and "batches", "delivery" and "deliveries", "way of dispatch" and
// "ways of dispatch". Nouns that are irregular declare their own.
#pragma once

#include <string>

namespace assay {

std::string plural_of(const std::string& label);

}  // namespace assay
