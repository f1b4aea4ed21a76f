"""Writes data/: small tokenizers of several kinds, and what Hugging Face tokenizers makes of hard texts with them.

    python3 make_golden.py        (tokenizers 0.23)

All text is ours. The expressions that cut words are those of the models they are named after (see NOTICE). Files:

    data/NAME.tokenizer.json    a tokenizer of about 600 tokens, trained on TRAINING
    data/texts.json             the hard texts
    data/NAME.golden.json       ids: of each text; decoded: where it differs from the text (by number); templated: ids of the first
                                text with special tokens added; random: [ids, text, text without special tokens];
                                words: the bytes of each word of each normalised text, for byte-level ones
    data/words.json             [pre_tokenizer, text, words]
    data/added.json             a tokenizer.json with added tokens of all kinds, and [text, ids]
    data/unknown.json           [a tokenizer.json without byte tokens, [text, ids]], with unknown characters one by one and fused
"""

import json
import pathlib
import random

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

DATA = pathlib.Path(__file__).parent / "data"

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = [
    r"\p{N}{1,3}",
    r"[一-龥぀-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]

TRAINING = [
    "The engine reads a prompt, chooses the tokens that matter and answers the question it was asked.",
    "We're sure that they'll say it's theirs; I'm not, and you'd better check what he's done and she's seen.",
    "WE'RE NOT SHOUTING, IT'S JUST THE HEADING. They've been here before, haven't they?",
    "def encode(self, text: str) -> list[int]:\n    ids = []\n    for word in self.words(text):\n        ids.extend(self.merge(word))\n    return ids\n",
    "#include <vector>\nint main() {\n  std::vector<int> values{1, 2, 3};\n  for (const int value : values) total += value;\n  return total == 6 ? 0 : 1;\n}\n",
    "SELECT city, COUNT(*) AS hotels FROM hotel WHERE price < 1200 AND rating >= 4.5 GROUP BY city ORDER BY hotels DESC;",
    "{\"name\": \"search\", \"arguments\": {\"query\": \"train from Hangzhou to Shanghai\", \"limit\": 10}}",
    "今天我们去杭州看西湖，明天坐火车去上海。酒店的价格是每晚八百元，餐厅的评分是四点五。",
    "模型读取提示，选择重要的词元，然后回答问题。我们检查答案是否正确。",
    "東京から大阪まで新幹線で二時間半かかります。ホテルは駅の近くにあります。",
    "서울에서 부산까지 기차로 세 시간이 걸립니다.",
    "Поезд из Москвы в Казань идёт двенадцать часов. Гостиница находится рядом с вокзалом.",
    "Der Zug fährt über Köln und München; die Straße ist gesperrt. L'été dernier, nous avons mangé à la crêperie.",
    "القطار من القاهرة إلى الإسكندرية يستغرق ساعتين ونصف.",
    "रेलगाड़ी दिल्ली से आगरा तक दो घंटे लेती है।",
    "In 2025 there were 1,234,567 requests; 98.6% finished in 12 ms, the slowest took 3.75 seconds (± 0.02).",
    "   indented by three\n\tand by a tab\r\nwith a carriage return\n\n\nand three line feeds    and four spaces",
    "👍 fine, 😀 glad, 👩‍💻 at work, ❤️ red, 🇩🇪 flag",
]

HARD = [
    "", " ", "  ", "\n", "\r\n", "\r", "\t", "a", " a", "a ", "\u00a0", "\u3000", "\u200b", "\ufeff", "\x00", "\x00\x01\x02\x1b[0m\x7f", "\x85", "\u180e \u180ea",
    "The quick brown fox jumps over the lazy dog.", "the engine", "  the   engine  ", "We're, WE'RE, we’re; it'S it's IT'S 'twas 'tis", "'s't're've'm'll'd", "'S'T'RE'VE'M'LL'D", "don't won't can't I'd've",
    "'ſ 'ſa K'K", "0", "12", "123", "1234", "12345", "123456", "1234567", "1,234,567.89", "0x1F600", "3.14159265358979323846264338327950288", "١٢٣٤٥ ۱۲۳ १२३४ 一二三四 ⅣⅤ ½¾ ²³ ①②",
    "1" * 97, "a1b22c333d4444", " 1 22  333", "2025-10-01T12:34:56+08:00",
    "a  b   c    d     e", " " * 40, " " * 40 + "x", "x" + " " * 40, "\n" * 9, "\n\n\n x", " \n \n \n", "\r\n\r\n\r\n", "a\r\nb\rc\nd", "a \r\n b", "\t\tx\t\ty\t", " \t \n\t ", "\u2028\u2029", "a\u2028b\u2029c", "\u2003\u2003x\u2009y", "trailing \n", "trailing\n ",
    "你好，世界！", "今天天气很好。 明天呢？", "中文English混排123和ＡＢＣ，全角。", "東京タワーとカタカナとひらがな", "ｶﾞｷﾞｸﾞ ヷヸ ゝゞ 々〆〇", "한국어 테스트입니다", "\u1112\u1161\u11ab\u1100\u1173\u11af 한글", "繁體中文與简体中文", "㐀㐁㐂 𠀀𠀁𠀂 \U0002a6d6 \U00030000", "龥龦龧 一龥", "中文鿿a 中ヿ文 中゠文 中぀文 中\u3040文 㐀中 中\u30fb文\u30fa",
    "Привет, мир! Ёжик", "Ελληνικά ΣΊΣΥΦΟΣ ς", "العَرَبِيَّةُ ١٢٣", "עִבְרִית שָׁלוֹם", "हिन्दी क्षत्रिय", "ภาษาไทยไม่มีช่องว่าง", "བོད་ཡིག", "தமிழ் নমস্কার ગુજરાતી", "ქართული ՀԱՅԵՐԵՆ", "አማርኛ ᏣᎳᎩ ᓄᓇᕗᑦ", "𝔉𝔯𝔞𝔨𝔱𝔲𝔯 𝟘𝟙𝟚 ﬁ ﬂ ﬀ", "yesterday and yesterday's yesterdays", "Dz ǅ ǲ ʰʷ ª º",
    "café cafe\u0301 e\u0301\u0327 \u0301alone", "a\u0308o\u0308u\u0308 A\u030a \u212b \u2126 \u1e9b\u0323", "Z\u0351\u036b\u0343\u0328a\u0338l\u0334g\u0321o\u0322", "ñ n\u0303 ṇ̀", "ﷺ ﷽", "\u0958\u09dc \u0f43 \U0001d15e \ufb1d \u2adc",
    "😀", "😀😀😀", " 😀", "👨‍👩‍👧‍👦", "👩🏽‍🚀👩🏿‍❤️‍💋‍👨🏻", "🇩🇪🇫🇷🇨🇳", "1️⃣2️⃣#️⃣", "☺️☺︎", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "text😀text 😀 text", "\U0001fa77 \U0001fae8\U0001fae8 x\U0001fad8 \U0001fadf", "\U0001f6dc\U0001fac6",
    "\u0897\u1c89\ua7cb \U00010d50\U00010d70 \U00011f50 \U000113b8a \U00016d40 \U0002ebf0\U00031350", "\u0378\u0380 \U000e0fff", "\ue000\uf8ff \U000f0000 \U0010ffff", "\ufffe\uffff \ufdd0",
    "\ufffd\ufffd \ufffda", "Ã© â€œmojibakeâ€\u009d", "%E4%BD%A0 &amp; &#x4F60; \\u4f60 \\xff", "<0x0A><0x41> <0xFF>", "Ġthe Ċ ĉ Ā", "▁the▁engine ▁ ▁▁", "Ġ ▁ \u0120\u010a",
    "<|endoftext|>", "a<|endoftext|>b", "a <|endoftext|> b <|endoftext|><|endoftext|>", "<|endoftext|", "<|<|endoftext|>|>", "<|ENDOFTEXT|>", "<|endo ftext|>", "< |endoftext|>", "<｜begin▁of▁sentence｜>Hi<｜end▁of▁sentence｜>", "<think>no</think><think></think", "<<think>>", "｜DSML｜function_calls", "<｜DSML｜invoke name=\"x\">",
    "for (int i = 0; i < n; ++i) {\n    a[i] += b[i] * 2;  // twice\n}\n", "def f(x):\n\treturn {k: v for k, v in x.items() if v}\n", "x=y;z+=1;a->b::c<d>();", "https://example.org/a/b?c=d&e=%20f#g", "/usr/local/bin/../lib*.so.6 C:\\Windows\\x", "a_b __init__ $x @y #z !w ~v `u`", "{\"a\":[1,2,{\"b\":null}],\"c\":\"\\u00e9\"}", "|---|:-:|\n| a | b |", "\\frac{1}{2} \\sum_{i=0}^{n} x_i^2", "[!] (?) {~} \\] ^_^ -- ... !!! ??? ---\n\n***\n", "a.b,c;d:e!f?g", "...and", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "!abc #include @user -flag /path \\cmd [x ]y ^z `q {r |s }t ~u",
    "“quotes” ‘single’ «guillemets» —dash– …", "€100 £50 ¥1000 ₹5 $3.50", "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋ ≠ ∞ → ±√2", "™®©°†‡•", "a\u00adb soft", "a\u200db\u200cc\u2060d", "\u202eRTL\u202c \u2066x\u2069",
    "a" * 200, "ab" * 100, "supercalifragilisticexpialidocious" * 6, "é" * 60, "中" * 80, "😀" * 30, "=" * 120, "-_" * 50, ".\n" * 30, "aA" * 40, "HTTPServerErrorXMLParser camelCaseWords UPPERlower", "Iñtërnâtiônàlizætiøn ÀÉÎÕÜ",
    "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "d41d8cd98f00b204e9800998ecf8427e", "MiXeD cAsE 'LL 'Ve", "hello\u0000world", "a\u0300\u0301\u0302\u0303\u0304\u0305b", "\n'\n's\n", "^a ]b \\c `d _e", "x'" * 20, "' s ' t", "é's ñ'll 中's",
]

ALPHABET = list("aeiost THE'sdm0123456789 \t\n\r.,;<>|_-/\\#\"") + [
    "the", " the", " in", "'ll", "'RE", "  ", "    ", "\n\n", "\r\n", "中", "文", "。", "，", "の", "ア", "한", "é", "e\u0301", "\u0301", "ß", "я", "ع", "\u0651", "क", "\u094d", "ก", "😀", "\u200d", "\ufe0f", "\u00a0", "\u3000", "\u2028",
    "\u180e", "½", "²", "①", "١", "\U0001fa77", "𠀀", "\ue000", "\u0378", "\ufffd", "<|endoftext|>", "<think>", "K", "ǅ", "ʰ", "_", "$", "+", "\x00", "\x1b",
]


def texts():
    draw = random.Random(20251)
    return HARD + ["".join(draw.choice(ALPHABET) for _ in range(draw.randint(1, 40))) for _ in range(60)]


def byte_level():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_bpe(pre_tokenizer, special, size=620):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    return tokenizer


def gpt2():
    return byte_bpe(pre_tokenizers.ByteLevel(add_prefix_space=False), ["<|endoftext|>"])


def llama3():
    tokenizer = byte_bpe(pre_tokenizers.Sequence([split(LLAMA3), byte_level()]), [])
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|endoftext|>"])
    bos = tokenizer.token_to_id("<|begin_of_text|>")
    template = processors.TemplateProcessing(single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", bos)])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    return tokenizer


def deepseek():
    steps = [split(pattern) for pattern in DEEPSEEK]
    tokenizer = byte_bpe(pre_tokenizers.Sequence(steps + [byte_level()]), ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"])
    tokenizer.add_special_tokens(["<｜User｜>", "<｜Assistant｜>"])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in ("<think>", "</think>", "｜DSML｜")])
    return tokenizer


def qwen():
    tokenizer = byte_bpe(pre_tokenizers.Sequence([split(QWEN2), byte_level()]), [])
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("A\u030a", normalized=True)])
    return tokenizer


def o200k():
    tokenizer = byte_bpe(pre_tokenizers.Sequence([split(O200K), byte_level()]), ["<|endoftext|>"])
    return tokenizer


def sentencepiece():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    bytes_ = ["<0x%02X>" % byte for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=640, special_tokens=["<unk>", "<s>", "</s>"] + bytes_, max_token_length=12, show_progress=False)
    tokenizer.train_from_iterator(TRAINING[:9], trainer)  # other scripts are left to the byte tokens
    # Byte tokens are ordinary tokens of the model.
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = document["added_tokens"][:3]
    document["post_processor"] = json.loads(processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]).__getstate__())
    return Tokenizer.from_str(json.dumps(document))


def document_of(name, tokenizer):
    document = json.loads(tokenizer.to_str())
    if name == "gpt2":  # as old files have it
        document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
        del document["model"]["type"], document["pre_tokenizer"]["use_regex"], document["model"]["ignore_merges"]
    if name == "llama3":
        document["model"]["ignore_merges"] = True
        # A word that the merges would not make; the added tokens come after it.
        document["model"]["vocab"]["Ġyesterday"] = len(document["model"]["vocab"])
        for token in document["added_tokens"]:
            token["id"] += 1
        document["post_processor"]["processors"][1]["special_tokens"]["<|begin_of_text|>"]["ids"][0] += 1
    return document


def random_ids(tokenizer, draw):
    cases = []
    for _ in range(40):
        ids = [draw.randrange(tokenizer.get_vocab_size()) for _ in range(draw.randint(1, 12))]
        cases.append([ids, tokenizer.decode(ids, skip_special_tokens=False), tokenizer.decode(ids)])
    return cases


def word_lengths(tokenizer, text):
    if tokenizer.pre_tokenizer is None:
        return []
    if tokenizer.normalizer:
        text = tokenizer.normalizer.normalize_str(text)
    return [len(word) for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]  # a character a byte


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (DATA / name).write_text(text + "\n", encoding="utf-8")


def golden(name, tokenizer):
    document = document_of(name, tokenizer)
    tokenizer = Tokenizer.from_str(json.dumps(document))
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts()]
    decoded = [tokenizer.decode(one, skip_special_tokens=False) for one in ids]
    write(name + ".tokenizer.json", document)
    write(name + ".golden.json", {
        "ids": ids,
        "decoded": {str(i): text for i, text in enumerate(decoded) if text != texts()[i]},
        "templated": tokenizer.encode("the engine").ids,
        "words": [word_lengths(tokenizer, text) for text in texts()],
        "random": random_ids(tokenizer, random.Random(20252)),
    })


def words():
    """Every pre-tokenizer and behaviour alone and in sequences."""
    sample = ["", "a", "--a--b---c-", "-", "one two  three ", " 12 ab345c٣½", "x1y22z", "日本語 テキスト", "a\U0001fa77b", "\n\na\n b"]
    steps = [{"type": "Digits", "individual_digits": True}, {"type": "Digits", "individual_digits": False}]
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            steps.append({"type": "Split", "pattern": {"String": "-"}, "behavior": behavior, "invert": invert})
            steps.append({"type": "Split", "pattern": {"Regex": r"\s|\p{S}"}, "behavior": behavior, "invert": invert})
    expressions = [r"(?<=-)[a-z]", r"[a-z](?=-)", r"(?<!-)-", r"[^a-c\d]++", r"a|-{2,}", r"\D+?\s", r"(?:ab|-)?[0-9]", r"\p{Han}+", r"\x2d\u0061|\x{62}", r".+", r"(?>-*)b", r"(?i:A|Z)"]
    steps += [{"type": "Split", "pattern": {"Regex": one}, "behavior": "Isolated", "invert": False} for one in expressions]
    sequences = [{"type": "Sequence", "pretokenizers": [a, b]} for a in steps[:6] for b in (steps[1], steps[7], steps[10])]
    cases = []
    for step in steps + sequences:
        document = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": step, "post_processor": None, "decoder": None,
                    "model": {"type": "BPE", "vocab": {}, "merges": []}}
        pre_tokenizer = Tokenizer.from_str(json.dumps(document)).pre_tokenizer
        cases += [[step, text, [word for word, _ in pre_tokenizer.pre_tokenize_str(text)]] for text in sample]
    prefixed = pre_tokenizers.Sequence([pre_tokenizers.Split("-", "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)])
    for text in sample:
        pieces = [word for word, _ in prefixed.pre_tokenize_str(text)]
        cases.append([json.loads(prefixed.__getstate__()), text, [decoders.ByteLevel().decode([word]) for word in pieces]])
    write("words.json", cases)


def added():
    """Added tokens: overlapping, stripping, whole words, normalised."""
    tokenizer = byte_bpe(pre_tokenizers.ByteLevel(add_prefix_space=True), [], size=280)
    tokenizer.normalizer = normalizers.Replace("X", "y")
    tokenizer.add_tokens([AddedToken("<m>", lstrip=True, normalized=False), AddedToken("<n>", rstrip=True, normalized=False), AddedToken("<o>", lstrip=True, rstrip=True, normalized=False),
                          AddedToken("ab", normalized=False), AddedToken("abc", normalized=False), AddedToken("bcd", normalized=False), AddedToken("word", single_word=True, normalized=False),
                          AddedToken("yXy", normalized=True), AddedToken("  ", normalized=False), AddedToken("é", normalized=False), AddedToken("wyy", normalized=True, single_word=True)])
    tokenizer.add_special_tokens([AddedToken("<s>", normalized=False)])
    samples = ["a <m> b", "a <n> b", "a \n\u3000<o>\t b", "<m><n><o>", " <m> <m> <n> <n> ", "ab abc abcd bcd abcbcd aab", "word", "a word, words sword word", "wordé éword word_ 1word _word-word ٣word wordक", "yyy yXy XXX yyyy", "   a  b", "é e", "<s><s>",
               "<o> <o>", "wyy wXX wyyy", "word<m>word", "xyyyx", "<n>  ab", "  <m>", "a\u0301word", "word\u200d", "word\U0001e4d0", "word\u24d0", "Ⓐword", "\U0001f150word", "word\U0001f1e6", "word①", "wordⅣ"]
    write("added.json", {"tokenizer": json.loads(tokenizer.to_str()), "cases": [[text, tokenizer.encode(text).ids] for text in samples]})


def unknown():
    written = []
    for fuse in (False, True):
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_next")
        tokenizer.decoder = decoders.Fuse()
        tokenizer.train_from_iterator(TRAINING[:3], trainers.BpeTrainer(vocab_size=100, special_tokens=["<unk>"], show_progress=False))
        samples = ["the engine", "日本", "the日本e語 日本 the", " 日 本", "日", "a<unk>b<unk><unk>日<unk>本"]
        written.append([json.loads(tokenizer.to_str()), [[text, tokenizer.encode(text).ids] for text in samples]])
    write("unknown.json", written)


def main():
    DATA.mkdir(exist_ok=True)
    write("texts.json", texts())
    for make in (gpt2, llama3, deepseek, qwen, o200k, sentencepiece):
        golden(make.__name__, make())
    words()
    added()
    unknown()
    print("tokenizers", tokenizers.__version__)


if __name__ == "__main__":
    main()
