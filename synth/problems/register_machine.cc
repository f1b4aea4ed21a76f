#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::register_machine {
namespace {

struct Step {
  int64_t kind = 0, a = 0, b = 0;   // 0: r[a] += b; 1: r[a] = (r[a] * b) mod 9973; 2: if r[a] is even, skip the next; 3: r[a] = r[b] + r[a]
};
int64_t run(const std::vector<Step>& program, int64_t rounds) {
  int64_t r[3] = {1, 2, 3};
  for (int64_t round = 0; round < rounds; ++round)
    for (size_t i = 0; i < program.size(); ++i) {
      const Step& s = program[i];
      if (s.kind == 0) r[s.a] = (r[s.a] + s.b) % 9973;
      else if (s.kind == 1) r[s.a] = r[s.a] * s.b % 9973;
      else if (s.kind == 2) i += r[s.a] % 2 == 0;
      else r[s.a] = (r[s.a] + r[s.b]) % 9973;
    }
  return r[0] + r[1] + r[2];
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<Step> program;
  std::string listing, python;
  for (int64_t i = 0; i < 5 + 2 * difficulty; ++i) {
    Step s{static_cast<int64_t>(rng.below(4)), static_cast<int64_t>(rng.below(3)), 0};
    s.b = s.kind == 3 ? (s.a + 1 + static_cast<int64_t>(rng.below(2))) % 3 : rng.between(2, 500);
    const std::string a(1, static_cast<char>('A' + s.a)), b = s.kind == 3 ? std::string(1, static_cast<char>('A' + s.b)) : std::to_string(s.b);
    listing += (i ? "; " : "") + (s.kind == 0 ? "add " + b + " to " + a : s.kind == 1 ? "multiply " + a + " by " + b : s.kind == 2 ? "if " + a + " is even, skip the next instruction" : "add " + b + " to " + a);
    python += std::string("    ") + (s.kind == 2 ? "(\"skip\", \"" + a + "\", 0)" : s.kind == 1 ? "(\"times\", \"" + a + "\", " + b + ")" : s.kind == 0 ? "(\"add\", \"" + a + "\", " + b + ")" : "(\"plus\", \"" + a + "\", \"" + b + "\")") + ",\n";
    program.push_back(s);
  }
  const int64_t rounds = rng.between(80, 400) * difficulty;
  const std::vector<std::pair<std::string, std::string>> v{{"listing", listing}, {"python", python}, {"rounds", std::to_string(rounds)}};
  return {filled("A machine has three registers A, B and C, which hold 1, 2 and 3. Its program is: {listing}. After every addition or multiplication the register that changed is replaced by its remainder modulo 9973. The "
                 "program is carried out {rounds} times from its first to its last instruction (an instruction skipped at its end is skipped only there). What is A + B + C then? Give an integer.", v),
          {}, expect_integer(run(program, rounds)),
          filled(R"(program = [
{python}]
r = dict(A=1, B=2, C=3)
for _ in range({rounds}):
    skip = False
    for kind, a, b in program:
        if skip:
            skip = False
        elif kind == "skip":
            skip = r[a] % 2 == 0
        else:
            r[a] = (r[a] * b if kind == "times" else r[a] + (r[b] if kind == "plus" else b)) % 9973
print(sum(r.values())))", v)};
}

}  // namespace

Problem make() { return {"register_machine", "simulation", "native: instructions by number; Python: instructions by name", 1, draw}; }

}  // namespace assay::problems::register_machine
