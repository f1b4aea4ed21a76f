"""Writes engine/tokenizer/stand_ins.inc and tests/engine/tokenizer/data/categories.txt from what Hugging Face tokenizers sees.

    python3 make_stand_ins.py      (tokenizers 0.23, and a Python whose unicodedata is of Unicode 14, as PCRE2 10.42 is)

A stand-in has the same general category and the same length in UTF-8; ideographs get an ideograph. categories.txt has the
general category of every character as a run "first last category", those of unassigned ones (Cn) left out.
"""

import pathlib
import unicodedata

from tokenizers import Regex, pre_tokenizers

HERE = pathlib.Path(__file__).parent
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co".split()
CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
IDEOGRAPHS = (0x2B739, 0x2EBF0, 0x31350)


def seen_categories():
    """The general category of every assigned character, as the library's expressions tell it."""
    seen = {}
    text = "".join(map(chr, CODES))
    for category in CATEGORIES:
        split = pre_tokenizers.Split(Regex(r"\p{%s}" % category), "removed", invert=True)
        for piece, _ in split.pre_tokenize_str(text):
            for character in piece:
                assert ord(character) not in seen
                seen[ord(character)] = category
    return seen


def runs(values):
    """(first, last, value) for each run of neighbouring codes with one value; `values` is sorted by code."""
    found = []
    for code, value in values:
        if found and found[-1][1] == code - 1 and found[-1][2] == value:
            found[-1][1] = code
        else:
            found.append([code, code, value])
    return found


def main():
    assert unicodedata.unidata_version == "14.0.0"
    seen = seen_categories()
    known = {code: unicodedata.category(chr(code)) for code in CODES}
    oldest = {}
    for code in CODES:
        if seen.get(code) == known[code]:
            oldest.setdefault((known[code], len(chr(code).encode())), code)
    newer = runs((code, seen[code]) for code in CODES if seen.get(code, "Cn") != known[code])
    lines = []
    for first, last, category in newer:
        stand_in = 0x20000 if first in IDEOGRAPHS else oldest[category, len(chr(first).encode())]
        lines.append("    {0x%x, 0x%x, 0x%x}," % (first, last, stand_in))
    (HERE / "../../../engine/tokenizer/stand_ins.inc").write_text("\n".join(lines) + "\n")
    (HERE / "data").mkdir(exist_ok=True)
    table = runs(sorted(seen.items()))
    (HERE / "data/categories.txt").write_text("".join("%x %x %s\n" % (first, last, category) for first, last, category in table))


if __name__ == "__main__":
    main()
