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

    def bash(self, lines):
        script = self.assay("completions", "bash").stdout + 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay; printf "%s\\n" "${COMPREPLY[@]}"\n'
        for line in lines:
            yield subprocess.run(["bash", "-s", "--", *line.split()], input=script, cwd=self.folder, capture_output=True, text=True, check=True).stdout.strip()

    def fish(self, lines):
        (self.folder / "assay.fish").write_text(self.assay("completions", "fish").stdout)
        for line in lines:
            done = subprocess.run(["fish", "-N", "-c", f"source assay.fish; complete -C '{line}'"], cwd=self.folder, capture_output=True, text=True, check=True)
            self.assertEqual(done.stderr, "")
            yield done.stdout.strip().partition("\t")[0]

    def zsh(self, lines):
        """On a terminal, as somebody would type it: each line, then Tab, then a key that tells what stands on the line."""
        (self.folder / "_assay").write_text(self.assay("completions", "zsh").stdout)
        (self.folder / "told").write_text("")
        leader, follower = os.openpty()
        run = subprocess.Popen(["zsh", "-f", "-i"], cwd=self.folder, stdin=follower, stdout=follower, stderr=follower, start_new_session=True, env={**os.environ, "TERM": "dumb"})
        os.close(follower)

        def read_until(sign):
            seen = b""
            while sign not in seen:
                seen += os.read(leader, 65536)
        read_until(b"\x1b[?2004h")   # where zsh begins to read a line
        os.write(leader, b"fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; tell() { print -r -- $BUFFER >> told; BUFFER=; zle -M SA''ID }; zle -N tell; bindkey '^X' tell; PS1=REA''DY\n")
        read_until(b"READY")
        for line in lines:
            os.write(leader, line.encode() + b"\t\x18")
            read_until(b"SAID")
        run.kill()
        run.wait()
        os.close(leader)
        for line, told in zip(lines, (self.folder / "told").read_text().splitlines(), strict=True):
            kept = line.rpartition(" ")[0] + " "   # what stood before the word
            self.assertTrue(told.startswith(kept), told)
            yield "" if told == line else told[len(kept):].strip()

    def test_shells_complete_verbs_options_and_files(self):
        (self.folder / "tasks.db").write_text("")
        wanted = {"assay roll": "rollout", "assay rollout --gro": "--group", "assay rollout --stor": "--store", "assay --store ta": "tasks.db",
                  "assay --store tasks.db merg": "merge", "assay merge out.db ta": "tasks.db", "assay model mak": "make",
                  "assay model make --pres": "--preset", "assay rollout --preset-of-nothing": ""}
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell=shell):
                if not shutil.which(shell):
                    print(f"SKIPPED: {shell} is not installed", flush=True)
                    continue
                self.assertEqual(dict(zip(wanted, getattr(self, shell)(list(wanted)), strict=True)), wanted)

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
