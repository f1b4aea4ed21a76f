"""`assay synth --category …` from the outside: a server with scripted replies, good, repairable, hopeless and hostile."""

import json
import os
import pathlib
import subprocess
import sys

from tests.cli.driver import CliTest

SOURCE = pathlib.Path(os.environ["ASSAY_SOURCE"])
SERVER = SOURCE / "tests/synth/agent/model_server.py"
PLAN = "The plan: look at the sky."


def block(value):
    return "Here it is.\n\n```json\n" + json.dumps(value, ensure_ascii=False) + "\n```\n"


def observing():
    return json.loads((SOURCE / "envs/domains/observing.json").read_text(encoding="utf-8"))


def by_query(name, sql):
    """A tool that claims to list all targets."""
    return {"name": name, "description": "Lists targets.", "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
            "body": {"sql": sql, "returns": "values"}, "reveals": [{"table": "target", "columns": {"name": ""}, "complete": True}]}


def base_and_escalation(name="stargazing"):
    """The example without what makes it hard, and the patch that brings that back."""
    domain = observing()
    domain["name"] = name
    select = domain["archetypes"]["select"]
    patch = [{"op": "add", "path": "/tools/-", "value": tool} for tool in domain["tools"] if tool["name"] == "find_move"]
    domain["tools"] = [tool for tool in domain["tools"] if tool["name"] != "find_move"]
    for template in ("short_moves", "first_slot_decides"):
        patch.append({"op": "add", "path": f"/archetypes/select/templates/{template}", "value": select["templates"].pop(template)})
        select["levels"]["3"]["choose"].remove(template)
        for preset in select["presets"]["list"].values():
            preset["templates"] = [name for name in preset["templates"] if name != template]
    for level in ("4", "5"):
        patch.append({"op": "add", "path": f"/archetypes/select/levels/{level}", "value": select["levels"].pop(level)})
    return domain, patch


class SynthesisTest(CliTest):
    def serve(self, *source):
        server = subprocess.Popen([sys.executable, SERVER, *map(str, source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.stdin.close)
        return f"http://127.0.0.1:{int(server.stdout.readline())}"


class DomainSynthesis(SynthesisTest):
    def synth(self, replies, *more, status=0):
        """The result for {category: replies}."""
        script = self.folder / "script.jsonl"
        script.write_text("".join(json.dumps({"category": category, "replies": list(said)}) + "\n" for category, said in replies.items()))
        categories = [word for category in replies for word in ("--category", category)]
        return self.json("synth", *categories, "--policy", "openai:" + self.serve("replay", script), "--model", "scripted", "--no-bash",
                         "--retries", "0", *more, status=status)

    def record(self, category):
        return self.json("show", "synthesis", category)

    def reason(self, replies, *more):
        """Why the one category is lost."""
        told = self.synth({"the sky": replies}, *more, status=1)
        self.assertEqual((told["certified"], sum(told["lost"].values())), (0, 1))
        reason, = told["lost"]
        self.assertEqual(self.record("the sky")["reason"], reason)
        return reason

    def test_a_good_model_is_accepted_escalated_saved_and_its_domain_gives_tasks(self):
        domain, patch = base_and_escalation()
        told = self.synth({"the sky": [PLAN, block(domain), block(patch)]}, "--record", "said.jsonl")
        self.assertEqual([told[key] for key in ("candidates", "drafted", "compiled", "certified", "escalated")], [1] * 5)
        self.assertEqual((told["lost"], told["not_escalated"], told["turns"]), ({}, {}, 3))
        saved = self.folder / "domains/stargazing.json"
        self.assertEqual(set(json.loads(saved.read_text())["archetypes"]["select"]["levels"]), set("12345"))
        self.assertLess(max(map(len, saved.read_text().splitlines())), 700)   # for people: no line holds everything
        record = self.record("the sky")
        self.assertEqual([version["turn"] for version in record["lineage"]], [2, 3])
        self.assertEqual([len(version["examination"]["levels"]) for version in record["lineage"]], [3, 5])
        self.assertEqual([message["role"] for message in record["messages"]], ["system", "user", "assistant"] + ["user", "assistant"] * 2)
        self.assertIn("## 3 assistant\nThe plan: look at the sky.", self.assay("show", "synthesis", "the sky").stdout)
        made = self.json("synth", saved, "--count", "2", "--difficulty", "1,4", "--store", "tasks.db")
        self.assertEqual((made["made"], made["unsound"]), (2, 0))
        # The store spares a second conversation; the recording gives the same one again.
        self.assertEqual(self.synth({"the sky": []})["stored_earlier"], 1)
        again = self.json("synth", "--category", "the sky", "--policy", "openai:" + self.serve("replay", self.folder / "said.jsonl"),
                          "--model", "scripted", "--no-bash", "--store", "again.db", "--out", "again")
        self.assertEqual((again["escalated"], again["turns"]), (1, 3))
        self.assertEqual((self.folder / "again/stargazing.json").read_bytes(), saved.read_bytes())

    def test_mistakes_are_named_and_repaired_by_patches(self):
        domain, _ = base_and_escalation()
        broken = json.loads(json.dumps(domain))
        broken["tables"][1]["columns"][0]["references"] = "constelation"
        broken["tools"][1] = by_query("list_targets", "SELECT name FROM target WHERE altitude > 30 ORDER BY name")
        repairs = [block([{"op": "replace", "path": "/tables/1/columns/0/references", "value": "constellation"}]),
                   block([{"op": "replace", "path": "/tools/1/body/sql", "value": "SELECT name FROM target ORDER BY name"}])]
        told = self.synth({"the sky": [PLAN, "No block yet.", "```json\n{\"format\": ", block(broken), block([{"op": "remove", "path": "/nowhere"}]), *repairs]},
                          "--escalations", "0")
        self.assertEqual((told["certified"], told["turns"]), (1, 7))
        said = [message["content"] for message in self.record("the sky")["messages"] if message["role"] == "user"]
        for text, code in zip(said[2:], ("no_domain", "cut_off", "does_not_compile", "patch_failed", "false_declaration")):
            self.assertIn(f"- {code}: ", text)

    def test_a_domain_that_can_be_cheated_is_mended(self):
        domain, _ = base_and_escalation()
        domain["tools"].append(
            {"name": "search_targets", "description": "Names of targets.",
             "parameters": {"type": "object", "properties": {"part": {"type": "string", "description": "The name"}}, "required": ["part"], "additionalProperties": False},
             "body": {"sql": "SELECT name FROM target WHERE name = :part OR :part = '%' ORDER BY name", "returns": "values"}, "reveals": []})
        mended = [{"op": "replace", "path": f"/tools/{len(domain['tools']) - 1}/body/sql",
                   "value": "SELECT name FROM target WHERE name = :part ORDER BY name"}]
        told = self.synth({"the sky": [PLAN, block(domain), block(mended)]}, "--escalations", "0")
        self.assertEqual((told["certified"], told["turns"]), (1, 3))
        said = [message["content"] for message in self.record("the sky")["messages"] if message["role"] == "user"]
        self.assertIn("- attack_hit: ", said[2])
        self.assertIn("search_targets(part = %)", said[2])

    def test_an_escalation_that_fails_leaves_the_certified_version(self):
        domain, _ = base_and_escalation()
        told = self.synth({"the sky": [PLAN, block(domain), block([]), block(domain) + "Once more."]}, "--turns", "4")
        self.assertEqual((told["certified"], told["escalated"], told["not_escalated"]), (1, 0, {"not_harder": 1}))
        self.assertEqual(set(json.loads((self.folder / "domains/stargazing.json").read_text())["archetypes"]["select"]["levels"]), set("123"))

    def test_every_hopeless_conversation_has_its_reason(self):
        domain, _ = base_and_escalation()

        def changed(change):
            out = json.loads(json.dumps(domain))
            change(out)
            return block(out)

        def contradict(out):
            select = out["archetypes"]["select"]
            for name, relation, value in (("high", ">=", 60), ("low", "<", 50)):
                select["templates"][name] = {"constraint": {"op": "compare", "slots": {"fields": ["target"]}, "get": "altitude", "cmp": relation, "value": value}}
                for level in select["levels"].values():
                    level["always"].append(name)

        replies = {
            "no_domain": ["I cannot do that.", "Nor now.", "Sorry."],
            "loop": ["I cannot do that."] * 9,
            "reply_too_large": [PLAN, {"fill": "{\"a\": ", "bytes": 2 << 20}],
            "sql_refused": [PLAN, changed(lambda out: out["tools"].append(by_query("spy", "ATTACH '/etc/passwd' AS x"))), "Never."],
            "unsatisfiable": [PLAN, changed(contradict), "It is fine."],
            "level_unreached": [PLAN, changed(lambda out: out["archetypes"]["select"]["levels"]["2"].update(chance=[0.9, 0.95])), "It is fine."],
            "name_taken": [PLAN, changed(lambda out: out.update(name="travel")), "It is fine."],
            "too_small": [PLAN, changed(lambda out: (out.pop("corpus", None), out["tools"].pop(0))), "It is fine."],
            "policy_failed": [PLAN],
        }
        told = self.synth({reason + " wanted": said for reason, said in replies.items()}, "--turns", "3", status=1)
        self.assertEqual(told["lost"], {reason: 1 for reason in replies})
        self.assertEqual((told["candidates"], told["certified"]), (len(replies), 0))
        for reason in replies:
            self.assertEqual(self.record(reason + " wanted")["reason"], reason)
        self.assertFalse(list((self.folder / "domains").iterdir()))

    def test_fifty_megabytes_are_broken_off(self):
        self.assertEqual(self.reason([{"fill": "x", "bytes": 50 << 20}]), "reply_too_large")

    def test_tokens_are_bounded(self):
        self.assertEqual(self.reason([PLAN, PLAN + "!"], "--tokens", "100"), "out_of_tokens")

    def test_what_is_missing_is_said(self):
        self.assertIn("--policy", self.fails("synth", "--category", "the sky")[1])
        self.assertEqual(self.fails("synth")[1], "assay synth --help")
        self.assertIn("expected a domain", self.fails("synth", "travel", "--category", "the sky")[0])


class Desk(SynthesisTest):
    def test_replies_may_come_from_files(self):
        desk = self.folder / "desk"
        url = self.serve("desk", desk)
        asked = subprocess.Popen([os.environ["ASSAY"], "synth", "--category", "The sky!", "--policy", "openai:" + url, "--model", "desk", "--no-bash",
                                  "--turns", "2", "--json"], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for turn, beginning in (1, "=== system ==="), (2, "=== user ===\nNow write the whole domain"):
            request = desk / f"the-sky/{turn}.request.txt"
            while not request.exists() and asked.poll() is None:
                pass
            self.assertTrue(request.read_text().startswith(beginning))
            reply = desk / "the-sky/reply.part"
            reply.write_text(f"Words, {turn}.")
            reply.rename(desk / f"the-sky/{turn}.reply.txt")
        out, _ = asked.communicate(timeout=60)
        self.assertEqual(json.loads(out)["lost"], {"no_domain": 1})


class RecordedReplies(SynthesisTest):
    """Twenty categories for which the library has no domain, answered by a language model that saw nothing but the prompts and the findings: ten
    in each of two sittings, all of which were accepted and made harder then. Examinations have become stricter since, so four
    that were made harder then would need another reply now."""

    def test_the_funnel_is_what_it_was(self):
        recorded = SOURCE / "tests/synth/agent/recorded.jsonl"
        categories = [json.loads(line)["category"] for line in recorded.read_text(encoding="utf-8").splitlines()]
        told = self.json("synth", *(word for category in categories for word in ("--category", category)), "--policy", "openai:" + self.serve("replay", recorded),
                         "--model", "recorded", "--no-bash", "--retries", "0", status=0)
        print("recorded:", json.dumps({key: told[key] for key in ("candidates", "drafted", "compiled", "certified", "escalated", "lost", "turns")}), file=sys.stderr)
        self.assertEqual((told["candidates"], told["certified"] + sum(told["lost"].values())), (len(categories), len(categories)))
        self.assertEqual((told["certified"], told["escalated"]), (20, 16))
        for saved in sorted((self.folder / "domains").iterdir())[:3]:
            made = self.json("synth", saved, "--count", "5", "--seed", "9", "--store", "tasks.db")
            self.assertEqual((made["made"], made["unsound"]), (5, 0))
        played = self.json("rollout", "--policy", "gold", "--store", "tasks.db")
        self.assertEqual(played["failed"], 0)
