"""`assay model encode` and `parse` from the outside: against the committed goldens, and against a second encoder (v32_encoder.py) over
random conversations."""

import importlib.util
import json
import pathlib
import tempfile

from tests.cli.driver import CliTest

HERE = pathlib.Path(__file__).parent
SOURCE = HERE.parents[2]
BLOCK = (SOURCE / "envs/encodings/dsml/tools_block.txt").read_text(encoding="utf-8")
spec = importlib.util.spec_from_file_location("v32_encoder", HERE / "v32_encoder.py")
v32 = importlib.util.module_from_spec(spec)
spec.loader.exec_module(v32)

MODES = {"thinking": ["--thinking"], "chat": []}


class DeepSeekV32(CliTest):
    def encode(self, request, *options, status=0):
        text = request if isinstance(request, bytes) else json.dumps(request).encode()
        return self.assay("model", "encode", *options, stdin=text, status=status).stdout

    def parse(self, completion, *options):
        return json.loads(self.assay("model", "parse", *options, stdin=completion.encode()).stdout)

    def refused(self, what, stdin, *words, options=(), status=2):
        done = self.assay("model", what, *options, stdin=stdin.encode(), status=status)
        told = done.stderr.decode()
        self.assertEqual(done.stdout, b"")
        for word in words:
            self.assertIn(word, told)

    def test_the_goldens_are_met_byte_for_byte(self):
        names = sorted(path.stem for path in (HERE / "golden").glob("*.json"))
        self.assertEqual(names, sorted(v32.CASES))
        for name in names:
            for mode, options in MODES.items():
                with self.subTest(name, mode=mode):
                    expected = (HERE / "golden" / f"{name}.{mode}.txt").read_bytes()
                    self.assertEqual(self.encode((HERE / "golden" / f"{name}.json").read_bytes(), *options), expected)

    def test_the_goldens_are_what_the_second_encoder_writes(self):
        with tempfile.TemporaryDirectory() as folder:
            v32.main(folder)
            for path in pathlib.Path(folder).iterdir():
                self.assertEqual(path.read_bytes(), (HERE / "golden" / path.name).read_bytes(), path.name)

    def test_random_conversations_agree_with_the_second_encoder(self):
        for seed in range(25):
            messages = v32.Writer(seed).conversation()
            for mode, options in MODES.items():
                with self.subTest(seed=seed, mode=mode):
                    self.assertEqual(self.encode(messages, *options).decode(), v32.encode(messages, mode == "thinking", BLOCK))

    def test_completions_read_back(self):
        for seed in range(25):
            message = v32.Writer(1000 + seed).answer()
            for mode, options in MODES.items():
                with self.subTest(seed=seed, mode=mode):
                    back = self.parse(v32.completion(message, mode == "thinking"), *options)
                    self.assertEqual(back["role"], "assistant")
                    self.assertEqual(back["content"], message["content"] or "")
                    self.assertEqual(back.get("reasoning_content", ""), message["reasoning_content"] if mode == "thinking" else "")
                    made = message.get("tool_calls", [])
                    self.assertEqual([call["function"]["name"] for call in back.get("tool_calls", [])], [call["function"]["name"] for call in made])
                    for number, (call, original) in enumerate(zip(back.get("tool_calls", []), made)):
                        self.assertEqual(call["id"], f"call_{number}")
                        self.assertEqual(call["function"]["arguments"], v32.dumps(v32.arguments_of(original)))

    def test_tools_and_formats_beside_the_messages_belong_to_the_system(self):
        user = {"role": "user", "content": "q"}
        declared = {"role": "system", "content": "", "tools": [v32.TOOL], "response_format": {"b": 1, "a": 2}}
        beside = {"messages": [user], "tools": [v32.TOOL], "response_format": {"b": 1, "a": 2}}
        expected = v32.encode([declared, user], True, BLOCK).encode()
        self.assertEqual(self.encode(beside, "--thinking"), expected)
        (self.folder / "tools.json").write_text(json.dumps([v32.TOOL]))
        del beside["tools"]
        self.assertEqual(self.encode(beside, "--thinking", "--tools", "tools.json"), expected)
        self.assertEqual(json.loads(self.encode(beside, "--json", "--thinking", "--tools", "tools.json"))["prompt"].encode(), expected)
        self.refused("encode", json.dumps({"messages": [declared, user], "tools": [v32.TOOL]}), "declared twice")

    def test_a_cold_start_goes_before_the_systems_text(self):
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "q"}]
        text = self.encode(messages, "--cold-start", "reasoning_with_tools").decode()
        prompt, found, rest = text.removeprefix(v32.BOS).partition("\n\nBe brief.")
        self.assertTrue(found and rest.startswith(f"<{v32.BAR}User{v32.BAR}>q"))
        for words in ("<think>", "</think>", "20 calls"):
            self.assertIn(words, prompt)
        self.assertTrue(self.encode(messages[1:], "--cold-start", "tools").decode().startswith(v32.BOS + "You complete tasks"))
        self.refused("encode", json.dumps(messages), "known: reasoning, reasoning_with_tools, tools", options=["--cold-start", "reason"])

    def test_content_may_be_a_list_of_texts_and_nothing_is_dropped_silently(self):
        parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
        self.assertEqual(self.encode([{"role": "user", "content": parts}]), self.encode([{"role": "user", "content": "one two"}]))
        self.refused("encode", json.dumps([{"role": "user", "content": parts + [{"type": "image_url"}]}]), "messages[0]", "is no text")
        self.refused("encode", json.dumps([{"role": "user", "content": 7}]), "messages[0]", "of type number")

    def test_bad_input_is_refused_with_words(self):
        user, tool = {"role": "user", "content": "q"}, {"role": "tool", "content": "r"}
        self.refused("encode", "", "standard input", "not JSON")
        self.refused("encode", "{}", "no list of messages", "try: ")
        self.refused("encode", "[" * 100_000, "nested deeper")
        self.refused("encode", json.dumps({"messages": [user], "tools": [{"name": "f", "maximum": 10**25}]}), "beyond 64 bits")
        self.refused("encode", json.dumps([{"role": "robot"}]), "messages[0]", "unknown role 'robot'", "try: system, developer")
        self.refused("encode", json.dumps([user, tool]), "messages[1]", "follows no tool call", "try: ")
        self.refused("encode", json.dumps({"messages": [user, tool], "tools": [v32.TOOL]}), "messages[2] (counting the system message that was put first)")
        self.refused("encode", json.dumps([user]), "unknown format 'v4'", "known: deepseek_v32", options=["--format", "v4"])
        self.refused("encode", json.dumps([user]), "cannot open", options=["--tools", "absent.json"])
        self.refused("parse", "no end", "completion, byte 6", status=1)
        self.refused("parse", "x" + v32.EOS + "\n", "completion, byte 1: the completion goes on after its end", status=1)
        self.refused("parse", "x" + v32.EOS, "does not end in </think>", options=["--thinking"], status=1)
