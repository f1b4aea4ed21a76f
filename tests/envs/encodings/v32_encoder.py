"""DeepSeek-V3.2's message encoding once more, written from the description of the format alone and sharing nothing with the C++.

`python3 v32_encoder.py FOLDER` writes the committed goldens: for each conversation of CASES below, NAME.json (what `assay model
encode` reads) and NAME.thinking.txt and NAME.chat.txt (the exact prompts).
"""

import json
import pathlib
import random
import sys

BAR, BLOCK = "\uff5c", "\u2581"
BOS = f"<{BAR}begin{BLOCK}of{BLOCK}sentence{BAR}>"
EOS = f"<{BAR}end{BLOCK}of{BLOCK}sentence{BAR}>"
MARK = f"{BAR}DSML{BAR}"
TURN_TOKENS = (BOS, EOS, f"<{BAR}User{BAR}>", f"<{BAR}Assistant{BAR}>")


def dumps(value):
    return json.dumps(value, ensure_ascii=False)


def tag(element, inside, /, **attributes):
    """One DSML element. The opening tag's attributes keep their order."""
    opening = "".join(f' {key}="{text}"' for key, text in attributes.items())
    return f"<{MARK}{element}{opening}>{inside}</{MARK}{element}>"


def parameter(name, value):
    return tag("parameter", value if isinstance(value, str) else dumps(value), name=name, string="true" if isinstance(value, str) else "false")


def arguments_of(call):
    arguments = call["function"]["arguments"]
    return json.loads(arguments) if isinstance(arguments, str) else arguments


def calls(tool_calls):
    invokes = (tag("invoke", "\n" + "\n".join(parameter(*each) for each in arguments_of(call).items()) + "\n", name=call["function"]["name"])
               for call in tool_calls)
    return tag("function_calls", "\n" + "\n".join(invokes) + "\n")


def declarations(message, block):
    out = ""
    if message.get("tools"):
        lines = "\n".join(dumps(tool.get("function", tool)) for tool in message["tools"])
        before, after = block.split("{tool_schemas}")
        out += "\n\n" + before + lines + after
    if message.get("response_format") is not None:
        out += "\n\n## Response Format:\n\nYou MUST strictly adhere to the following schema to reply:\n" + dumps(message["response_format"])
    return out


def completion(message, thinking):
    """What the model writes to say this message."""
    out = (message.get("reasoning_content") or "") + "</think>" if thinking else ""
    out += message.get("content") or ""
    if message.get("tool_calls"):
        out += "\n\n" + calls(message["tool_calls"])
    return out + EOS


def encode(messages, thinking, block):
    """The prompt of a list of chat messages; `block` is the text of tools_block.txt."""
    asks = [i for i, message in enumerate(messages) if message["role"] in ("user", "developer")]
    last = asks[-1] if asks else -1
    pieces, calls_open, results = [BOS], 0, 0
    for i, message in enumerate(messages):
        text = message.get("content") or ""
        opening = "<think>" if thinking and i >= last else "</think>"
        if message["role"] == "system":
            pieces += [text, declarations(message, block)]
        elif message["role"] == "assistant":
            calls_open, results = len(message.get("tool_calls") or ()), 0
            pieces.append(completion(message, thinking and i > last))
        elif message["role"] == "tool":
            results += 1
            pieces += ["\n\n<function_results>"] * (results == 1) + [f"\n<result>{text}</result>"]
            pieces += ["\n</function_results>\n\n", opening] * (results == calls_open)
        else:
            spoken = text if message["role"] == "user" else declarations(message, block) + "\n\n# The user's message is: " + text
            pieces += [f"<{BAR}User{BAR}>", spoken, f"<{BAR}Assistant{BAR}>", opening]
    return "".join(pieces)


# ---- Conversations ----

PIECES = ["plain words", "two\nlines", "\n", "\n\n", "\t", "\"quoted\"", "'", "\\", "<b>", "</", f"</{BAR}DS", f"<{BAR}", "<", ">", ">\n", "&lt;", "{\"a\": 1}",
          "string=\"true\"", "\" string=\"", "杭州，西湖", "é", "\U0001f3e8", "\u2028", "\x7f", "\x01", "</result>", "</function_results>", "a", "  "]
NUMBERS = [0, 1, -7, 10**25, 0.1, -0.0, 1e-5, 1e-4, 123456.75, 1e15, 1e16, 1.5e300, 5e-324, 2.5, 100.0, True, False, None]
NAMES = ["city", "info_keywords", "x", "日期", "with space", "a\"b", "", "A-b_9"]


class Writer:
    """Random messages, as a function of the seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, most=6):
        return "".join(self.random.choice(PIECES) for _ in range(self.random.randrange(most)))

    def value(self, depth=0):
        kind = self.random.randrange(6 if depth < 3 else 4)
        if kind < 2:
            return self.text()
        if kind < 4:
            return self.random.choice(NUMBERS)
        if kind == 4:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return {name: self.value(depth + 1) for name in self.random.sample(NAMES, self.random.randrange(4))}

    def call(self, number):
        arguments = {name: self.value() for name in self.random.sample(NAMES, self.random.randrange(4))}
        compact = self.random.random() < 0.5  # however it is spelled, the prompt is the same
        text = json.dumps(arguments, ensure_ascii=compact, separators=(",", ":") if compact else None, indent=None if compact else 1)
        name = self.random.choice(["get_weather", "python", "f", "工具"])
        return {"id": f"c{number}", "type": "function", "function": {"name": name, "arguments": text if self.random.random() < 0.8 or str(10**25) in text else arguments}}

    def tools(self):
        return [{"type": "function", "function": {"name": f"tool_{i}", "description": self.text(),
                                                  "parameters": {"type": "object", "properties": {name: {"type": "string"} for name in self.random.sample(NAMES, 2)}}}}
                for i in range(self.random.randrange(1, 4))]

    def declaring(self, message):
        if self.random.random() < 0.4:
            message["tools"] = self.tools()
        if self.random.random() < 0.3:
            message["response_format"] = {"type": "json_schema", "schema": {"b": self.text(), "a": [1, 2.50, {"z": None}]}}
        return message

    def answer(self):
        message = {"role": "assistant", "content": self.text(), "reasoning_content": self.text()}
        if self.random.random() < 0.6:
            message["tool_calls"] = [self.call(i) for i in range(self.random.randrange(1, 4))]
        if self.random.random() < 0.2:
            message["content"] = None
        return message

    def conversation(self):
        messages = [self.declaring({"role": "system", "content": self.text()})] if self.random.random() < 0.7 else []
        for _ in range(self.random.randrange(1, 4)):
            messages.append({"role": "user", "content": self.text()} if self.random.random() < 0.7 else
                            self.declaring({"role": "developer", "content": self.text() + "!"}))
            for _ in range(self.random.randrange(4)):
                messages.append(self.answer())
                made = messages[-1].get("tool_calls") or []
                if not made:
                    break
                messages += [{"role": "tool", "tool_call_id": call["id"], "content": self.text()} for call in made]
        return messages


def weather(city, **more):
    return {"id": "w", "type": "function", "function": {"name": "get_weather", "arguments": dumps({"city": city, **more})}}


TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city, today",
                                         "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
NO_ARGUMENTS = {"id": "n", "type": "function", "function": {"name": "get_all_cities", "arguments": "{}"}}

CASES = {
    "one_question": [{"role": "user", "content": "Hello?"}],
    "tools_and_retention": [
        {"role": "system", "content": "Be brief.", "tools": [TOOL, {"type": "function", "function": {"name": "get_all_cities", "parameters": {}}}]},
        {"role": "user", "content": "Weather in 杭州?"},
        {"role": "assistant", "reasoning_content": "Ask the tool.", "content": "", "tool_calls": [NO_ARGUMENTS, weather("杭州")]},
        {"role": "tool", "content": "[\"杭州\"]"},
        {"role": "tool", "content": "rain"},
        {"role": "assistant", "reasoning_content": "Rain.", "content": "It rains."},
        {"role": "user", "content": "And in Suzhou, for 3 days?"},
        {"role": "assistant", "reasoning_content": "Again.", "content": "Let me look.", "tool_calls": [weather("Suzhou", days=3, units=["C", "mm"], exact=True)]},
        {"role": "tool", "content": "sun\nsun\nsun"}],
    "developer_and_format": [
        {"role": "system", "content": "", "response_format": {"type": "object", "properties": {"b": {}, "a": {"type": "number"}}}},
        {"role": "developer", "content": "Use the tool.", "tools": [TOOL], "response_format": {"type": "json_object"}},
        {"role": "assistant", "content": "{\"a\": 1}", "reasoning_content": "Easy."}],
    "hard_values": [
        {"role": "user", "content": "Write it down."},
        {"role": "assistant", "reasoning_content": "\n", "content": "a < b\n", "tool_calls": [
            {"id": "h", "type": "function", "function": {"name": "python", "arguments": dumps({
                "code": f"print(\"<b>\")\nx = '</{BAR}DSML{BAR}param'\n", "empty": "", "quotes": "\"'\\", "deep": [{"k": [None, True, -0.0, 1e16, 10**25]}, "\u2028\x01"],
                "object": {}, "list": [], "number": 1e-5})}}]},
        {"role": "tool", "content": "</result>\n"}],
}


def main(folder):
    folder = pathlib.Path(folder)
    block = (pathlib.Path(__file__).parents[3] / "envs/encodings/dsml/tools_block.txt").read_text(encoding="utf-8")
    for name, messages in CASES.items():
        (folder / f"{name}.json").write_text(json.dumps(messages, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        for mode in ("thinking", "chat"):
            (folder / f"{name}.{mode}.txt").write_bytes(encode(messages, mode == "thinking", block).encode())


if __name__ == "__main__":
    main(sys.argv[1])
