"""assay report: its figures against plain arithmetic, and its page in a real headless Chromium."""

import collections
import http.server
import json
import math
import threading
import unittest

from tests.cli.browser import CHROMIUM, Page
from tests.cli.driver import CliTest

SCRIPT = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 2'>"
TURNED = "to \u202egnihton\u202c and\u2028on \u0007 \u200b<b>bold</b> 漢字 \U0001f600"


class HostileModel(http.server.BaseHTTPRequestHandler):
    """An endpoint whose every text is an attack on whoever shows it: first a call of a tool that there is not, then an answer."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        submit = next((tool["function"]["name"] for tool in request["tools"] if "answer_text" in tool["function"]["parameters"].get("required", [])), None)
        first = not any(message["role"] == "tool" for message in request["messages"])
        call = ("no_such_tool", json.dumps({"x": SCRIPT, "lone": "S"}).replace("S", "\\ud800")) if first else (submit, json.dumps({"answer_text": SCRIPT + TURNED}))
        message = {"role": "assistant", "content": SCRIPT + TURNED, "reasoning_content": TURNED + SCRIPT,
                   **({"tool_calls": [{"id": "1", "type": "function", "function": {"name": call[0], "arguments": call[1]}}]} if call[0] else {})}
        body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 100, "completion_tokens": 7}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Figures(CliTest):
    def test_pass_at_k_is_what_the_store_says(self):
        self.assay("synth", "hotel_front_desk", "--difficulty", "1,2", "--count", 12)
        self.assay("rollout", "--policy", "random", "--group", 6)
        self.assay("rollout", "--policy", "greedy", "--group", 2)
        report = self.json("report", "--out", "r.html")
        tallies = collections.defaultdict(lambda: collections.defaultdict(lambda: [0, 0]))
        for row in self.json("list", "rollouts")["rollouts"]:
            tally = tallies[row["policy"]][row["task"]]
            tally[0] += 1
            tally[1] += row["passed"]
        self.assertEqual({row["policy"] for row in report["pass"]}, set(tallies))
        for row in report["pass"]:
            for at in row["at"]:
                k, tasks = at["k"], tallies[row["policy"]].values()
                any_of = [1 - math.comb(n - c, k) / math.comb(n, k) for n, c in tasks if n >= k]
                all_of = [math.comb(c, k) / math.comb(n, k) for n, c in tasks if n >= k]
                self.assertEqual(at["tasks"], len(any_of))
                for name, values in (("any", any_of), ("all", all_of)):
                    self.assertAlmostEqual(at[name]["mean"], sum(values) / len(values), places=12)
                    self.assertLessEqual(at[name]["low"], at[name]["mean"])
                    self.assertGreaterEqual(at[name]["high"], at[name]["mean"])
        self.assertEqual([at["k"] for at in report["pass"][1]["at"]], [1, 2, 3, 4, 5, 6])
        levels = {row["difficulty"]: row for row in report["calibration"]}
        self.assertEqual({level: (row["tasks"], row["in_band"], row["outside"]) for level, row in levels.items()}, {1: (6, 6, 0), 2: (6, 6, 0)})
        self.assertEqual(report["funnel"]["candidates"]["certified"], 12)
        self.assertEqual(report["trajectories"], report["attempts"])
        self.assertEqual(report["bytes"], (self.folder / "r.html").stat().st_size)

    def test_filters_choose_tasks_and_policies(self):
        self.assay("synth", "hotel_front_desk", "--difficulty", "1,2", "--count", 4)
        self.assay("rollout", "--policy", "random,greedy", "--group", 2)
        report = self.json("report", "--out", "r.html", "--policy", "greedy", "--difficulty", "2")
        self.assertEqual((report["tasks"], report["attempts"]), (2, 4))
        self.assertEqual([row["policy"] for row in report["pass"]], ["greedy"])

    def test_is_written_whole_or_not_at_all(self):
        self.assay("synth", "hotel_front_desk", "--difficulty", "1", "--count", 1)
        self.assertIn("nothing to report", self.fails("report", "--out", "r.html")[0])
        self.assay("rollout", "--policy", "random")
        (self.folder / "r.html").write_text("before")
        self.assertIn("nothing to report", self.fails("report", "--out", "r.html", "--policy", "nobody")[0])
        self.fails("report", "--out", "no/such/folder/r.html", status=1)
        self.fails("report", "--out", "r.html", "--store", "none.db")
        self.assertEqual((self.folder / "r.html").read_text(), "before")
        self.assay("report", "--out", "r.html")
        self.assertTrue((self.folder / "r.html").read_text().startswith("<!doctype html>"))
        self.assertEqual([path.name for path in self.folder.iterdir() if "tmp" in path.name], [])


# WCAG 2.1: the contrast of every text that is shown, as [ratio, text, colour, background], least first.
CONTRAST = """(() => {
  const parse = (text) => { const v = text.match(/[\\d.]+/g).map(Number); return text.startsWith('color(srgb') ? [v[0]*255, v[1]*255, v[2]*255, v[3] ?? 1] : [v[0], v[1], v[2], v[3] ?? 1]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (c) => [0, 1, 2].map((i) => c[i] / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
  for (let e = walk.nextNode(); e; e = walk.nextNode()) {
    const glyph = e.matches('.cell'), own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!(glyph || own) || !e.checkVisibility() || e.matches('script, style, option, .visually-hidden, .skip') || e.closest('dialog:not([open])')) continue;
    const style = getComputedStyle(e), svg = e instanceof SVGElement;
    const stack = [];
    for (let up = e; up; up = up.parentElement) stack.push(parse(getComputedStyle(up).backgroundColor));
    const under = stack.reverse().reduce((below, c) => over(c, below), [255, 255, 255, 1]);
    const ink = over(parse(svg ? style.fill : style.color), under), [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), e.textContent.slice(0, 30) || e.className, style.color, under.join()]);
  }
  return found.sort((x, y) => x[0] - y[0]).slice(0, 3);
})()"""

# Controls that have no name for those who do not see them.
NAMELESS = """[...document.querySelectorAll('a[href], button, input, select, summary, [role=img], [role=region]')].filter((e) => e.checkVisibility() &&
  !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.[0]?.textContent.trim() || e.title)).map((e) => e.outerHTML.slice(0, 120))"""


@unittest.skipUnless(CHROMIUM, "the page is not tested: there is no Chromium here (apt-get install chromium)")
class PageTest(CliTest):
    def opened(self, page, file="r.html", hash=""):
        page.open(self.folder / file, hash)
        return page

    def assert_quiet(self, page):
        self.assertEqual(page.errors, [])
        self.assertEqual(page.requests, [])

    def small_store(self):
        self.assay("synth", "hotel_front_desk", "--archetype", "select,operate", "--difficulty", "1,2", "--count", 8)
        self.assay("rollout", "--policy", "gold,random", "--group", 3, status=1)   # random cannot play operate
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HostileModel)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.assay("rollout", "--policy", f"openai:http://127.0.0.1:{server.server_port}/v1", "--model", SCRIPT, "--group", 2, "--retries", 0)
        return self.json("report", "--out", "r.html", "--title", "A & B " + SCRIPT)

    def test_shows_every_attempt_finds_and_opens_it(self):
        report = self.small_store()
        with Page() as page:
            self.opened(page)
            self.assertEqual(page.count("h1"), 1)
            self.assertEqual(page.text("h1"), "A & B " + SCRIPT)
            self.assertEqual(page.count(".tiles li"), 6)
            self.assertGreater(page.count("svg .heap"), 0)
            self.assertGreater(page.count("svg .range"), 0)
            page.go("#/attempts")
            self.assertEqual(page.count("a.cell"), report["attempts"])
            self.assertEqual(page.count("a.cell.o0"), report["outcomes"]["passed"])
            self.assertEqual(page.count("a.cell.o5"), report["outcomes"]["broken"])
            # Filters, alone and together; the address holds them.
            page.drawn(lambda: page.run("const s = document.querySelector('#filter-outcome'); s.value = 'failed'; s.dispatchEvent(new Event('change'))"))
            self.assertEqual(page.count("a.cell"), report["outcomes"]["failed"])
            self.assertIn("outcome=failed", page.run("location.hash"))
            page.go("#/attempts?outcome=failed&policy=random&show=list")
            rows = [row for row in self.json("list", "rollouts", "--policy", "random")["rollouts"] if row["scored"] and not row["passed"]]
            self.assertEqual(page.count("table.list tbody tr"), len(rows))
            # Search: an id, and a text that stands in a message only.
            page.go("#/attempts?q=" + rows[0]["rollout"][:16])
            self.assertEqual(page.count("a.cell"), 1)
            page.go("#/attempts?q=no_such_tool")
            self.assertEqual(page.count("a.cell"), 0)
            page.go("#/attempts?q=gnihton&deep=1")
            self.assertEqual(page.count("a.cell"), 16)
            # A link to an attempt, and what it shows.
            for digits in (64, 12, 16):
                page.go("#/attempt/" + rows[0]["rollout"][:digits])
                self.assertEqual(page.text(".badge"), "failed")
            # Each line of a diff stands on its own.
            tops = page.run("""(() => {
                const pre = Object.assign(document.createElement("pre"), {className: "diff"});
                for (const line of ["diff --git a b", "+one", "", "-two"]) pre.append(Object.assign(document.createElement("span"), {textContent: line + "\\n"}));
                document.body.append(pre);
                const tops = [...pre.children].map((line) => line.getBoundingClientRect().top);
                pre.remove();
                return tops;
            })()""")
            self.assertEqual(len(set(tops)), 4)
            self.assertGreater(page.count(".checks li.bad"), 0)
            self.assertIn("--from random --task " + rows[0]["task"][:16], page.text("#replay code"))
            folded = page.count("main details:not([open])")
            self.assertGreater(folded, 0)
            page.key("e")
            self.assertEqual(page.count("main details:not([open])"), 0)
            self.assertGreater(page.count(".message.tool pre"), 0)
            self.assert_quiet(page)

    def test_what_agents_wrote_stays_text(self):
        self.small_store()
        with Page() as page:
            self.opened(page)
            for view in ("#/", "#/attempts", "#/attempts?show=list", "#/attempts?q=%3Cimg"):
                page.go(view)
            hostile = page.run("[...document.querySelectorAll('a.cell')].map((a) => a.getAttribute('href'))")
            self.assertEqual(len(hostile), 16)   # by its name as a policy
            page.go(hostile[0])
            page.key("e")
            shown = page.run("document.querySelector('#main').textContent")
            self.assertGreaterEqual(shown.count(SCRIPT), 4)   # policy, reasoning, text, answer
            self.assertIn("U+202E", shown)
            self.assertIn("U+2028", shown)
            self.assertNotIn("\u202e", shown)
            self.assertIn("\\ud800", shown)
            self.assertEqual(page.count("main b b, main img, main script"), 0)
            self.assertIsNone(page.run("window.hit ?? null"))
            self.assertTrue(page.run("""(() => { document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hit = 3'})); return window.hit === undefined; })()"""))
            self.assertTrue(any("Content Security Policy" in error for error in page.errors), page.errors)
            self.assertEqual(page.requests, [])

    def test_is_worked_by_keyboard(self):
        self.small_store()
        with Page() as page:
            self.opened(page)
            page.drawn(lambda: page.key("2"))
            self.assertEqual(page.count("a.cell[tabindex='0']"), 1)
            page.run("document.querySelector(\"a.cell[tabindex='0']\").focus()")
            first = page.run("document.activeElement.href")
            for key in ("ArrowRight", "ArrowDown", "End"):
                before = page.run("document.activeElement.href")
                page.key(key)
                self.assertNotEqual(page.run("document.activeElement.href"), before, key)
            for key in ("Home", "ArrowUp"):
                page.key(key)
            self.assertEqual(page.run("document.activeElement.href"), first)
            self.assertNotEqual(page.run("getComputedStyle(document.activeElement).outlineStyle"), "none")
            page.drawn(lambda: page.key("Enter"))
            self.assertIn("#/attempt/", page.run("location.hash"))
            here = page.run("location.hash")
            page.drawn(lambda: page.key("j"))
            self.assertNotEqual(page.run("location.hash"), here)
            page.drawn(lambda: page.key("k"))
            self.assertEqual(page.run("location.hash"), here)
            page.key("n")
            self.assertEqual(page.run("document.activeElement.getAttribute('aria-label')"), "Step 1")
            page.key("?")
            self.assertTrue(page.run("document.querySelector('#help').open"))
            page.key("Escape")
            self.assertFalse(page.run("document.querySelector('#help').open"))
            page.drawn(lambda: page.key("Escape"))
            self.assertIn("#/attempts", page.run("location.hash"))
            page.key("/")
            page.until("document.activeElement.id === 'search'")
            page.drawn(lambda: [page.key(key) for key in "gold"])
            self.assertEqual(page.run("document.activeElement.id"), "search")
            self.assertEqual(page.count("a.cell"), 24)
            self.assert_quiet(page)

    def test_can_be_read_in_light_in_dark_on_a_phone_and_on_paper(self):
        self.small_store()
        with Page() as page:
            self.opened(page)
            page.go("#/attempts?outcome=failed")
            views = ["#/", "#/attempts", "#/attempts?show=list", page.run("document.querySelector('a.cell').getAttribute('href')"), page.run("document.querySelector('th.task a').getAttribute('href')")]
            for scheme in ("light", "dark"):
                page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}])
                for view in views:
                    page.go("#/attempts?q=nothing at all")
                    page.go(view)
                    with self.subTest(scheme=scheme, view=view):
                        worst = page.run(CONTRAST)
                        self.assertGreaterEqual(worst[0][0], 4.5, worst)
                        self.assertEqual(page.run(NAMELESS), [])
                        self.assertEqual([page.count(name) for name in ("header.top", "nav[aria-label='Views']", "main")], [1, 1, 1])
            page.resize(360, 740)
            for view in views:
                page.go("#/attempts?q=nothing at all")
                page.go(view)
                self.assertEqual(page.run("document.documentElement.scrollWidth"), 360, view)
            page.go(views[3])
            folded = page.count("main details:not([open])")
            self.assertGreater(len(page.call("Page.printToPDF")["data"]), 10_000)
            self.assertEqual(page.count("main details:not([open])"), folded)
            self.assertEqual(page.count("main details > summary:only-child"), 0)   # on paper all of them are complete
            self.assert_quiet(page)

    def test_ten_thousand_attempts_fit_in_five_megabytes(self):
        self.assay("synth", "hotel_front_desk", "--difficulty", "1,2", "--count", 100)
        self.assay("rollout", "--policy", "random", "--group", 100)
        report = self.json("report", "--out", "r.html")
        self.assertEqual(report["attempts"], 10_000)
        self.assertLess((self.folder / "r.html").stat().st_size, 5_000_000)
        small = self.json("report", "--out", "small.html", "--megabytes", "0.6")
        self.assertLess((self.folder / "small.html").stat().st_size, 600_000)
        self.assertLess(small["trajectories"], report["trajectories"])
        self.assertEqual({**small, "trajectories": 0, "bytes": 0, "file": ""}, {**report, "trajectories": 0, "bytes": 0, "file": ""})
        with Page() as page:
            self.opened(page, "small.html")
            self.assertIn(f"{small['trajectories']:,} of 10,000 trajectories are in this file", page.text(".left-out"))
            page.go("#/attempts")
            page.run("document.querySelector('button.more')?.click()")
            self.assertEqual(page.count("a.cell"), 10_000)
            page.go("#/attempts?outcome=passed")
            # Successes go first, so one of them is missing, and says so.
            page.go(page.run("[...document.querySelectorAll('a.cell')].at(-1).getAttribute('href')"))
            self.assertIn("did not fit", page.text(".empty"))
            self.assert_quiet(page)


if __name__ == "__main__":
    unittest.main()
