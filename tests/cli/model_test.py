"""The embedded engine by hand: a small random checkpoint made, looked at, and played from messages to a parsed reply."""

import json
import math

from tests.cli.driver import CliTest

MESSAGES = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "Where is the cave? <|x|> 洞"}]
TOOLS = [{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {}}}}]


class ModelTest(CliTest):
    def make(self, name="checkpoint", *options):
        self.assay("model", "make", "--out", name, "--preset", "tiny", "--seed", "5", *options)
        return name

    def test_messages_become_a_prompt_tokens_text_and_a_message_again(self):
        checkpoint = self.make()
        prompt = self.assay("model", "encode", "--thinking", stdin=json.dumps({"messages": MESSAGES, "tools": TOOLS})).stdout
        self.assertTrue(prompt.endswith("<｜Assistant｜><think>"), prompt[-60:])
        tokens = json.loads(self.assay("model", "tokenize", checkpoint, stdin=prompt).stdout)
        self.assertEqual(self.assay("model", "tokenize", checkpoint, "--decode", stdin=json.dumps(tokens)).stdout, prompt)
        generated = self.json("model", "generate", checkpoint, "--max-tokens", "24", "--seed", "9", stdin=prompt)
        self.assertEqual(generated["prompt_tokens"], len(tokens))
        self.assertLessEqual(len(generated["tokens"]), 24)
        self.assertTrue(all(value <= 0 for value in generated["log_probabilities"]))
        again = self.assay("model", "generate", checkpoint, "--max-tokens", "24", "--seed", "9", "--chunk", "7", "--jobs", "1", "--json", stdin=prompt).stdout
        self.assertEqual(json.loads(again)["tokens"], generated["tokens"], "neither chunks nor threads change the text of a seed")
        other = self.json("model", "generate", checkpoint, "--max-tokens", "24", "--seed", "10", stdin=prompt)
        self.assertNotEqual(other["tokens"], generated["tokens"])
        parsed = self.assay("model", "parse", "--thinking", stdin="It is far.</think>Look!<｜end▁of▁sentence｜>").stdout
        message = json.loads(parsed)
        self.assertEqual((message["reasoning_content"], message["content"]), ("It is far.", "Look!"))
        # What random weights say is no message; the parser says why.
        done = self.assay("model", "parse", "--thinking", stdin=generated["text"], status=1)
        self.assertIn("completion, byte", done.stderr)

    def test_logits_of_every_row_the_last_row_and_what_led_to_them(self):
        checkpoint = self.make()
        tokens = list(range(3, 60))
        logits = json.loads(self.assay("model", "logits", checkpoint, stdin=json.dumps(tokens)).stdout)["logits"]
        self.assertEqual(len(logits), len(tokens))
        self.assertTrue(all(math.isfinite(value) for row in logits for value in row))
        last = json.loads(self.assay("model", "logits", checkpoint, "--last", "--chunk", "5", stdin=json.dumps(tokens)).stdout)["logits"]
        self.assertEqual(last, logits[-1:])
        for backend in ("reference", "avx2"):
            other = json.loads(self.assay("model", "logits", checkpoint, "--last", "--backend", backend, "--cache", "f32", stdin=json.dumps(tokens)).stdout)
            self.assertEqual(other["backend"], backend)
            scale = max(abs(value) for value in logits[-1])
            self.assertLess(max(abs(a - b) for a, b in zip(other["logits"][0], logits[-1])), 0.25 * scale)
        traced = json.loads(self.assay("model", "logits", checkpoint, "--trace", stdin=json.dumps(tokens)).stdout)
        self.assertEqual(traced["logits"], logits, "looking changes nothing")
        layers = traced["layers"]
        self.assertEqual([len(layer["hidden"]) for layer in layers], [len(tokens)] * len(layers))
        self.assertEqual(len(layers[0]["selected"][-1]), 32, "the tiny model selects 32 tokens")
        self.assertEqual([len(layer["experts"]) for layer in layers], [0, len(tokens), len(tokens)])
        forced = {"tokens": tokens, "selected": [layer["selected"] for layer in layers], "experts": [layer["experts"] for layer in layers]}
        again = json.loads(self.assay("model", "logits", checkpoint, stdin=json.dumps(forced)).stdout)["logits"]
        self.assertEqual(again, logits, "its own choices forced on it change nothing")

    def test_errors_say_what_is_wrong_and_what_to_try(self):
        checkpoint = self.make()

        def refused(*arguments, stdin="[1,2,3]", status=2):
            done = self.assay("model", *arguments, stdin=stdin, status=status)
            self.assertTrue(done.stderr.startswith("assay: "), done.stderr)
            return done.stderr

        self.assertIn("unknown backend 'cuda'", refused("logits", checkpoint, "--backend", "cuda"))
        self.assertIn("reference", refused("logits", checkpoint, "--backend", "cuda"))
        self.assertIn("cache format", refused("logits", checkpoint, "--cache", "f64"))
        self.assertIn("outside the vocabulary", refused("logits", checkpoint, stdin="[1,999999]"))
        self.assertIn("no tokens", refused("logits", checkpoint, stdin="[]"))
        self.assertIn("positions", refused("logits", checkpoint, "--last", stdin=json.dumps([3] * 5000)))
        self.assertIn("list of layers", refused("logits", checkpoint, stdin='{"tokens":[3],"selected":7}'))
        self.assertIn("known: experts, selected, tokens", refused("logits", checkpoint, stdin='{"tokens":[3],"select":[]}'))
        self.assertIn("nowhere", refused("logits", "nowhere"))
        self.assertIn("positions", refused("generate", checkpoint, stdin="x" * 5000))
        for name in ("config.json", "tokenizer.json"):
            path = self.folder / checkpoint / name
            original = path.read_bytes()
            path.write_bytes(original[: len(original) // 2])
            self.assertIn(name, refused("generate", checkpoint, stdin="hello"))
            path.write_bytes(original)
        tokenizer = json.loads((self.folder / checkpoint / "tokenizer.json").read_text())
        tokenizer["added_tokens"].append({"id": 5000, "content": "<extra>", "special": True})
        (self.folder / checkpoint / "tokenizer.json").write_text(json.dumps(tokenizer))
        self.assertIn("5000", refused("generate", checkpoint, stdin="hello"))
