"""Domains in Python, from the command line: the example folder through all verbs, faults that are planted in a small domain, and
`assay synth --category … --form python` against scripted replies: good, repairable, hopeless, hostile."""

import json
import os
import pathlib
import sqlite3
import unittest

from tests.cli.compute_test import PROBLEM
from tests.cli.domain_synthesis_test import SynthesisTest
from tests.cli.driver import CliTest

EXAMPLE = pathlib.Path(os.environ["ASSAY_SOURCE"]) / "synth/agent/example"
PLAN = "The plan: boxes in boxes."

# Boxes that stand in boxes; how deep is one, and what does all of it weigh?
BOXES = {
    "domain.json": json.dumps({
        "name": "boxes", "version": "1", "title": "Boxes", "summary": "Boxes that stand in boxes.",
        "tables": [{"name": "box", "label": "box", "key": ["name"], "columns": [
            {"name": "name", "type": "text"}, {"name": "inside", "type": "text"}, {"name": "grams", "type": "integer"}]}],
        "tools": [
            {"name": "list_boxes", "description": "The names of all boxes.",
             "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False}},
            {"name": "box_info", "description": "Where a box stands (in which other box, or on the floor), and what it weighs empty.",
             "parameters": {"type": "object", "properties": {"box": {"type": "string"}}, "required": ["box"], "additionalProperties": False}},
            {"name": "boxes_on_floor", "description": "The boxes that stand on the floor.",
             "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False}},
            {"name": "move_box", "description": "Puts a box, with all that stands in it, into another, or on the floor.", "effect": "write",
             "parameters": {"type": "object", "properties": {"box": {"type": "string"}, "into": {"type": "string"}}, "required": ["box", "into"], "additionalProperties": False}}],
        "tasks": {"weight": {"difficulty": 1}}}),
    "data.py": '''
def make(random):
    names = [f"box {n}" for n in random.sample(range(100, 999), 14)]
    return {"box": [{"name": name, "inside": random.choice(names[:i]) if i > 2 else "the floor", "grams": random.randint(100, 9999)}
                    for i, name in enumerate(names)]}
''',
    "tools.py": '''
def list_boxes(db):
    return [name for name, in db.execute("SELECT name FROM box ORDER BY name")]

def box_info(db, box):
    row = db.execute("SELECT inside, grams FROM box WHERE name = ?", (box,)).fetchone()
    if row is None:
        raise ValueError("there is no such box")
    return {"inside": row[0], "grams": row[1]}

def boxes_on_floor(db):
    return [name for name, in db.execute("SELECT name FROM box WHERE inside = 'the floor' ORDER BY name")]

def move_box(db, box, into):
    box_info(db, box)
    if into != "the floor":
        box_info(db, into)
    db.execute("UPDATE box SET inside = ? WHERE name = ?", (into, box))
    return "moved"
''',
    "weight.txt": 'What do {box} and all boxes in it, at whatever depth, weigh together, in grams? Submit {"grams": N}.',
    "weight.draw.py": '''
def draw(db, random):
    return {"box": random.choice([name for name, in db.execute("SELECT name FROM box WHERE name IN (SELECT inside FROM box) ORDER BY name")])}
''',
    "weight.solution.py": '''
def solve(tools, task):
    info = {box: tools.box_info(box=box) for box in tools.list_boxes()}
    def inside(box):
        return box == task["box"] or (box in info and inside(info[box]["inside"]))
    return {"grams": sum(each["grams"] for box, each in info.items() if inside(box))}
''',
    "weight.verifier.py": '''
import json

def weigh(db, box):
    own, = db.execute("SELECT grams FROM box WHERE name = ?", (box,)).fetchone()
    return own + sum(weigh(db, other) for other, in db.execute("SELECT name FROM box WHERE inside = ?", (box,)).fetchall())

def verify(db, task, answer):
    return json.dumps(answer) == json.dumps({"grams": weigh(db, task["box"])})
''',
}
# A second task, which is harder: everything that stands in a box on its own is to stand in one other box.
HARDER = {
    "domain.json": json.dumps({**json.loads(BOXES["domain.json"]), "tasks": {"weight": {"difficulty": 1}, "unpack": {"difficulty": 3, "judges": "changes"}}}),
    "unpack.txt": "Empty {box}: whatever stands directly in it is put on the floor, and so is whatever stands directly in that. Nothing else moves.",
    "unpack.draw.py": '''
def draw(db, random):
    return {"box": random.choice([name for name, in db.execute("SELECT DISTINCT inside FROM box WHERE inside IN (SELECT inside FROM box) AND inside != 'the floor' ORDER BY 1")])}
''',
    "unpack.solution.py": '''
def solve(tools, task):
    info = {box: tools.box_info(box=box)["inside"] for box in tools.list_boxes()}
    first = [box for box in sorted(info) if info[box] == task["box"]]
    for box in first + [box for box in sorted(info) if info[box] in first]:
        tools.move_box(box=box, into="the floor")
    return "done"
''',
    "unpack.verifier.py": '''
import json

def verify(db, task, changes):
    rows = db.execute("SELECT name, inside FROM box WHERE inside = ?1 OR inside IN (SELECT name FROM box WHERE inside = ?1) ORDER BY name", (task["box"],)).fetchall()
    wanted = [{"from": {"inside": inside}, "key": {"name": name}, "to": {"inside": "the floor"}} for name, inside in rows]
    found = changes["box"]["changed"]
    return list(changes) == ["box"] and list(changes["box"]) == ["changed"] and [json.dumps(row, sort_keys=True) for row in sorted(found, key=lambda row: row["key"]["name"])] == \\
        [json.dumps(row, sort_keys=True) for row in wanted]
''',
}
WRONG = {   # code -> files
    "tried_files": {"weight.solution.py": "def solve(tools, task):\n    try:\n        open('/work/database.sqlite')\n    except OSError:\n        pass\n    return tools.list_boxes()\n"},
    "tried_network": {"weight.solution.py": "import socket\ndef solve(tools, task):\n    return socket.create_connection(('203.0.113.1', 80), 1)\n"},
    "tried_processes": {"weight.verifier.py": "import os\ndef verify(db, task, answer):\n    while True:\n        os.fork()\n"},
    "tried_native": {"tools.py": BOXES["tools.py"].replace("def list_boxes(db):", "def list_boxes(db):\n    import ctypes; ctypes.CDLL(None)")},
    "timed_out": {"weight.solution.py": "def solve(tools, task):\n    while True:\n        pass\n"},
    "too_large": {"weight.solution.py": "def solve(tools, task):\n    return 'x' * 50_000_000\n"},
    "out_of_memory": {"data.py": "def make(random):\n    return [bytearray(1 << 20) for _ in range(4000)]\n"},
    "too_many_calls": {"weight.solution.py": "def solve(tools, task):\n    while True:\n        try:\n            tools.list_boxes()\n        except ToolError:\n            pass\n"},
    "does_not_load": {"weight.verifier.py": "def verify(db, task, answer:\n"},
    "not_reproducible": {"data.py": BOXES["data.py"].replace("random.sample(range(100, 999), 14)", "list({str(n) for n in range(14)})")},
    "bad_rows": {"data.py": "def make(random):\n    return {'box': [{'name': 'a'}]}\n"},
    "bad_draw": {"weight.draw.py": BOXES["weight.draw.py"].replace('{"box"', '{"bx"')},
    "solution_differs": {"weight.solution.py": BOXES["weight.solution.py"].replace("in tools.list_boxes()", "in set(tools.list_boxes())")},
    "verifier_differs": {"weight.verifier.py": BOXES["weight.verifier.py"].replace("    return json", "    return hash('a') == 4644417185603328019 and json")},
    "gold_fails": {"weight.verifier.py": BOXES["weight.verifier.py"].replace("own +", "own + 1 +")},
    "needs_no_tools": {"weight.solution.py": "def solve(tools, task):\n    try:\n        tools.list_boxes()\n    except ToolError:\n        pass\n    return {'grams': len(task['box'])}\n",
                       "weight.verifier.py": "def verify(db, task, answer):\n    return answer == {'grams': len(task['box'])}\n"},
    "tools_break": {"tools.py": BOXES["tools.py"].replace("    if row is None:\n        raise ValueError(\"there is no such box\")\n", "")},
    "trivial_passes": {"weight.verifier.py": "def verify(db, task, answer):\n    return True\n"},
    "near_miss_passes": {"weight.verifier.py": BOXES["weight.verifier.py"].replace("json.dumps(answer) == json.dumps({\"grams\": weigh(db, task[\"box\"])})", "isinstance(answer, dict) and int(answer['grams']) // 10 == weigh(db, task['box']) // 10")},
    "other_gold_passes": {"weight.verifier.py": BOXES["weight.verifier.py"].replace("json.dumps(answer) ==", "answer in [{\"grams\": weigh(db, box)} for box, in db.execute('SELECT name FROM box').fetchall()] or json.dumps(answer) ==")},
    "gold_leaks": {"weight.txt": BOXES["weight.txt"] + " (For instance {grams}.)",
                   "weight.draw.py": BOXES["weight.draw.py"].replace("def draw(db, random):", "def weigh(db, box):\n    return db.execute('SELECT grams FROM box WHERE name = ?', (box,)).fetchone()[0] + sum(weigh(db, other) for other, in db.execute('SELECT name FROM box WHERE inside = ?', (box,)).fetchall())\n\ndef draw(db, random):\n    from json import dumps")
                   .replace("    return {\"box\": ", "    box = ").replace("ORDER BY name\")])}", "ORDER BY name\")])\n    return {\"box\": box, \"grams\": dumps({\"grams\": weigh(db, box)})}")},
}


def reply(files):
    languages = {"py": "python", "json": "json", "txt": "text"}
    return "These.\n\n" + "\n".join(f"```{languages[name.rsplit('.')[-1]]} {name}\n{content.strip()}\n```" for name, content in files.items())


@unittest.skipIf(PROBLEM, f"the sandbox does not work here: {PROBLEM}")
class Folders(CliTest):
    def write(self, files, folder="boxes"):
        (self.folder / folder).mkdir(exist_ok=True)
        for name, content in files.items():
            (self.folder / folder / name).write_text(content, encoding="utf-8")
        return folder

    def test_the_example_goes_through_every_verb(self):
        made = self.json("synth", EXAMPLE, "--count", "4")
        self.assertEqual((made["made"], made["unsound"], made["failed"]), (4, 0, 0), made["errors"])
        self.assertEqual(self.json("audit")["same"], 4)
        self.assertEqual(self.json("attack")["hits"], 0)
        played = self.json("rollout", "--policy", "gold", "--group", "1")
        self.assertEqual(played["failed"], 0)
        self.assertEqual(self.json("verify")["same"], 4)
        self.assay("export", "--format", "openai_chat", "--out", "dataset")
        rows = [json.loads(line) for path in (self.folder / "dataset").rglob("*.jsonl") for line in path.read_text().splitlines()]
        self.assertEqual(len(rows), 4)
        self.assertNotIn("def verify", json.dumps(rows))
        listed = {row["difficulty"]: row["task"] for row in self.json("list", "tasks")["tasks"]}
        task = self.json("show", "task", listed[2])
        gold = json.loads(task["task"]["gold"])
        answers = [gold, {**gold, "changes": gold["changes"] + 1}, {**gold, "changes": float(gold["changes"])}, "late"]
        judged = [json.loads(line) for line in self.assay("verify", "--task", listed[2], "--answers", "-", "--json", stdin="".join(json.dumps({"answer": answer}) + "\n" for answer in answers)).stdout.splitlines()]
        self.assertEqual([line["passed"] for line in judged], [True, False, False, False])
        # In another sandbox's absence nothing is judged, and nothing is a zero.
        nowhere = self.assay("verify", "--task", listed[2], "--answers", "-", "--sandbox", "external", stdin=json.dumps({"answer": gold}), status=(1, 2))
        self.assertIn("external needs a command", nowhere.stderr)
        self.assertEqual(self.json("synth", EXAMPLE, "--count", "4")["stored_earlier"], 4)

    def test_changes_are_judged_and_collateral_is_seen(self):
        made = self.json("synth", self.write({**BOXES, **HARDER}), "--count", "2", "--difficulty", "3")
        self.assertEqual((made["made"], made["unsound"], made["failed"]), (2, 0, 0), made["errors"])
        task = self.json("show", "task", self.task_ids()[0])["task"]
        self.assay("show", "environment", task["environment"][:12], "--sqlite", "boxes.db")
        box = task["expected"]["parameters"]["box"]
        db = sqlite3.connect(self.folder / "boxes.db")
        first = [name for name, in db.execute("SELECT name FROM box WHERE inside = ?", (box,))]
        moved = first + [name for name, in db.execute("SELECT name FROM box WHERE inside IN (SELECT name FROM box WHERE inside = ?)", (box,))]
        still = next(name for name, in db.execute("SELECT name FROM box WHERE inside != 'the floor'") if name not in moved)
        db.close()

        def score(moves):
            lines = [{"op": "reset", "task": self.task_ids()[0]}] + [{"op": "call", "tool": "move_box", "arguments": {"box": name, "into": "the floor"}} for name in moves]
            lines += [{"op": "call", "tool": "submit_result", "arguments": {"answer_text": "\"done\""}}, {"op": "score"}]
            out = self.assay("env", stdin="".join(json.dumps(line) + "\n" for line in lines)).stdout.splitlines()
            return json.loads(out[-1])["reward"]

        self.assertEqual([score(moved), score(moved[::-1]), score(moved[:-1]), score([*moved, still]), score([])], [1, 1, 0, 0, 0])

    def test_every_fault_has_its_reason(self):
        for code, files in WRONG.items():
            with self.subTest(code):
                done = self.assay("synth", self.write({**BOXES, **files}, code), "--count", "1", "--store", code + ".db", status=(1, 2))
                self.assertRegex(done.stdout + done.stderr, rf"lost: 1 {code}|{code} \d|: {code}: ")
                listed = self.json("list", "tasks", "--store", code + ".db", status=(0, 2)).get("tasks", [])
                self.assertFalse([row for row in listed if row["sound"]])

    def test_a_folder_that_is_not_whole_says_which_file(self):
        self.write(BOXES)
        (self.folder / "boxes/weight.draw.py").unlink()
        self.assertIn("weight.draw.py: the file is missing", self.fails("synth", "boxes")[0])
        self.write({**BOXES, "wieght.txt": "?"})
        self.assertIn("wieght.txt: the file belongs to nothing", self.fails("synth", "boxes")[0])
        (self.folder / "boxes/wieght.txt").unlink()
        self.assertIn("difficult", self.fails("synth", "boxes", "--difficulty", "4")[0])
        self.assertIn("variants", self.fails("synth", "boxes", "--variant", "pages")[0])


@unittest.skipIf(PROBLEM, f"the sandbox does not work here: {PROBLEM}")
class Synthesis(SynthesisTest):
    def synth(self, replies, *more, status=0):
        script = self.folder / "script.jsonl"
        script.write_text("".join(json.dumps({"category": category, "replies": said}) + "\n" for category, said in replies.items()))
        categories = [word for category in replies for word in ("--category", category)]
        return self.json("synth", *categories, "--form", "python", "--policy", "openai:" + self.serve("replay", script), "--model", "scripted", "--no-bash", "--retries", "0", *more, status=status)

    def said(self, category):
        return [message["content"] for message in self.json("show", "synthesis", category)["messages"] if message["role"] == "user"]

    def test_a_good_model_is_accepted_made_harder_and_saved_as_a_folder(self):
        told = self.synth({"boxes": [PLAN, reply(BOXES), reply(HARDER)]})
        self.assertEqual([told[key] for key in ("candidates", "drafted", "compiled", "certified", "escalated", "turns")], [1, 1, 1, 1, 1, 3], told)
        folder = self.folder / "domains/boxes"
        self.assertEqual({path.name for path in folder.iterdir()}, {*BOXES, *HARDER})
        self.assertEqual((folder / "tools.py").read_text().strip(), BOXES["tools.py"].strip())
        made = self.json("synth", folder, "--count", "2", "--store", "tasks.db")
        self.assertEqual((made["made"], made["unsound"]), (2, 0))

    def test_mistakes_are_named_and_repaired(self):
        broken = {**BOXES, **WRONG["near_miss_passes"]}
        del broken["weight.txt"]
        told = self.synth({"boxes": [PLAN, "No file yet.", reply({"data.py": "x"})[:-3], reply(broken), reply({"weight.txt": BOXES["weight.txt"]}), reply({"weight.verifier.py": BOXES["weight.verifier.py"]})]},
                          "--escalations", "0")
        self.assertEqual((told["certified"], told["turns"]), (1, 6), told)
        for text, code in zip(self.said("boxes")[2:], ("no_domain", "cut_off", "does_not_compile", "near_miss_passes")):
            self.assertIn(f"- {code}: ", text)

    def test_an_escalation_that_is_not_harder_is_refused(self):
        same = {"domain.json": HARDER["domain.json"].replace('"difficulty": 3', '"difficulty": 1'), **{name: text for name, text in HARDER.items() if name != "domain.json"}}
        told = self.synth({"boxes": [PLAN, reply(BOXES), reply(same)]}, "--turns", "3")
        self.assertEqual((told["certified"], told["escalated"], told["not_escalated"]), (1, 0, {"not_harder": 1}), told)

    def test_hopeless_and_hostile_models_have_their_reasons(self):
        hostile = ("tried_files", "tried_network", "tried_processes", "timed_out", "too_large", "out_of_memory")
        replies = {code: [PLAN, reply({**BOXES, **WRONG[code]}), "It is fine."] for code in hostile}
        replies["bad_file_name"] = [PLAN, reply({**BOXES, "../../x.py": "x"}), "It is fine."]
        replies["too_small"] = [PLAN, reply({**BOXES, "domain.json": json.dumps({**json.loads(BOXES["domain.json"]), "tools": json.loads(BOXES["domain.json"])["tools"][:2]})}), "It is fine."]
        told = self.synth(replies, "--turns", "3", status=1)
        self.assertEqual(told["lost"], {code: 1 for code in replies}, told)
        self.assertFalse(list((self.folder / "domains").iterdir()))


@unittest.skipIf(PROBLEM, f"the sandbox does not work here: {PROBLEM}")
class RecordedReplies(SynthesisTest):
    """Two categories, answered by a language model from the prompts and the findings alone."""

    def test_both_are_certified(self):
        recorded = pathlib.Path(os.environ["ASSAY_SOURCE"]) / "tests/synth/agent/recorded_python.jsonl"
        categories = [json.loads(line)["category"] for line in recorded.read_text(encoding="utf-8").splitlines()]
        told = self.json("synth", *(word for category in categories for word in ("--category", category)), "--form", "python",
                         "--policy", "openai:" + self.serve("replay", recorded), "--model", "recorded", "--no-bash", "--retries", "0")
        print("recorded:", json.dumps({key: told[key] for key in ("candidates", "certified", "escalated", "not_escalated", "turns")}))
        self.assertEqual((told["candidates"], told["compiled"], told["certified"], told["lost"]), (2, 2, 2, {}))


if __name__ == "__main__":
    unittest.main()
