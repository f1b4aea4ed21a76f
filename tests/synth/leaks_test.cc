// Leaks planted with real tools, one of each kind, and the same environment without them.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

#include "envs/base/json.h"
#include "synth/leaks.h"

using namespace assay;
namespace fs = std::filesystem;

namespace {

constexpr const char* kBefore = R"(import math
from typing import List


def mean(values: List[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


def spread(values: List[float]) -> float:
    m = mean(values)
    return math.sqrt(sum((v - m) ** 2 for v in values) / len(values))
)";
constexpr const char* kAfter = R"(import math
from typing import List


def mean(values: List[float]) -> float:
    """The arithmetic mean."""
    if not values:
        raise ValueError("mean of nothing")
    return sum(values) / len(values)


def spread(values: List[float]) -> float:
    m = mean(values)
    return math.sqrt(sum((v - m) ** 2 for v in values) / (len(values) - 1))


def standard_error_of_mean(values: List[float]) -> float:
    return spread(values) / math.sqrt(len(values))
)";

// `base`: the tree before; `gold`: the patch; `env`: the environment to be searched, clean.
struct Place {
  fs::path root;

  Place() {
    char name[] = "/tmp/assay_leaks_XXXXXX";
    root = mkdtemp(name);
    shell("mkdir -p base/stats base/docs after/stats env");
    write("base/stats/core.py", kBefore);
    write("base/docs/guide.txt", "How to compute a mean of values, and more.\n");
    write("after/stats/core.py", kAfter);
    shell("cp -r base env/repo; cd env/repo; git init -q -b main; git add -A; git -c user.name=a -c user.email=a@a commit -qm base; "
          "cp ../../after/stats/core.py stats/core.py; git diff > ../../gold.patch; git checkout -q stats/core.py");
  }
  ~Place() { fs::remove_all(root); }

  void shell(const std::string& commands) const {
    if (std::system(("set -e; cd " + root.string() + "; " + commands).c_str()) != 0) FAIL(commands);
  }
  void write(const std::string& path, const std::string& text) const { REQUIRE(write_file((root / path).string(), text).ok()); }

  LeakProbe probe(const std::string& base = "base") const {
    const std::string patch = read_file((root / "gold.patch").string()).value();
    auto made = LeakProbe::make(patch, base.empty() ? "" : (root / base).string(), "gold.patch");
    if (!made.ok()) FAIL(made.error().text());
    return std::move(*made);
  }
  LeakSearch search() const {
    auto found = find_leaks(probe(), (root / "env").string());
    if (!found.ok()) FAIL(found.error().text());
    INFO(to_json(*found).dump(1));
    return std::move(*found);
  }
  // The one finding after `commands` have planted it.
  Leak planted(const std::string& commands) const {
    shell(commands);
    const LeakSearch found = search();
    INFO(commands << "\n" << to_json(found).dump(1));
    CHECK_FALSE(found.clean());
    REQUIRE(found.leak_count >= 1);
    return found.leaks[0];
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("an environment without the fix is clean, and the search says what was searched") {
  const Place place;
  const LeakSearch found = place.search();
  INFO(to_json(found).dump(1));
  CHECK(found.clean());
  CHECK(found.leak_count == 0);
  CHECK(found.repositories == 1);
  CHECK(found.objects == 2);
  CHECK(found.blobs == 1);
  CHECK(found.fingerprints > 30);
  CHECK(found.names == 2);
  CHECK(found.files > 2);
}

TEST_CASE("the fixed file is found wherever it lies") {
  const Place place;
  CHECK(place.planted("mkdir -p env/other; cp after/stats/core.py env/other/x").kind == "blob");
  CHECK(place.planted("rm -r env/other; cd env/repo; git hash-object -w ../../after/stats/core.py").where.find(".git ! blob") != std::string::npos);
}

TEST_CASE("an object that nothing reaches is found, loose and packed") {
  const Place place;
  const Leak loose = place.planted("cd env/repo; cp ../../after/stats/core.py stats; git -c user.name=a -c user.email=a@a commit -qam fix; git reset -q --hard HEAD~1; git reflog expire --expire=now --all");
  CHECK(has(loose.where, "repo/.git ! blob"));
  const Leak packed = place.planted("cd env/repo; git cat-file --batch-all-objects --batch-check='%(objectname)' | git pack-objects -q .git/objects/pack/pack > /dev/null; git prune-packed -q; test -z \"$(find .git/objects -type f | grep -v pack/ | grep -v info/)\"");
  CHECK(has(packed.where, "repo/.git ! blob"));
}

TEST_CASE("a part of the fix is found in other white space, in a patch and in JSON") {
  const Place place;
  CHECK(place.planted("sed 's/^/\\t/; s/ = /=/' after/stats/core.py | grep -v import > env/notes.txt").kind == "tokens");
  CHECK(place.planted("rm env/notes.txt; cp gold.patch env/fix.diff").kind == "tokens");
  CHECK(place.planted("rm env/fix.diff; python3 -c \"import json; json.dump({'patch': open('gold.patch').read()}, open('env/cache.json', 'w'))\"").kind == "tokens");
}

TEST_CASE("package caches and installed packages are looked into") {
  const Place place;
  const Leak wheel = place.planted("cd after; python3 -m zipfile -c ../env/stats-2.whl stats");
  CHECK(has(wheel.where, "stats-2.whl ! stream"));
  const Leak body = place.planted("(printf 'cached response\\n'; cat env/stats-2.whl) > env/f00; rm env/stats-2.whl");
  CHECK(has(body.where, "f00 ! stream"));
  const Leak source = place.planted("rm env/f00; tar -czf env/stats-2.tar.gz after");
  CHECK(has(source.where, "stats-2.tar.gz ! stream"));
  const Leak nested = place.planted("python3 -m zipfile -c env/outer.zip env/stats-2.tar.gz; rm env/stats-2.tar.gz");
  CHECK(has(nested.where, "outer.zip"));
  const Leak compiled = place.planted("rm env/outer.zip; mkdir -p env/site/__pycache__; python3 -c \"import py_compile; py_compile.compile('after/stats/core.py', 'env/site/__pycache__/core.cpython-311.pyc')\"");
  CHECK(compiled.kind == "names");
  CHECK(has(compiled.evidence, "standard_error_of_mean"));
}

TEST_CASE("data that anybody may have written is no leak, the words around it are") {
  const Place place;
  place.write("after/stats/core.py", std::string(kAfter) + "\n\ndef most_common(values):\n    \"\"\"As often as any other.\n\n    >>> most_common(['a', 'b', 'b', 'c', 'c', 'c', 'd'])\n    \"\"\"\n    counts = sorted(values, key=values.count)\n    return counts[-1]\n");
  place.shell("mkdir env/site; cd env/repo; cp ../../after/stats/core.py stats; git diff > ../../gold.patch; git checkout -q stats/core.py");
  place.write("env/site/more.py", "def decode(pairs):\n    \"\"\"\n    >>> list(decode(pairs))\n    ['a', 'b', 'b', 'c', 'c', 'c', 'd']\n    \"\"\"\n");
  const LeakSearch found = place.search();
  INFO(to_json(found).dump(1));
  CHECK(found.clean());
  place.write("env/site/most.py", "    \"\"\"\n    counts = sorted(values, key=values.count)\n    return counts[-1]\n");
  CHECK(place.search().leak_count == 1);
}

TEST_CASE("what cannot be looked into is said") {
  const Place place;
  place.shell("tar -cJf env/x.tar.xz after");
  LeakSearch found = place.search();
  CHECK(found.leak_count == 0);
  CHECK_FALSE(found.clean());
  REQUIRE(found.unsearched_count == 1);
  CHECK(has(found.unsearched[0], "x.tar.xz: xz"));
  place.shell("rm env/x.tar.xz; cd env/repo; o=$(git hash-object stats/core.py); chmod u+w .git/objects/$(echo $o | cut -c1-2)/*; echo broken > .git/objects/$(echo $o | cut -c1-2)/$(echo $o | cut -c3-)");
  found = place.search();
  INFO(to_json(found).dump(1));
  CHECK(found.unsearched_count >= 1);
  CHECK_FALSE(find_leaks(place.probe(), (place.root / "nowhere").string()).ok());
}

TEST_CASE("what the base holds elsewhere is no leak, and a patch must fit its base") {
  const Place place;
  place.shell("mkdir base/copied; cp after/stats/core.py base/copied/core2.py");
  const LeakProbe probe = place.probe();
  CHECK(probe.search().blobs == 0);
  CHECK(probe.search().fingerprints == 0);
  CHECK_FALSE(find_leaks(probe, (place.root / "env").string()).value().clean());   // nothing was looked for
  place.write("base/stats/core.py", "other\n");
  CHECK_FALSE(LeakProbe::make(read_file((place.root / "gold.patch").string()).value(), (place.root / "base").string(), "gold.patch").ok());
  // Without a base the patch's own context is all that is known to be old.
  CHECK(place.probe("").search().blobs == 0);
  CHECK(place.probe("").search().fingerprints > 30);
}
