"""The printed Python against the native verifier on tasks of every difficulty: the gold, every mutant of the certificate (near
misses at each boundary), and the same answers with entities exchanged between them. Together the tasks use every operator."""

import json
import random

from tests.cli.driver import CliTest


def exchanged(rng, task, answers):
    """Answers made of pieces of others: mostly wrong, in ways that no generator planned."""
    chosen = [field["name"] for field in task["answer"]["fields"] if "literals" not in field]
    out = []
    for _ in range(60):
        left, right = (json.loads(rng.choice(answers)) for _ in range(2))
        for group in left:
            for key in chosen:
                if rng.random() < 0.3:
                    group[key] = rng.choice(right)[key]
        out.append(json.dumps(left))
    return out


class PrintedPython(CliTest):
    TASKS = {"travel": 60, "meetings": 10, "workshop": 10, "home_care": 10}

    def test_native_and_printed_verifiers_name_the_same_failing_checks(self):
        for domain, count in self.TASKS.items():
            self.assay("synth", domain, "--count", count, "--seed", 21)
        operators = set()
        counts = {True: 0, False: 0}
        rng = random.Random(21)
        databases = {}
        for task in self.task_ids():
            shown = self.json("show", "task", task)
            operators |= {c["op"] for c in shown["task"]["constraints"]} | {
                then["op"] for c in shown["task"]["constraints"] for tier in c.get("tiers", []) for then in tier["then"]}
            answers = [shown["task"]["gold"]] + [m["answer"] for m in shown["certificate"]["mutants"] if m["answer"]]
            answers += exchanged(rng, shown["task"], answers)
            environment = shown["task"]["environment"]
            if environment not in databases:
                databases[environment] = self.folder / f"{environment[:12]}.sqlite"
                self.assay("show", "environment", environment, "--sqlite", databases[environment])
            (self.folder / "answers.jsonl").write_text("".join(json.dumps({"answer": a}) + "\n" for a in answers))
            lines = self.assay("verify", "--task", task, "--answers", "answers.jsonl", "--json").stdout.splitlines()
            native = [[c["name"] for c in json.loads(line)["checks"] if not c["passed"]] for line in lines]
            module = {"__name__": "printed"}
            exec(compile(self.assay("verify", "--task", task, "--python").stdout, "printed", "exec"), module)
            world = module["load"](databases[environment])
            self.assertEqual(len(native), len(answers))
            for answer, failing in zip(answers, native):
                printed = module["judge"](answer, *world)
                self.assertEqual(printed["failed"], failing, f"{task}\n{answer}")
                counts[printed["passed"]] += 1
            self.assertEqual(native[0], [])
        known = {row["name"] for row in self.json("list", "operators")["operators"]}
        self.assertEqual(operators, known, "the tasks do not use every operator")
        tasks = sum(self.TASKS.values())
        self.assertGreater(counts[True], tasks - 1)
        self.assertGreater(counts[False], 10 * tasks)
        print(f"{counts[True]} answers pass and {counts[False]} fail, the same in both")
