"""Completions and the manual page say what --help says, all of it, and shells and man take them."""

import os
import re
import shutil
import subprocess
import unittest

from tests.cli.driver import ASSAY, CliTest


class Manners(CliTest):
    def help_of(self, *verb):
        return self.assay(*verb, "--help").stdout

    def verbs(self):
        """Every verb, as words, with the options that its --help names."""
        def below(*verb):
            text = self.help_of(*verb)
            yield verb, sorted(set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", text, re.M)))
            for name in re.findall(r"^  (\w+) ", text.partition("Subcommands:")[2], re.M):
                yield from below(*verb, name)
        return list(below())

    def test_every_option_of_every_verb_is_in_completions_and_in_the_manual(self):
        verbs = self.verbs()
        self.assertGreater(len(verbs), 20)
        self.assertGreater(sum(len(options) for _, options in verbs), 100)
        scripts = {shell: self.assay("completions", shell).stdout for shell in ("bash", "zsh", "fish")}
        manual = self.assay("man").stdout.replace("\\-", "-")
        sections = {section.split("\n")[0]: section for section in re.split(r"^\.S[SH] (?:assay )?", manual, flags=re.M)}
        for verb, options in verbs:
            name = " ".join(verb)
            bash = re.search(rf"^    '{name}'\) names='(.*?)' values=", scripts["bash"], re.M).group(1).split()
            zsh = scripts["zsh"].partition(f"('{name}') values=")[2].partition(";;")[0] if name else scripts["zsh"].partition("global=(")[2].partition("case $verb in\n    (")[0]
            said = " -n '" + "; and ".join(f"__fish_seen_subcommand_from {word}" for word in verb) + "'" if verb else ""
            page = sections[name] if name else sections["OPTIONS OF EVERY VERB"]
            for option in options:
                with self.subTest(verb=name, option=option):
                    self.assertIn(option, bash)
                    self.assertIn(f"'{option}:", zsh)
                    self.assertRegex(scripts["fish"], rf"(?m)^complete -c assay{re.escape(said)} .*-l {option[2:]} ")
                    if option != "--help":
                        self.assertIn(f"\\fB{option}\\fR", page)

    def complete(self, *words):
        script = self.assay("completions", "bash").stdout + 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay; printf "%s\\n" "${COMPREPLY[@]}"\n'
        return subprocess.run(["bash", "-s", "--", "assay", *words], input=script, cwd=self.folder, capture_output=True, text=True, check=True).stdout.split()

    def test_bash_completes_verbs_options_and_files(self):
        (self.folder / "tasks.db").write_text("")
        self.assertEqual(self.complete("roll"), ["rollout"])
        self.assertEqual(self.complete("rollout", "--gro"), ["--group"])
        self.assertEqual(self.complete("rollout", "--stor"), ["--store"])
        self.assertEqual(self.complete("--store", "ta"), ["tasks.db"])
        self.assertEqual(self.complete("--store", "tasks.db", "merg"), ["merge"])
        self.assertEqual(self.complete("merge", "out.db", "ta"), ["tasks.db"])
        self.assertEqual(self.complete("model", "mak"), ["make"])
        self.assertEqual(self.complete("model", "make", "--pres"), ["--preset"])
        self.assertEqual(self.complete("rollout", "--preset-of-nothing"), [])

    def test_the_other_shells_can_read_their_scripts(self):
        for shell in ("zsh", "fish"):
            with self.subTest(shell=shell):
                if not shutil.which(shell):
                    print(f"SKIPPED: {shell} is not installed", flush=True)
                    continue
                script = self.assay("completions", shell).stdout
                subprocess.run([shell, "--no-execute"], input=script, text=True, check=True)

    @unittest.skipUnless(shutil.which("groff"), "SKIPPED: groff is not installed")
    def test_the_manual_is_set_without_a_warning(self):
        page = self.assay("man").stdout
        done = subprocess.run(["groff", "-man", "-ww", "-Kutf8", "-Tutf8"], input=page.encode(), capture_output=True, check=True)
        self.assertEqual(done.stderr.decode(), "")
        text = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout.decode())
        for words in ("ASSAY(1)", "assay synth", "--tasks-per-environment", "EXIT STATUS"):
            self.assertIn(words, text)

    def test_nothing_is_coloured_or_redrawn_where_nobody_looks(self):
        done = self.assay("synth", "travel", "--difficulty", "1", "--count", "3")
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertNotIn("\r", done.stdout + done.stderr)

    def test_a_terminal_sees_how_far_and_how_long(self):
        leader, follower = os.openpty()
        run = subprocess.Popen([ASSAY, "synth", "travel", "--difficulty", "1", "--count", "40"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=follower)
        os.close(follower)
        seen = b""
        try:
            while piece := os.read(leader, 65536):
                seen += piece
        except OSError:   # the other end is closed
            pass
        os.close(leader)
        self.assertEqual(run.wait(timeout=100), 0)
        self.assertRegex(seen.decode(), r"synth  \d+/40  [\d.,]+/s  .* left")
        self.assertNotRegex(seen.decode(), r"\x1b\[[0-9;]*m")
