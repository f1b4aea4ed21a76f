// The program that runs inside: `attack NAME key=value…`.
#include <string.h>

#include <cstdio>

#include "tests/sandbox/escape/attack.h"

int main(int argc, char** argv) {
  using namespace assay::escape;
  if (argc < 2) return kBroken;
  Arguments arguments;
  for (int i = 2; i < argc; ++i)
    if (const char* equals = strchr(argv[i], '=')) arguments[std::string(static_cast<const char*>(argv[i]), equals)] = equals + 1;
  for (const auto& family : attacks::all())
    for (const Attack& attack : family)
      if (attack.name == argv[1]) return attack.inside(arguments);
  return kBroken;
}
