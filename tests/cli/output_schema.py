"""What verbs print with --json, held against cli/output.schema.json. Knows the part of JSON Schema that stands there, and refuses any other."""

import json
import os
import pathlib
import re

PATH = pathlib.Path(os.environ["ASSAY_SOURCE"], "cli", "output.schema.json")
DOCUMENT = json.loads(PATH.read_text(encoding="utf-8"))
DEFINITIONS = DOCUMENT["$defs"]
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int, "number": (int, float)}


def is_of(value, name):
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def problems(schema, value, path="$"):
    """Where a value is not what the schema says; empty if it is."""
    out = []
    for word, rule in schema.items():
        if word == "$ref":
            out += problems(DEFINITIONS[rule.removeprefix("#/$defs/")], value, path)
        elif word == "anyOf":
            each = [problems(form, value, path) for form in rule]
            if all(each):
                out += min(each, key=len)
        elif word == "type":
            if not any(is_of(value, name) for name in ([rule] if isinstance(rule, str) else rule)):
                out.append(f"{path}: {json.dumps(value)[:80]} is not of type {rule}")
        elif word == "const":
            if value != rule:
                out.append(f"{path}: not {rule}")
        elif word == "enum":
            if value not in rule:
                out.append(f"{path}: not one of {rule}")
        elif word == "minimum":
            if is_of(value, "number") and value < rule:
                out.append(f"{path}: less than {rule}")
        elif word == "pattern":
            if isinstance(value, str) and not re.search(rule, value):
                out.append(f"{path}: does not match {rule}")
        elif word == "items":
            for number, item in enumerate(value if isinstance(value, list) else []):
                out += problems(rule, item, f"{path}[{number}]")
        elif word == "properties":
            for name, member in (value.items() if isinstance(value, dict) else ()):
                if name in rule:
                    out += problems(rule[name], member, f"{path}.{name}")
        elif word == "required":
            out += [f"{path}.{name}: missing" for name in rule if isinstance(value, dict) and name not in value]
        elif word == "additionalProperties":
            for name in value if isinstance(value, dict) else ():
                if name in schema.get("properties", {}):
                    continue
                if rule is False:
                    out.append(f"{path}.{name}: not expected")
                else:
                    out += problems(rule, value[name], f"{path}.{name}")
        elif word not in ("description", "title", "$schema", "$defs"):
            raise ValueError(f"{path}: the schema says {word}, of which this reader knows nothing")
    return out


def verb_of(arguments):
    """As the document names it: "model-make"."""
    words = [str(argument) for argument in arguments]
    for number, word in enumerate(words):
        verb = "version" if word == "--version" else f"model-{words[number + 1]}" if word == "model" else word
        if f"verb-{verb}" in DEFINITIONS:
            return verb
    raise ValueError(f"{PATH} knows none of {words}")


def forms_of(verb):
    schema = DEFINITIONS[f"verb-{verb}"]
    return schema.get("anyOf", [schema])


def problems_of(verb, value):
    if not problems(DEFINITIONS["failure"], value):
        return []
    return problems(DEFINITIONS[f"verb-{verb}"], value)
