"""assay synth all: every domain and archetype in turn, spread evenly, every candidate accounted for, and gone on with where it stopped."""

import json
import os
import pathlib
import unittest
from collections import Counter

from tests.cli.driver import CliTest

DOMAINS = pathlib.Path(os.environ["ASSAY_SOURCE"]) / "envs" / "domains"


class SynthAll(CliTest):
    def domains(self):
        """Archetypes by domain, of domains whose tools run no programs."""
        read = (json.loads(file.read_text()) for file in DOMAINS.glob("*.json"))
        return {domain["name"]: sorted(domain["archetypes"]) for domain in read if "compute" not in domain["archetypes"]}

    def test_every_domain_and_archetype_is_used_and_every_candidate_accounted_for(self):
        domains = self.domains()
        environments, tasks = len(domains) + 1, 3 * (len(domains) + 1) - 1
        made = self.json("synth", "all", "--environments", environments, "--tasks", tasks, "--difficulty", "1,2")
        self.assertEqual((made["requested"], made["made"], made["failed"], made["unsound"]), (tasks, tasks, 0, 0), made["errors"])
        self.assertEqual((made["domains"], made["environments"], made["databases"]), (len(domains), environments, environments))
        self.assertLessEqual(made["structures"], environments)

        rows = self.json("list", "tasks")["tasks"]
        used = {(row["domain"], row["archetype"]) for row in rows}
        turns = {name: [archetypes[(turn + task) % len(archetypes)] for task in range(3)] for turn, (name, archetypes) in enumerate(sorted(domains.items()))}
        self.assertEqual(used, {(name, archetype) for name, archetypes in turns.items() for archetype in archetypes})
        difficulties = Counter(row["difficulty"] for row in rows)
        self.assertLess(abs(difficulties[1] - difficulties[2]), tasks / 8)
        each = Counter(row["environment"] for row in rows)
        self.assertEqual(sorted(each.values()), [2] + [3] * (environments - 1))

        for archetype, funnel in made["funnel"].items():
            self.assertEqual(funnel["candidates"], funnel["certified"] + sum(funnel["lost"].values()), archetype)
            self.assertEqual(funnel["certified"], sum(row["archetype"] == archetype for row in rows), archetype)
        self.assertGreater(sum(sum(funnel["lost"].values()) for funnel in made["funnel"].values()), 0)

    def test_threads_and_interruptions_leave_no_trace(self):
        options = ["synth", "all", "--environments", 12, "--tasks", 30, "--difficulty", "1,3"]
        self.json(*options, "--jobs", 1, "--store", "one.db")
        self.json(*options, "--jobs", 3, "--store", "three.db")
        self.assert_same_store("one.db", "three.db")
        again = self.json(*options, "--store", "three.db")
        self.assertEqual((again["made"], again["stored_earlier"], again["environments"]), (0, 30, 12))
        self.assertEqual(self.json(*options[:4], "--tasks", 42, *options[6:], "--store", "three.db")["requested"], 42)

    def test_what_makes_no_sense_is_refused(self):
        self.assertIn("at least one task for each environment", self.fails("synth", "all", "--environments", 5, "--tasks", 4)[0])
        self.assertIn("for all domains", self.fails("synth", "travel", "--tasks", 4)[0])
        self.assertIn("--tasks", self.fails("synth", "all", "--limit", 4)[0])


if __name__ == "__main__":
    unittest.main()
