"""assay model tokenize with the small tokenizers of tests/engine/tokenizer."""

import json
import os
import pathlib

from tests.cli.driver import CliTest

DATA = pathlib.Path(os.environ.get("ASSAY_SOURCE", "."), "tests/engine/tokenizer/data").resolve()


class TokenizeTest(CliTest):
    def tokenize(self, *arguments, kind="llama3", **options):
        return self.assay("model", "tokenize", DATA / f"{kind}.tokenizer.json", *arguments, **options)

    def test_any_text_comes_back_byte_for_byte(self):
        for text in json.loads((DATA / "texts.json").read_text(encoding="utf-8"))[::9]:
            ids = self.tokenize(stdin=text.encode()).stdout
            self.assertEqual(self.tokenize("--decode", stdin=ids).stdout, text.encode())

    def test_json_shows_every_token(self):
        shown = json.loads(self.tokenize("--json", "--add-special", stdin="yesterday 😀".encode()).stdout)
        self.assertEqual(shown["tokens"], [piece["id"] for piece in shown["pieces"]])
        self.assertEqual(shown["pieces"][0], {"id": shown["tokens"][0], "token": "<|begin_of_text|>", "text": "<|begin_of_text|>", "special": True})
        self.assertTrue(all(piece["text"] for piece in shown["pieces"]))
        decoded = json.loads(self.tokenize("--json", "--decode", "--leave-out-special", stdin=json.dumps({"tokens": shown["tokens"]})).stdout)
        self.assertEqual(decoded, {"text": "yesterday 😀"})

    def test_bad_input_is_said(self):
        for arguments, stdin, message in [
            ((), b"a\xff", "standard input: not UTF-8 at byte 1"),
            (("--decode",), b"[1,2,99999]", "there is no token of the id 99999 at place 2"),
            (("--decode",), b"[1,-2]", "there is no token of the id -2 at place 1"),
            (("--decode",), b"[1,2.5]", "there is no token of the id 2.5 at place 1"),
            (("--decode",), b"7", "expected [1,2,3]"),
            (("--decode",), b"[1,2", "not JSON at byte"),
        ]:
            done = self.tokenize(*arguments, stdin=stdin, status=2)
            self.assertEqual(done.stdout, b"")
            self.assertIn(message, done.stderr.decode())
