#include "engine/kernels/kernels.h"

#include <catch2/catch.hpp>
#include <set>

namespace assay {
namespace {

TEST_CASE("tables of kernels begin with the reference, differ in name, and have no gaps") {
  const std::vector<Kernels>& tables = cpu_kernels();
  CHECK(tables.front().name == "reference");
  std::set<std::string> names;
  for (const Kernels& table : tables) {
    INFO(table.name);
    CHECK(names.insert(table.name).second);
    CHECK((table.rms_norm && table.layer_norm && table.rope_angles && table.rope && table.fp8_quantize && table.gemm && table.gather && table.scale && table.add && table.silu_mul && table.hadamard));
    CHECK((table.combine && table.latent_append && table.index_append && table.indexer_logits && table.top_k && table.note_selection && table.sparse_attention && table.gate && table.group_by_expert && table.sample));
  }
}

}  // namespace
}  // namespace assay
