"""Domains of one's own, in files."""

import json
import os
import pathlib
import unittest

from tests.cli.driver import CliTest

OBSERVING = pathlib.Path(os.environ["ASSAY_SOURCE"]) / "envs/domains/observing.json"


class DomainFileTest(CliTest):
    def write(self, change=lambda domain: None):
        domain = json.loads(OBSERVING.read_text())
        domain["name"] = "stargazing"
        domain["archetypes"]["query"] = {}
        change(domain)
        path = self.folder / "stargazing.json"
        path.write_text(json.dumps(domain))
        return path

    def synth(self, path, **options):
        return self.assay("synth", path, "--archetype", "query,select", "--count", 4, "--difficulty", "1,2", **options)

    def test_a_store_keeps_the_domain_that_its_tasks_were_made_from(self):
        path = self.write()
        self.synth(path)
        path.unlink()
        played = self.json("rollout", "--policy", "gold")
        self.assertEqual((played["played"], played["failed"]), (4, 0))
        self.assertTrue(all(row["pass_rate"] == 1 for row in played["pass_rates"]))
        audited = self.json("audit")
        self.assertEqual((audited["same"], audited["different"]), (4, 0))

    def test_another_domain_of_the_same_name_and_version_does_not_join_a_store(self):
        self.synth(self.write())
        brighter = lambda domain: domain.update(summary="Another one.")
        message, hint = self.fails("synth", self.write(brighter), "--count", 1)
        self.assertIn("another domain with the same name and version, stargazing 1", message)
        self.assertIn("raise the version", hint)
        self.synth(self.write(lambda domain: (brighter(domain), domain.update(version="2"))))

    def test_a_domain_that_came_to_nothing_is_mended_under_its_own_version(self):
        templates = lambda domain: domain["archetypes"]["select"]["templates"]
        typed_wrong = lambda domain: templates(domain)["above_the_haze"]["constraint"].update(get="altitud")
        message, *_ = self.fails("synth", self.write(typed_wrong), "--archetype", "select")
        self.assertIn("template 'above_the_haze': $.constraint.get: unknown column of target 'altitud'; known: ", message)
        beyond_reach = lambda domain: domain["archetypes"]["select"]["levels"]["1"].update(chance=[0.9, 0.95])
        self.assay("synth", self.write(beyond_reach), "--archetype", "select", "--difficulty", 1, "--count", 1, status=(1, 2))
        self.assertEqual(self.fails("list", "tasks")[0], "list: no task in the store fits")
        self.synth(self.write())


if __name__ == "__main__":
    unittest.main()
