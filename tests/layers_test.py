"""Reads every #include of the source tree and says which line breaks the layers of ARCHITECTURE.md.

The tables below are the rule. The tests after them plant one fault of each kind in a temporary tree and expect it to be named.
"""

import fnmatch
import os
import pathlib
import re
import tempfile
import unittest

# A folder may include itself and these.
LAYERS = {
    "cli": {"synth", "engine", "datasets", "verifiers", "sandbox", "envs"},
    "synth": {"verifiers", "envs"},
    "engine": {"envs"},
    "datasets": {"envs"},
    "verifiers": {"envs"},
    "sandbox": {"envs"},
    "envs": set(),
}

# Headers of others, and the only files that may include them. * also matches a slash.
THIRD_PARTY = {
    "nlohmann/*": ["*"],
    "sqlite3.h": ["envs/database.cc", "envs/text_index.cc", "datasets/sql_file.cc"],
    "curl/*": ["envs/base/http.cc"],
    "openssl/*": ["envs/base/hash.cc"],
    "simdjson.h": ["verifiers/*"],
    "expat.h": ["verifiers/xml_reader.cc"],
    "zstd.h": ["datasets/*", "sandbox/capture.cc"],
    "zdict.h": ["datasets/*"],
    "arrow/*": ["datasets/parquet/*"],
    "parquet/*": ["datasets/parquet/*"],
    "gecode/*": ["synth/solver*"],
    "git2.h": ["synth/mine/git_repository.cc"],
    "zlib.h": ["datasets/report/archive.cc", "synth/mine/binary_patch.cc", "synth/leaks.cc"],
    "CLI/*": ["cli/*"],
    "cuda*.h": ["engine/*"],
    "cublas*.h": ["engine/*"],
    "pcre2.h": ["engine/*"],
    "utf8proc.h": ["engine/*"],
    "toml++/*": ["synth/build/*"],
    "boost/*": ["envs/base/program.cc", "cli/child_lines.cc"],
    "seccomp.h": ["sandbox/*"],
    "linux/*": ["sandbox/*"],
    "sys/prctl.h": ["sandbox/*"],
    "sys/mount.h": ["sandbox/*"],
    "catch2/*": [],  # tests only
    "gtest/*": [],
}

# Folders of the C library; any other <folder/…> must stand in THIRD_PARTY first.
C_LIBRARY = {"sys", "arpa", "netinet", "net"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def broken_rule(file, quote, header):
    """The rule that `file` (a path from the root) breaks by including `header`, or None."""
    layer = file.split("/")[0]
    top = header.split("/")[0]
    if top in LAYERS and "/" in header:
        if ".." in header.split("/"):
            return "an include names its file from the repository root, without .."
        if top != layer and top not in LAYERS[layer]:
            allowed = ", ".join(sorted(LAYERS[layer])) or "no other layer"
            return f"{layer}/ may not include {top}/ (it may include {allowed})"
        return None if quote == '"' else 'our own headers are included with ""'
    for pattern, files in THIRD_PARTY.items():
        if fnmatch.fnmatchcase(header, pattern):
            if any(fnmatch.fnmatchcase(file, allowed) for allowed in files):
                return None
            return f"<{header}> may be included only by {', '.join(files) or 'tests'}"
    if quote == '"':
        return "an include names its file from the repository root, beginning with a layer"
    if "/" in header and top not in C_LIBRARY:
        return f"<{header}> is a library that tests/layers_test.py does not know: add it to THIRD_PARTY"
    return None


def broken_lines(root):
    """Every broken rule below `root`, as "file:line: include: rule"."""
    found = []
    root = pathlib.Path(root)
    files = [file for layer in LAYERS for file in (root / layer).rglob("*") if file.suffix in {".h", ".cc", ".cu", ".cuh"}]
    for file in sorted(files):
        name = file.relative_to(root).as_posix()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            include = INCLUDE.match(line)
            rule = include and broken_rule(name, *include.groups())
            if rule:
                found.append(f"{name}:{number}: {line.strip()}: {rule}")
    return found


class Tree(unittest.TestCase):
    def test_keeps_the_layers(self):
        root = os.environ.get("ASSAY_SOURCE") or pathlib.Path(__file__).parent.parent
        found = broken_lines(root)
        if found:
            self.fail("\n" + "\n".join(found))


class PlantedFaults(unittest.TestCase):
    def check(self, file, line, expected):
        """Plants `line` as the second line of `file`; expects the rule `expected`, or no complaint if that is None."""
        with self.subTest(file=file, line=line), tempfile.TemporaryDirectory() as root:
            path = pathlib.Path(root, file)
            path.parent.mkdir(parents=True)
            path.write_text(f"#include <vector>\n{line}\n", encoding="utf-8")
            found = broken_lines(root)
            if expected is None:
                self.assertEqual(found, [])
            else:
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(f"{file}:2: "), found[0])
                self.assertIn(expected, found[0])

    def test_every_pair_of_layers(self):
        for layer, allowed in LAYERS.items():
            for other in LAYERS:
                fine = other == layer or other in allowed
                expected = None if fine else f"{layer}/ may not include {other}/"
                self.check(f"{layer}/deep/x.h", f'#include "{other}/y.h"', expected)

    def test_third_party_code_has_one_home(self):
        for header, home in {
            "sqlite3.h": "envs/database.cc", "curl/curl.h": "envs/base/http.cc", "openssl/evp.h": "envs/base/hash.cc", "expat.h": "verifiers/xml_reader.cc",
            "simdjson.h": "verifiers/answer.cc", "zstd.h": "datasets/segment.cc", "gecode/int.hh": "synth/solver_gecode.cc",
            "CLI/CLI.hpp": "cli/commands/synth.cc", "cuda_runtime.h": "engine/kernels/x.cu",
            "git2.h": "synth/mine/git_repository.cc", "zlib.h": "synth/mine/binary_patch.cc",
        }.items():
            self.check(home, f"#include <{header}>", None)
            for elsewhere in ("envs/task.cc", "engine/runtime.cc", "verifiers/check.cc", "synth/miner.cc"):
                if elsewhere.split("/")[0] != home.split("/")[0]:
                    self.check(elsewhere, f"#include <{header}>", f"<{header}> may be included only by")
        self.check("envs/table.cc", "#include <sqlite3.h>", "may be included only by envs/database.cc")
        self.check("envs/base/hash.cc", '#include "sqlite3.h"', "may be included only by envs/database.cc")
        self.check("synth/miner.cc", "#include <gecode/int.hh>", "may be included only by synth/solver*")
        self.check("cli/main.cc", "#include <catch2/catch.hpp>", "may be included only by tests")
        self.check("engine/policy.h", "#include <nlohmann/json.hpp>", None)

    def test_unknown_libraries_are_named(self):
        self.check("envs/x.cc", "#include <fmt/core.h>", "does not know")
        self.check("envs/x.cc", "#include <sys/stat.h>", None)
        self.check("envs/x.cc", "#include <unistd.h>", None)

    def test_includes_start_at_the_root(self):
        self.check("envs/x.cc", '#include "y.h"', "from the repository root")
        self.check("envs/x.cc", '#include "../verifiers/y.h"', "from the repository root")
        self.check("engine/x.cc", '#include "envs/../synth/y.h"', "without ..")
        self.check("envs/x.cc", "#include <envs/y.h>", 'included with ""')

    def test_spelling_does_not_hide_an_include(self):
        self.check("envs/x.cc", '  #  include   "cli/y.h"  // why', "may not include cli/")
        self.check("engine/x.cu", '#include "cli/y.h"', "may not include cli/")


if __name__ == "__main__":
    unittest.main()
