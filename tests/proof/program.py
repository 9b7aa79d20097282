# SPDX-License-Identifier: MIT
"""A random program with state, and the edits that can be made to it.

It is made of items, functions `unsigned item_N(unsigned)`, each with state or a construct of its own,
spread over a few units. A step of the program calls all of them and prints what they return.
Arithmetic is unsigned or exact, nothing depends on what C leaves open, so that every compiler at
every level must agree.
"""
import random

from text import Line, Only, Slot

PATCH, NOTHING = "patch", "nothing"

HEADER = """#ifndef SHARED_H
#define SHARED_H
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#ifdef __cplusplus
extern "C" {
#endif
"""
HELPERS = """
#define LENGTH(t) (sizeof(t) / sizeof((t)[0]))
#define MIX(a, b) (((a) ^ ((b) * 2654435761u)) * 40503u + ((a) >> 15))
static inline unsigned text_hash(const char *text)
{
\tunsigned hash = 5381;

\twhile (*text)
\t\thash = hash * 33 + (unsigned char)*text++;
\treturn hash;
}
static inline unsigned real_hash(double value)
{
\tunsigned halves[2];

\tmemcpy(halves, &value, sizeof(halves));
\treturn halves[0] ^ (halves[1] * 31);
}
"""


class Edit:
    """What a diff may contain. `verdict`: PATCH (or NOTHING, where the compiler makes the same of it), NOTHING alone, a
    set with what it is refused, a frozenset with one of which it is refused;
    `allowed`: with what it may be refused instead of becoming a patch; `alone`: not together with others;
    `functions`: those that it changes by itself, without any inlining."""

    def __init__(self, ident, kind, verdict=PATCH, allowed=(), alone=False, options=(), allowed_shared=()):
        self.id, self.kind, self.verdict = ident, kind, verdict
        self.allowed, self.alone, self.options = set(allowed), alone, list(options)
        self.allowed_shared = set(allowed_shared)  # the same, in a shared object
        self.functions = set()


class Item:
    def __init__(self, number, unit, visible):
        self.number, self.unit, self.visible = number, unit, visible
        self.name = f"item_{number}"
        self.calls = set()
        self.depth = 0
        self.before = []  # file scope, in front of the function
        self.body = []
        self.head = ["unsigned ", self.name, "(unsigned x)"]
        self.header = []  # its part of shared.h
        self.templates = []  # the same, C++ only
        self.includes = set()  # C++ headers that its part of the unit needs
        self.header_includes = set()  # ... its part of shared.h
        self.at_switch = []  # reference: statements when switch `id` becomes `on`
        self.attribute = ""


class Unit:
    def __init__(self, number, language):
        self.number, self.language = number, language
        self.file = f"unit{number}.{'cpp' if language == 'c++' else 'c'}"
        self.items = []


class Program:
    """Everything is decided by the seed; `without` (numbers of items) is for shrinking."""

    def __init__(self, seed, units=4, items=24, language="c", without=()):
        from items import make_item

        self.random = random.Random(seed)
        self.seed, self.language, self.without = seed, language, frozenset(without)
        self.edits, self.lines = [], 0
        self.units = [Unit(i, language) for i in range(units)]
        self.all = []
        for number in range(items):
            unit = self.random.choice(self.units)
            item = Item(number, unit, self.random.random() < 0.5)
            if not item.visible or self.random.random() < 0.3:
                item.attribute = self.random.choice(["", "", "__attribute__((noinline)) "])
            make_item(self, item)
            self.all.append(item)
            unit.items.append(item)
        self.header_note = self.edit("comment in a header", verdict=NOTHING)
        self.unit_notes = [self.edit("comment at the top", verdict=NOTHING) for _ in self.units]
        for item in self.all:
            for edit in self.edits_of(item):
                edit.functions.add(item.name)

    # ---- used by makers ----------------------------------------------------------------------

    def edit(self, kind, **more):
        edit = Edit(len(self.edits), kind, **more)
        self.edits.append(edit)
        return edit

    def line(self):
        self.lines += 1
        return Line(self.lines)

    def chance(self, p):
        return self.random.random() < p

    def number(self, low=1, high=0xFFFF):
        return self.random.randint(low, high)

    # ---- reading -----------------------------------------------------------------------------

    def present(self, item):
        return item.number not in self.without

    def edits_of(self, item):
        from text import slots

        found = {}
        for text in (item.before, item.body, item.head, item.header, item.templates, item.attribute):
            for slot in slots(text):
                found[slot.edit.id] = slot.edit
        return [found[i] for i in sorted(found)]

    def live_edits(self):
        """Edits of what shrinking has left."""
        gone = set()
        for item in self.all:
            if not self.present(item):
                gone |= {edit.id for edit in self.edits_of(item)}
        return [edit for edit in self.edits if edit.id not in gone]

    def files(self):
        """Name to Text."""
        out = {"shared.h": self._header(), "main.c": [self._main()]}
        for unit in self.units:
            out[unit.file] = self._unit(unit)
        return out

    def _header(self):
        includes = set().union(*(item.header_includes for item in self.all if self.present(item)))
        lines = "".join(f"#include <{name}>\n" for name in sorted(includes))
        text = [HEADER.replace('extern "C" {\n', f'{lines}extern "C" {{\n'), Only(True, "extern volatile int proof_on[];\n"),
                Slot(self.header_note, "", "/* a note\n * of two lines */\n\n", "old"), HELPERS]
        for item in self.all:
            if self.present(item):
                text += [item.header, item.visible and [item.head, ";\n"] or ""]
        for unit in self.units:
            text.append(f"void unit{unit.number}_step(unsigned x, unsigned *out);\n")
            text.append(Only(True, f"void unit{unit.number}_switch(int id, int on);\n"))
        text.append("#ifdef __cplusplus\n}\n")
        text += [item.templates for item in self.all if self.present(item)]
        text.append("#endif\n#endif\n")
        return text

    def _unit(self, unit):
        text = [Slot(self.unit_notes[unit.number], "", "// one line\n\n", "old"), '#include "shared.h"\n']
        if unit.language == "c++":
            from items_cpp import PRELUDE

            includes = set().union(*(item.includes for item in unit.items if self.present(item)))
            text += [f"#include <{name}>\n" for name in sorted(includes)]
            text.append(PRELUDE)
        for item in unit.items:
            if not self.present(item):
                # What calls it must still compile.
                text.append(f"{'' if item.visible else 'static '}unsigned {item.name}(unsigned x) {{ return x; }}\n")
                if item.visible:
                    text.insert(2, f"{self._linkage()}unsigned {item.name}(unsigned x);\n")
                continue
            text += ["\n", item.before, item.attribute, "" if item.visible else "static ",
                     item.head, "\n{\n", item.body, "}\n"]
        text.append(f"\nvoid unit{unit.number}_step(unsigned x, unsigned *out)\n{{\n")
        for item in unit.items:
            call = getattr(item, "call", None) or [item.name, "(x)"]
            text += [f"\tout[{item.number}] = ", call if self.present(item) else "x", ";\n"]
        text.append("}\n")
        text.append(Only(True, f"void unit{unit.number}_switch(int id, int on)\n{{\n\t(void)id, (void)on;\n"))
        for item in unit.items:
            if self.present(item):
                text += [Only(True, part) for part in item.at_switch]
        text.append(Only(True, "}\n"))
        return text

    def _linkage(self):
        return 'extern "C" ' if self.language == "c++" else ""

    def _main(self):
        calls = "".join(f"\t\t\tunit{u.number}_step(x, out);\n" for u in self.units)
        switches = "".join(f"\t\t\tunit{u.number}_switch(a, b);\n" for u in self.units)
        return [f"""#include "shared.h"
#include <stdlib.h>
""", Only(True, f"volatile int proof_on[{len(self.edits) + 1}];\n"), f"""
int main(void)
{{
\tchar line[64];

\twhile (fgets(line, sizeof(line), stdin)) {{
\t\tint a = 0, b = 0;
\t\tunsigned x;

\t\tsscanf(line + 1, "%d %d", &a, &b);
\t\tif (*line == 'q')
\t\t\texit(0);
""", Only(True, f"\t\tif (*line == 'w') {{\n\t\t\tproof_on[a] = b;\n{switches}\t\t}}\n"), f"""
\t\tx = (unsigned)a;
\t\tfor (int i = 0; *line == 's' && i < b; i++) {{
\t\t\tunsigned out[{len(self.all)}] = {{0}};

\t\t\tx = x * 1103515245u + 12345u;
{calls}
\t\t\tfor (unsigned k = 0; k < {len(self.all)}; k++)
\t\t\t\tprintf("%x ", out[k]);
\t\t}}
\t\tputchar('\\n');
\t\tfflush(stdout);
\t}}
\treturn 0;
}}
"""]
