"""The embedded engine by hand: a small random checkpoint made, looked at, and played from messages to a parsed reply."""

import json
import math
import re

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

    def test_a_schema_is_kept_to_whatever_the_weights_say(self):
        self.assay("model", "make", "--out", "tiny")
        schema = {"type": "object", "additionalProperties": False, "required": ["city", "stars"],
                  "properties": {"city": {"enum": ["Suzhou", "Nanjing"]}, "stars": {"type": "integer", "minimum": 1, "maximum": 5},
                                 "notes": {"type": "array", "items": {"type": "string"}}}}
        (self.folder / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
        for seed in range(5):
            told = self.json("model", "generate", "tiny", "--prompt", "x", "--schema", "schema.json", "--max-tokens", "90", "--seed", seed)
            value = json.loads(told["text"].removesuffix("<｜end▁of▁sentence｜>"))
            self.assertEqual(told["stop"], "stop")
            self.assertIn(value["city"], ("Suzhou", "Nanjing"))
            self.assertIn(value["stars"], range(1, 6))
            self.assertTrue(all(isinstance(note, str) for note in value.get("notes", [])))
            self.assertTrue(all(0 < kept < 263 for kept in told["kept"]))
        self.assertIn("--max-tokens", self.fails("model", "generate", "tiny", "--prompt", "x", "--schema", "schema.json", "--max-tokens", "9")[1])
        (self.folder / "schema.json").write_text('{"type": "string", "format": "date"}', encoding="utf-8")
        self.assertIn('"format"', self.fails("model", "generate", "tiny", "--prompt", "x", "--schema", "schema.json")[0])

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

    def test_presets_and_any_config_make_checkpoints_that_are_whole(self):
        listed = {preset["name"]: preset for preset in self.json("model", "make", "--list")["presets"]}
        self.assertIn("tiny", self.assay("model", "make", "--list").stdout)
        for name, preset in listed.items():
            if preset["parameters"] > 2_000_000:
                continue
            for dtype in ("f32", "bf16", "fp8"):
                made = self.json("model", "make", "--out", f"{name}-{dtype}", "--preset", name, "--dtype", dtype, "--shard-size", "400kB")
                self.assertEqual((made["weights"], made["parameters"]), ("random", preset["parameters"]))
                self.assertEqual(made["shards"], math.ceil(made["bytes"] / 400_000))
                told = self.json("model", "check", f"{name}-{dtype}", "--values", "--tokens", "1000")
                self.assertEqual([told[key] for key in ("parameters", "tensors", "bytes", "files", "values_checked")],
                                 [made["parameters"], made["tensors"], made["bytes"], made["shards"], True])
                self.assertEqual(told["memory"]["tokens"], 1000)
        (self.folder / "mine.json").write_text(json.dumps(told["config"] | {"vocab_size": 77, "eos_token_id": 1}))
        said = self.assay("model", "make", "--out", "mine", "--config", "mine.json", "--shards", "2", "--seed", "8").stdout
        self.assertIn("random weights of seed 8", said)
        self.assertIn("too small for a tokenizer", said)
        said = self.assay("model", "check", "mine").stdout
        self.assertIn("none missing", said)
        self.assertIn("of cache for 4,096 tokens", said)

    def test_nothing_is_written_over_and_nothing_impossible_begun(self):
        self.make("taken")
        for arguments, problem in [(("--out", "taken"), "not empty"), (("--out", "new", "--shards", "0"), "--shards"), (("--out", "new", "--shards", "107"), "1 to 106"),
                                   (("--out", "new", "--preset", "tinny"), "tiny"), (("--out", "new", "--dtype", "int4"), "known: f32, bf16, fp8"),
                                   (("--out", "new", "--config", "none.json"), "none.json"), ((), "no directory"),
                                   (("--out", "new", "--preset", "tiny", "--config", "taken/config.json"), "excludes")]:
            message, _ = self.fails("model", "make", *arguments)
            self.assertIn(problem, message)
            self.assertFalse((self.folder / "new").exists(), arguments)

    def test_a_checkpoint_that_differs_is_told_tensor_by_tensor(self):
        checkpoint = self.folder / self.make()
        config = json.loads((checkpoint / "config.json").read_text())
        (checkpoint / "config.json").write_text(json.dumps(config | {"v_head_dim": 40, "attention_bias": True}))
        said = self.assay("model", "check", checkpoint, status=2).stdout
        self.assertRegex(said, r"model\.layers\.2\.self_attn\.o_proj\.weight +misshapen +\[136, 128\] +\[136, 160\]")
        self.assertRegex(said, r"model\.layers\.0\.self_attn\.q_a_proj\.bias +missing")
        told = self.json("model", "check", checkpoint, status=2)
        self.assertEqual(len(told["problems"]), 15)
        self.assertIn("9 missing", told["error"]["message"])
        self.assertIn("6 misshapen", told["error"]["message"])

    def test_memory_is_named_before_anything_is_loaded(self):
        message, hint = self.fails("model", "check", self.make(), "--tokens", "9000000000000000", status=1)
        self.assertIn("of memory", message)
        self.assertIn("fewer tokens", hint)

    def test_broken_weights_are_found_by_check_and_by_all_that_load_them(self):
        checkpoint = self.folder / self.make("checkpoint", "--dtype", "f32")
        weights = bytearray((checkpoint / "model.safetensors").read_bytes())
        weights[-4:] = b"\x00\x00\xc0\x7f"   # lm_head.weight comes last
        (checkpoint / "model.safetensors").write_bytes(weights)
        self.assertIn("none missing", self.assay("model", "check", checkpoint).stdout)
        self.assertIn("lm_head.weight [262, 135] is NaN", self.fails("model", "check", checkpoint, "--values")[0])
        for verb, text in (("logits", "[1,2]"), ("generate", "hello")):
            self.assertIn("lm_head.weight [262, 135] is NaN", self.assay("model", verb, checkpoint, stdin=text, status=2).stderr)

    def test_errors_say_what_is_wrong_and_what_to_try(self):
        checkpoint = self.make()

        def refused(*arguments, stdin="[1,2,3]", status=2):
            done = self.assay("model", *arguments, stdin=stdin, status=status)
            self.assertTrue(done.stderr.startswith("assay: "), done.stderr)
            return done.stderr

        self.assertIn("unknown backend 'avx3'", refused("logits", checkpoint, "--backend", "avx3"))
        self.assertIn("reference", refused("logits", checkpoint, "--backend", "avx3"))
        if re.search(r"GPU +no", self.assay("doctor").stdout):
            self.assertIn("use the CPU", refused("logits", checkpoint, "--backend", "cuda"))
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
