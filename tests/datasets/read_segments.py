"""Reads the segments of a store by datasets/SEGMENTS.md alone; Python's standard library and libzstd.

    python3 read_segments.py STORE

prints one JSON line a record, start to end of every segment: segment, offset, kind, and either id and record, or damaged. A line with
`torn` instead says where no whole record stands; it is the last of its segment. A last line counts the rows of the database that point to
a record that was read, and names those that do not.
"""

import ctypes
import hashlib
import json
import pathlib
import sqlite3
import struct
import sys

KINDS = {1: "environment", 2: "task", 3: "certificate", 4: "rollout", 5: "tokens"}
HEADER = struct.Struct("<4sIII")
MOST_BYTES = 268_435_456

zstd = ctypes.CDLL("libzstd.so.1")
zstd.ZSTD_decompress.restype = zstd.ZSTD_findFrameCompressedSize.restype = ctypes.c_size_t
zstd.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong


class Damaged(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Damaged(what)


def decompress(payload, size):
    length = ctypes.c_size_t(len(payload))
    need(zstd.ZSTD_getFrameContentSize(payload, length) == size, "content size")
    need(zstd.ZSTD_findFrameCompressedSize(payload, length) == len(payload), "frame size")
    # Bit 2 of the frame's descriptor: the frame ends with a checksum.
    need(payload[4] & 0b00011111 == 0b00000100, "frame descriptor")
    text = ctypes.create_string_buffer(max(size, 1))
    need(zstd.ZSTD_decompress(text, ctypes.c_size_t(size), payload, length) == size, "contents")
    return text.raw[:size]


class Numbers:
    """What stands in the text of a record of tokens, from the front."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def bytes(self, size):
        need(self.at + size <= len(self.text), "it ends early")
        self.at += size
        return self.text[self.at - size:self.at]

    def number(self):
        value = shift = 0
        while True:
            byte = self.bytes(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                need(byte or not shift, "a number in a longer form")
                return value
            shift += 7
            need(shift < 63, "a number too large")

    def numbers(self, count):
        return [self.number() for _ in range(count)]

    def words(self, count):
        planes = self.bytes(4 * count)
        return [sum(planes[plane * count + i] << 8 * plane for plane in range(4)) for i in range(count)]

    def packed(self, count, bits):
        held = int.from_bytes(self.bytes((count * bits + 7) // 8), "little")
        need(held >> count * bits == 0, "bits after the last expert")
        # In blocks: shifting one long number once for each value would be quadratic.
        out, block = [], 8 * bits
        for start in range(0, count * bits, block):
            part = held >> start & (1 << block) - 1
            out += [part >> shift & (1 << bits) - 1 for shift in range(0, block, bits)]
        return out[:count]


def floats(words):
    return list(struct.unpack(f"<{len(words)}f", struct.pack(f"<{len(words)}I", *words)))


def kept_set(numbers, count):
    tokens, least = [], 0
    for _ in range(count):
        tokens.append(least + numbers.number())
        least = tokens[-1] + 1
    return tokens


def chunks(values, size):
    return [values[i:i + size] for i in range(0, len(values), size)] if size else []


def read_turn(numbers, layers, each, bits):
    turn = {"shared": numbers.number(), "prompt": numbers.numbers(numbers.number()), "sampled": numbers.numbers(numbers.number())}
    sampled = len(turn["sampled"])
    words = numbers.words(sampled)
    turn["log_probabilities"] = floats(words)
    turn["full_log_probabilities"] = floats([a ^ b for a, b in zip(words, numbers.words(sampled))])
    turn["kept"] = [kept_set(numbers, count) for count in numbers.numbers(sampled)]
    start = numbers.number() if layers else 0
    turn |= {"expert_layers": layers if start else 0, "experts_per_token": each if start else 0, "experts_from": max(start - 1, 0), "experts": []}
    if start:
        rows = turn["shared"] + len(turn["prompt"]) + sampled - 1 - turn["experts_from"]
        need(rows >= 0, "experts after the last token")
        turn["experts"] = [chunks(row, each) for row in chunks(numbers.packed(rows * layers * each, bits), layers * each)]
    for name in ("policy_version", "selection_digest"):
        turn[name] = numbers.bytes(numbers.number()).decode()
    return turn


def read_tokens(text):
    numbers = Numbers(text)
    need(numbers.number() == 1, "a version that this reader does not know")
    rollout = numbers.bytes(32).hex()
    layers = numbers.number()
    each, bits = (numbers.number(), numbers.number()) if layers else (0, 0)
    turns = [read_turn(numbers, layers, each, bits) for _ in range(numbers.number())]
    need(turns and numbers.at == len(text), "it does not end with its last turn")
    return rollout, turns


def read_text(kind, text):
    """(id, record)."""
    if kind == 5:
        return read_tokens(text)
    record = json.loads(text)
    if kind != 4:
        return hashlib.sha256(text).hexdigest(), record
    named = json.dumps({name: record[name] for name in ("policy", "sample", "seed", "task")}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    need(hashlib.sha256(named.encode()).hexdigest() == record["id"], "the id of another rollout")
    return record["id"], record


def read_segment(path):
    data, at = path.read_bytes(), 0
    while at < len(data):
        magic, kind, payload, size = HEADER.unpack(data[at:at + HEADER.size].ljust(HEADER.size, b"\0"))
        end = at + HEADER.size + payload
        line = {"segment": path.stem, "offset": at, "kind": KINDS.get(kind, kind)}
        if magic != b"ASR1" or size > MOST_BYTES or end > len(data):
            yield {"segment": path.stem, "torn": at, "of": len(data)}
            return
        try:
            if kind in KINDS:
                line["id"], line["record"] = read_text(kind, decompress(data[at + HEADER.size:end], size))
        except (Damaged, ValueError, KeyError) as error:
            line["damaged"] = str(error)
        yield line
        at = end


def main(store):
    read = {}
    for path in sorted(pathlib.Path(store + ".segments").glob("*.segment")):
        for line in read_segment(path):
            print(json.dumps(line))
            if "id" in line:
                read[line["segment"], line["offset"], line["kind"]] = line["id"]
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    rows = [(kind, *row) for kind in KINDS.values() for row in database.execute(
        f"SELECT i.id, s.name, i.offset FROM {kind} i JOIN segment s ON s.number = i.segment")]
    lost = [f"{kind} {name}" for kind, name, segment, offset in rows if read.get((pathlib.Path(segment).stem, offset, kind)) != name]
    print(json.dumps({"rows": len(rows), "lost": sorted(lost)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
