# SPDX-License-Identifier: MIT
"""Source text with edits in it, and its three readings.

A Text is a list of strings and Slots. A Slot is a place that one edit changes: it has an old and a
new wording. Read as a source tree, each Slot is the one or the other. Read as the reference, it is
both under a switch that is thrown while the program runs: the state before the switch is then
exactly what the old code left, and the behaviour after it is the new code's. This is what a live
patch promises, and it needs no patching.
"""
import re

OLD, REFERENCE = "old", "reference"


class Slot:
    """kind: how the reference has both wordings at once.
    expr  a value: chosen by the switch
    stmt  statements: chosen by the switch
    both  declarations: both stand there, the new one unused before the switch
    new   the reference always has the new wording (a parameter that old code ignores)
    old   never seen by the running code (comments, names, layouts that are refused)
    given what the maker says (`reference`; ON in it is the switch)
    """

    def __init__(self, edit, old, new, kind, reference=None):
        self.edit, self.old, self.new, self.kind, self.reference = edit, old, new, kind, reference


class Line:
    """__LINE__: a patch keeps the number that the line had, so the reference has a literal."""

    def __init__(self, key):
        self.key = key


class Only:
    """Text that only the reference has, or only the program."""

    def __init__(self, reference, text):
        self.reference, self.text = reference, text


def parts(text):
    if isinstance(text, (list, tuple)):
        for item in text:
            yield from parts(item)
    else:
        yield text


def slots(text):
    return [item for item in parts(text) if isinstance(item, Slot)]


def plain(text, applied):
    """The source with the edits of `applied` in it."""
    out = []
    for item in parts(text):
        if isinstance(item, Slot):
            out.append(item.new if item.edit.id in applied else item.old)
        elif isinstance(item, Line):
            out.append(f"__LINE__ /* line {item.key} */")
        elif isinstance(item, Only):
            out.append("" if item.reference else item.text)
        else:
            out.append(item)
    return "".join(out)


def reference(text, lines):
    out = []
    for item in parts(text):
        if isinstance(item, Slot):
            out.append(_switched(item))
        elif isinstance(item, Line):
            out.append(f"{lines[item.key]}")
        elif isinstance(item, Only):
            out.append(item.text if item.reference else "")
        else:
            out.append(item)
    return "".join(out)


def _switched(slot):
    on = f"proof_on[{slot.edit.id}]"
    if slot.kind == "given":
        return re.sub(r"\bON\b", on, slot.reference)
    if slot.kind == "expr":
        return f"({on} ? ({slot.new}) : ({slot.old}))"
    if slot.kind == "stmt":
        return f"if ({on}) {{ {slot.new} }} else {{ {slot.old} }}\n"
    if slot.kind == "both":
        return slot.old + slot.new
    return slot.new if slot.kind == "new" else slot.old


def line_numbers(source):
    """Where the Lines of a source stand."""
    found = {}
    for number, line in enumerate(source.split("\n"), 1):
        for match in re.finditer(r"/\* line (\d+) \*/", line):
            found[int(match.group(1))] = number
    return found
