#include "cli/command.h"

#include <catch2/catch.hpp>

namespace assay {

TEST_CASE("a proposed command names the store as a shell takes it, and not where it is the default") {
  Context context;
  CHECK(context.command("show store") == "assay show store");
  context.store = "runs/a-1.db";
  CHECK(context.command("show store") == "assay show store --store runs/a-1.db");
  context.store = "it's $HOME;.db";
  CHECK(context.command("show store") == "assay show store --store 'it'\\''s $HOME;.db'");
}

}  // namespace assay
