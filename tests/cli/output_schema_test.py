"""What every verb prints with --json is what cli/output.schema.json says. (The driver holds all other tests' --json against it, too.)"""

import json
import os
import re
import subprocess

from tests.cli import output_schema
from tests.cli.driver import CliTest

# A protocol of its own.
UNDESCRIBED = {"env"}


class OutputSchema(CliTest):
    def test_every_verb_is_described_and_nothing_else(self):
        def names(*verb):
            return re.findall(r"^  (\w+) ", self.assay(*verb, "--help").stdout.partition("Subcommands:")[2], re.M)
        verbs = {"version"} | set(names()) - {"model"} - UNDESCRIBED | {f"model-{name}" for name in names("model")}
        self.assertEqual({name.removeprefix("verb-") for name in output_schema.DEFINITIONS if name.startswith("verb-")}, verbs)

    def test_the_program_prints_the_document(self):
        self.assertEqual(self.assay("man", "--schema").stdout, output_schema.PATH.read_text(encoding="utf-8"))

    def check(self, *arguments, **options):
        """Runs it; then each value with a member too many, or one too few, must be refused."""
        verb = output_schema.verb_of(arguments)
        schema = output_schema.DEFINITIONS[f"verb-{verb}"]
        values = self.json_lines(*arguments, **options)
        self.assertTrue(values, arguments)
        for value in values:
            form = next((form for form in output_schema.forms_of(verb) if not output_schema.problems(form, value)), None)
            self.assertIsNotNone(form, f"{arguments}: {value}")
            self.seen.add((verb, output_schema.forms_of(verb).index(form)))
            for name in form.get("required", []):
                with_too_few = {other: member for other, member in value.items() if other != name}
                self.assertIn(f"$.{name}: missing", output_schema.problems(form, with_too_few))
                self.assertNotEqual(output_schema.problems(schema, with_too_few), [], f"{arguments} without {name}")
            if form.get("additionalProperties") is False:
                self.assertNotEqual(output_schema.problems(schema, {**value, "planted": 1}), [], arguments)
        return values[0]

    def test_every_verb_prints_what_is_described(self):
        self.seen = set()
        self.check("--version")
        self.check("completions", "fish")
        self.check("man")
        self.check("doctor", status=(0, 1))
        self.check("bench", "operate", status=(0, 1))
        self.on_a_store()
        self.on_a_model()
        self.on_a_repository()
        described = {(verb, number) for verb in (name.removeprefix("verb-") for name in output_schema.DEFINITIONS if name.startswith("verb-"))
                     for number in range(len(output_schema.forms_of(verb)))}
        # These need a model that writes domains, a cluster, or a repository that can be built; there the driver sees them.
        elsewhere = {"With --category.", "With --predictions: on each line, of a patch; `log` is for assay show log.", "With --predictions: of a patch that the machine failed to judge.",
                     "assay show log: what the runs of a judgement printed.", "assay show synthesis: how a model wrote a domain.",
                     "All shards done and merged; of each shard what its verb prints.", "Interrupted while it waited: the jobs go on.", "An area that could not be measured.",
                     "With --tokens.", "With --schema: this document."}
        missing = {output_schema.forms_of(verb)[number].get("description", verb) for verb, number in described - self.seen}
        self.assertEqual(missing, elsewhere)

    def on_a_store(self):
        self.check("synth", "travel", "--difficulty", "1", "--count", "3")
        self.check("synth", "travel", "--escalate", "--difficulty", "1,2", "--count", "1", "--store", "lineage.db")
        (self.folder / "mine").mkdir()
        for name, text in {"city": "name\nSuzhou\nNanjing\n", "intercity": "from_city,to_city,mode,minutes\nSuzhou,Nanjing,car,130\nNanjing,Suzhou,car,130\n",
                           **{kind: "name,city,price\nGrand,Suzhou,40\nOld,Nanjing,50\n" for kind in ("hotel", "restaurant", "attraction")}}.items():
            (self.folder / "mine" / f"{name}.csv").write_text(text, encoding="utf-8")
        self.check("synth", "travel", "--data", "mine", "--propose", "map.json")
        self.check("rollout", "--policy", "gold,random", "--group", "2", status=(0, 1))
        self.check("filter", "--policy", "random", "--pass-at", "2")
        self.check("audit", "--limit", "2")
        self.check("attack", "--limit", "2")
        self.check("verify")
        self.check("verify", "--with", "command:cat", "--limit", "2", status=1)
        task = self.check("list", "tasks")["tasks"][0]["task"]
        rollout = self.check("list", "rollouts")["rollouts"][0]["rollout"]
        environment = self.check("list", "environments")["environments"][0]["environment"]
        for what in ("domains", "policies", "formats", "archetypes", "variants", "specialists", "operators", "tool-kinds"):
            self.check("list", what)
        self.check("list", "domains", "--stats")
        self.check("show", "task", task, "--full")
        self.check("show", "certificate", task)
        self.check("show", "rollout", rollout)
        self.check("show", "environment", environment)
        self.check("show", "store")
        self.check("show", "lineage", self.json("list", "tasks", "--store", "lineage.db")["tasks"][-1]["task"], "--store", "lineage.db")
        self.check("verify", "--task", task, "--python")
        self.check("verify", "--task", task, "--answers", "-", stdin='{"answer": "[]", "id": 3}\nnonsense\n', status=1)
        (self.folder / "patches.jsonl").write_text('{"instance_id": "nobody", "model_name_or_path": "m", "model_patch": ""}\n', encoding="utf-8")
        self.check("verify", "--predictions", "patches.jsonl", status=1)
        self.check("merge", "merged.db", "assay.db", "lineage.db")
        self.check("export", "--format", "openai_chat", "--out", "dataset")
        self.check("export", "--format", "grpo", "--dry-run")
        self.check("report", "--out", "report.html")
        self.check("submit", "slurm", "--shards", "2", "--dry-run", "--", "rollout", "--policy", "random")

    def on_a_model(self):
        self.check("model", "make", "--out", "tiny", "--preset", "tiny")
        self.check("model", "make", "--list")
        self.check("model", "check", "tiny")
        config = json.loads((self.folder / "tiny" / "config.json").read_text(encoding="utf-8"))
        other = self.folder / "other"
        self.assay("model", "make", "--out", other, "--preset", "tiny")
        (other / "config.json").write_text(json.dumps({**config, "intermediate_size": 2 * config["intermediate_size"]}), encoding="utf-8")
        self.check("model", "check", "other", status=2)
        self.check("model", "encode", stdin=json.dumps({"messages": [{"role": "user", "content": "hi"}]}))
        self.check("model", "parse", stdin="It is far.<｜end▁of▁sentence｜>")
        self.check("model", "tokenize", "tiny", stdin="hi there")
        self.check("model", "tokenize", "tiny", "--decode", stdin="[1, 2]")
        self.check("model", "generate", "tiny", "--prompt", "hi", "--max-tokens", "4")
        self.check("model", "logits", "tiny", "--last", "--trace", stdin="[1, 2, 3]")
        # A model's tokens, as a trainer would send them back.
        (self.folder / "long.json").write_text(json.dumps({**config, "max_position_embeddings": 32768}), encoding="utf-8")
        self.assay("model", "make", "--out", "long", "--config", "long.json")
        self.assay("rollout", "--policy", "dsa:long", "--max-tokens", "8", "--limit", "1", status=(0, 1))
        (rollout,) = (row["rollout"] for row in self.json("list", "rollouts")["rollouts"] if row["policy"].startswith("dsa"))
        turns = self.check("show", "rollout", rollout, "--full")["turns"]
        sampled = {name: [value for turn in turns for value in turn[name]] for name in ("sampled", "log_probabilities")}
        (self.folder / "trainer.jsonl").write_text(json.dumps({"rollout": rollout, "tokens": sampled["sampled"], "log_probabilities": sampled["log_probabilities"]}), encoding="utf-8")
        self.check("score", "--logprobs", "trainer.jsonl", "--delta", "0.1")

    def on_a_repository(self):
        repository = self.folder / "repository"
        repository.mkdir()
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com", "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com"}

        def git(*arguments):
            return subprocess.run(["git", *arguments], cwd=repository, env=env, check=True, capture_output=True, text=True).stdout
        git("init", "-q", "-b", "main", ".")
        for number, message in enumerate(("Begin", "Ignore a trailing comma (#1)\n\nThe parser takes a trailing comma for another item, so that a list which ends with a comma "
                                          "has one item too many and the count is wrong. It should be ignored, as every other reader of such files does.")):
            (repository / "tests").mkdir(exist_ok=True)
            (repository / "parse.py").write_text(f"value = {number}\n", encoding="utf-8")
            (repository / "tests" / "test_parse.py").write_text(f"assert {number} == {number}\n", encoding="utf-8")
            git("add", "-A", ".")
            git("commit", "-q", "-m", message)
        (self.folder / "fix.patch").write_text(git("diff", "HEAD~1", "HEAD"), encoding="utf-8")
        self.check("audit", "--leaks", "repository", "--patch", "fix.patch", status=(0, 1))
        self.check("mine", "repository", "--out", "candidates.jsonl", "--statements", "commit", "--repository", "ada/parse")
        self.check("build", "candidates.jsonl", "--clone", "repository", "--store", "built.db", "--rounds", "1", status=(0, 1))
