#!/usr/bin/env python3
"""Checks documents of suture --json against docs/protocol.schema.json, to the letter.

    documents.py SCHEMA < LINES

Each line: the definition's name, a tab, the document. Members that the schema does not name are
errors here (it allows them, since others may come). Exit 77 without the library.
"""
import json
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("SKIP: no python3-jsonschema")
    sys.exit(77)


def tighten(schema):
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            tighten(part)
    elif isinstance(schema, list):
        for part in schema:
            tighten(part)


with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
tighten(schema)
failed = False
seen = set()
for line in sys.stdin:
    name, text = line.rstrip("\n").split("\t", 1)
    seen.add(name)
    if name not in schema["$defs"]:
        print(f"{name}: the schema has no such document")
        failed = True
        continue
    validator = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})
    for error in validator.iter_errors(json.loads(text)):
        where = "/".join(str(part) for part in error.absolute_path)
        print(f"{name}: at {where or 'the top'}: {error.message[:300]}")
        failed = True
print(len(seen), "kinds of documents")
sys.exit(failed)
