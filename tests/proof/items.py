# SPDX-License-Identifier: MIT
"""Makers of items: each a construct of C that a live patch has to get right, with edits to it.

A maker fills item.body (and what stands before it) with Text. Slots never nest: what is inside a
Slot's wordings is plain.
"""
from text import Only, Slot

MAX_DEPTH = 3


class Scope:
    """Where code is written: the item, names in reach, and whether edits may be put here."""

    def __init__(self, program, item, names, shared=False):
        self.program, self.item, self.names, self.indent = program, item, list(names), "\t"
        self.random = program.random
        self.shared = shared  # code of the header: may only call what all units see


# ---- expressions and statements ------------------------------------------------------------------


def literal(scope, rate=0.25):
    value = scope.program.number()
    if scope.random.random() < rate:
        other = scope.program.number()
        if other != value:
            edit = scope.program.edit("constant")
            return Slot(edit, f"{value}u", f"{other}u", "expr")
    return f"{value}u"


def plain_expression(scope, depth=2):
    """Without edits, as a string."""
    kind = scope.random.randrange(6) if depth else 0
    if kind == 0:
        return scope.random.choice(scope.names)
    if kind == 1:
        return f"{scope.program.number()}u"
    left, right = plain_expression(scope, depth - 1), plain_expression(scope, depth - 1)
    operator = scope.random.choice(["+", "-", "*", "^", "|", "&"])
    if kind == 2:
        return f"({left} {operator} {right})"
    if kind == 3:
        return f"MIX({left}, {right})"
    if kind == 4:
        return f"(({left}) >> {scope.random.randrange(1, 16)})"
    return f"({left} % {scope.random.randrange(2, 99)}u)"


def expression(scope, depth=3):
    kind = scope.random.randrange(8) if depth else scope.random.randrange(2)
    if kind == 0:
        return scope.random.choice(scope.names)
    if kind == 1:
        return literal(scope)
    if kind == 2:
        old, new = plain_expression(scope), plain_expression(scope)
        if old != new and scope.program.chance(0.3):
            return Slot(scope.program.edit("expression"), old, new, "expr")
        return old
    if kind == 3:
        return ["MIX(", expression(scope, depth - 1), ", ", expression(scope, 1), ")"]
    if kind == 4:
        call = call_of(scope)
        if call:
            return [call, "(", plain_expression(scope, 1), ")"]
    operator = scope.random.choice(["+", "-", "*", "^", "|", "&"])
    return ["(", expression(scope, depth - 1), f" {operator} ", expression(scope, depth - 1), ")"]


def call_of(scope):
    """An earlier item that may be called from here; the depth of calls is bounded."""
    item = scope.item
    known = [other for other in scope.program.all
             if (other.visible or other.unit is item.unit and not scope.shared) and other.depth < MAX_DEPTH]
    if not known:
        return None
    other = scope.random.choice(known)
    item.calls.add(other)
    item.depth = max(item.depth, other.depth + 1)
    return other.name


def statement(scope):
    target = scope.random.choice([name for name in scope.names if name != "x"])
    kind = scope.random.randrange(7)
    tab = scope.indent
    if kind <= 1:
        return [f"{tab}{target} {scope.random.choice(['=', '+=', '^='])} ", expression(scope), ";\n"]
    if kind == 2:
        return [f"{tab}if ((", plain_expression(scope), " & ", literal(scope), f") > {scope.program.number(1, 99)}u)\n",
                f"{tab}\t{target} = ", expression(scope, 2), f";\n{tab}else\n{tab}\t{target} += ", expression(scope, 1), ";\n"]
    if kind == 3:
        return [f"{tab}for (unsigned i = 0; i < {scope.random.randrange(2, 9)}; i++)\n",
                f"{tab}\t{target} = {target} * 31 + i + ", literal(scope), ";\n"]
    if kind == 4:
        text = f"{tab}{target} = MIX({target}, {plain_expression(scope)});\n"
        edit = scope.program.edit("statement added")
        return Slot(edit, "", text, "stmt")
    if kind == 5:
        text = f"{tab}{target} ^= {plain_expression(scope)};\n"
        edit = scope.program.edit("statement removed")
        return Slot(edit, text, "", "stmt")
    edit = scope.program.edit("comment in code", verdict="nothing")
    return [Slot(edit, "", f"{tab}/* {target} */\n", "old"), f"{tab}{target} += ", literal(scope), ";\n"]


def statements(scope, low=1, high=3):
    return [statement(scope) for _ in range(scope.random.randint(low, high))]


def finish(scope, result="a"):
    return [statements(scope, 0, 2), f"{scope.indent}return {result};\n"]


def scope_of(program, item, *names, shared=False):
    return Scope(program, item, ["x", "a", *names], shared)


# ---- makers --------------------------------------------------------------------------------------


def statics(program, item):
    """Static variables in the function, one name in several blocks; another one comes."""
    scope = scope_of(program, item, "total")
    first, second, third = (program.number(1, 999) for _ in range(3))
    edit = program.edit("another static of the same name")
    added = f"\t{{\n\t\tstatic unsigned count = {third};\n\n\t\tcount += a | 1;\n\t\ta ^= count;\n\t}}\n"
    where = program.random.randrange(3)
    blocks = [Slot(edit, "", added, "stmt") if where == i else "" for i in range(3)]
    item.body = [
        f"\tstatic unsigned total = {program.number(1, 99)};\n\tunsigned a = x;\n\n",
        blocks[0],
        f"\t{{\n\t\tstatic unsigned count = {first};\n\n\t\tcount += x & ", literal(scope), ";\n\t\ta ^= count;\n\t}\n",
        blocks[1],
        "\tif (x & 4) {\n",
        f"\t\tstatic unsigned count = {second};\n\n\t\tcount = count * 3 + ", literal(scope), ";\n\t\ta += count;\n\t}\n",
        blocks[2],
        "\ttotal += a;\n\ta ^= total;\n", finish(scope)]


def new_statics(program, item):
    """New statics, in the function and at file scope, with initial values; a new global."""
    scope = scope_of(program, item)
    edit = program.edit("new static and global")
    name, other = f"fresh_{item.number}", f"fresh_global_{item.number}"
    item.before = [Slot(edit, "", f"static unsigned {name} = {program.number()};\nunsigned {other}[3] = {{1, 2}};\n"
                        f"static const char *{name}_text = \"{program.number()}\";\n", "both")]
    local = program.edit("new static in a function")
    item.body = ["\tunsigned a = x * ", literal(scope), ";\n", statements(scope),
                 Slot(edit, "", f"\t{name} += x;\n\t{other}[x % 3] ^= {name};\n\ta += {other}[0] + {other}[2] + text_hash({name}_text);\n", "stmt"),
                 Slot(local, "", f"\tstatic unsigned calls_{item.number} = {program.number(1, 99)};\n\n\ta += ++calls_{item.number};\n", "stmt"),
                 finish(scope)]


def new_function(program, item):
    """A new local function, recursive or not, called from here; its address compared."""
    scope = scope_of(program, item)
    edit = program.edit("new function")
    name = f"added_{item.number}"
    attribute = program.random.choice(["", "__attribute__((noinline)) "])
    item.before = [Slot(edit, "", f"static {attribute}unsigned {name}(unsigned n, unsigned v)\n{{\n"
                        f"\treturn n ? {name}(n - 1, v * 3 + n) ^ v : v + {program.number()};\n}}\n", "both")]
    item.body = ["\tunsigned a = ", literal(scope), ";\n", statements(scope),
                 Slot(edit, "", f"\ta ^= {name}(x & 7, a);\n", "stmt"), finish(scope)]


def globals_(program, item):
    """Writable data: an initial value changes, and is kept or set."""
    scope = scope_of(program, item)
    name = f"global_{item.number}"
    old, new = program.number(1, 999), program.number(1000, 1999)
    policy = program.random.choice(["keep", "set", None])
    if policy:
        edit = program.edit(f"initial value, {policy}", options=[f"--data", f"{name}={policy}"],
                            verdict="patch" if policy == "set" else "nothing")
    else:
        edit = program.edit("initial value", verdict={"DATA_CHANGED"}, alone=True)
    static = program.random.choice(["", "static "])
    item.before = [f"{static}unsigned {name} = ", Slot(edit, str(old), str(new), "old"), ";\n"]
    item.body = ["\tunsigned a = x;\n\n", f"\tif (x % 5 == 0)\n\t\t{name} += ", literal(scope), f";\n\ta ^= {name};\n", finish(scope)]
    if policy == "set":
        item.before.append(Only(True, f"static unsigned {name}_kept;\n"))
        item.at_switch = [f"\tif (id == {edit.id} && on) {{\n\t\t{name}_kept = {name};\n\t\t{name} = {new};\n"
                          f"\t}} else if (id == {edit.id} && {name} == {new}) {{\n\t\t{name} = {name}_kept;\n\t}}\n"]


def table(program, item):
    """A table of constants: values change in place, under a pointer that was kept."""
    scope = scope_of(program, item)
    name, size = f"table_{item.number}", program.random.choice([3, 8, 17])
    old = [program.number() for _ in range(size)]
    new = list(old)
    for _ in range(program.random.randint(1, 3)):
        new[program.random.randrange(size)] = program.number()
    edit = program.edit("values of a const table")
    words = [", ".join(map(str, values)) for values in (old, new)]
    item.before = [Only(False, "static const "), Only(True, "static "), f"unsigned {name}[{size}] = {{",
                   Slot(edit, words[0], words[1], "old"), "};\n",
                   Only(False, "static const unsigned"), Only(True, "static unsigned"), f" *kept_{item.number} = {name};\n"]
    item.at_switch = [f"\tif (id == {edit.id}) {{\n\t\tstatic const unsigned to[2][{size}] = {{{{{words[0]}}}, {{{words[1]}}}}};\n\n"
                      f"\t\tmemcpy({name}, to[!!on], sizeof({name}));\n\t}}\n"]
    item.body = [f"\tunsigned a = {name}[x % LENGTH({name})];\n\n",
                 f"\tif (x % 7 == 3)\n\t\tkept_{item.number} = &{name}[x % LENGTH({name})];\n\ta += *kept_{item.number};\n", finish(scope)]


def grown_table(program, item):
    """A table that grows, with all its readers in one unit."""
    scope = scope_of(program, item)
    name, size = f"grown_{item.number}", program.random.choice([4, 9])
    old = [program.number() for _ in range(size)]
    edit = program.edit("const table grown", allowed={"DATA_CHANGED"})
    new = old + [program.number() for _ in range(3)]
    texts = [", ".join(map(str, values)) for values in (old, new)]
    item.before = [Only(False, f"static const unsigned {name}[] = {{"), Only(True, f"static const unsigned {name}_old[] = {{{texts[0]}}}, {name}_new[] = {{"),
                   Slot(edit, texts[0], texts[1], "new"), "};\n",
                   Only(True, f"#define {name} (proof_on[{edit.id}] ? {name}_new : {name}_old)\n")]
    length = [Only(False, f"LENGTH({name})"), Only(True, f"(proof_on[{edit.id}] ? {size + 3}u : {size}u)")]
    item.body = ["\tunsigned a = 0;\n\n\tfor (unsigned i = 0; i < ", length, f"; i++)\n\t\ta = a * 31 + {name}[i];\n",
                 f"\ta ^= {name}[x % ", length, "];\n", finish(scope)]


def record(program, item):
    """A record in use: layouts that change are refused, padding may be used, names may change."""
    scope = scope_of(program, item)
    tag = f"record_{item.number}"
    unit = program.random.choice(["before", "header"])
    fields = ["\tunsigned char kind;\n", "\tunsigned count;\n", "\tunsigned short level;\n", "\tunsigned long sum;\n"]
    kind = program.random.randrange(7)
    refused = {"LAYOUT_CHANGED"}
    more = []
    name = "level"
    if kind == 0:
        edit = program.edit("field added", verdict=refused, alone=True)
        fields[3:3] = [Slot(edit, "", "\tunsigned extra[2];\n", "old")]
    elif kind == 1:
        edit = program.edit("fields exchanged", verdict=refused, alone=True)
        fields[1:3] = [Slot(edit, fields[1] + fields[2], fields[2] + fields[1], "old")]
    elif kind == 2:
        edit = program.edit("field retyped", verdict=refused, alone=True)
        fields[1] = Slot(edit, fields[1], "\tint count;\n", "old")
    elif kind == 3:
        edit = program.edit("field grown", verdict=refused, alone=True)
        fields[3] = Slot(edit, fields[3], "\tunsigned long sum;\n\tunsigned long more;\n", "old")
    elif kind == 4:
        edit = program.edit("field renamed", verdict="nothing")
        fields[2] = Slot(edit, fields[2], "\tunsigned short rank;\n", "old")
        name = Slot(edit, "level", "rank", "old")
    elif kind == 5:
        edit = program.edit("padding used")
        fields[0] = [fields[0], Slot(edit, "", "\tunsigned char mark;\n", "both")]
        more = [Slot(edit, "", f"\tat->mark += 3;\n\ta ^= at->mark;\n", "stmt")]
    else:
        edit = program.edit("field removed", verdict=refused, alone=True)
        fields[3:3] = [Slot(edit, "\tunsigned spare[3];\n", "", "old")]
    definition = [f"struct {tag} {{\n", fields, "};\n"]
    if unit == "header":
        item.header = definition
        item.before = []
    else:
        item.before = definition
    item.before = [item.before, f"static struct {tag} records_{item.number}[5];\n"]
    item.body = [f"\tstruct {tag} *at = &records_{item.number}[x % 5];\n\tunsigned a;\n\n",
                 "\tat->kind += 1;\n\tat->count += x & ", literal(scope), ";\n\tat->", name, " ^= (unsigned short)x;\n",
                 "\tat->sum += at->count;\n", "\ta = at->kind + at->count + at->", name, " + (unsigned)at->sum;\n", more, finish(scope)]


def choice(program, item):
    """switch: a jump table, a table of results; cases come and change."""
    scope = scope_of(program, item)
    count = program.random.choice([5, 9, 14])
    added = program.edit("case added")
    cases = []
    for i in range(count):
        if program.chance(0.5):
            cases.append([f"\tcase {i}:\n\t\ta = ", literal(scope, 0.2), ";\n\t\tbreak;\n"])
        else:
            cases.append([f"\tcase {i}:\n\t\ta = ", expression(scope, 2), ";\n\t\tbreak;\n"])
    fresh = Slot(added, "", f"\tcase {count}:\n\t\ta = x * {program.number()}u;\n\t\tbreak;\n", "both")
    guard = [Only(False, f"x % {count + 2}"), Only(True, f"(x % {count + 2} == {count} && !proof_on[{added.id}] ? 99 : x % {count + 2})")]
    item.body = ["\tunsigned a = 7;\n\n\tswitch (", guard, ") {\n", cases, fresh, "\tdefault:\n\t\ta += 1;\n\t}\n", finish(scope)]


def answers(program, item):
    """switch of constants only: the compiler makes a table of it."""
    scope = scope_of(program, item)
    edit = program.edit("answer of a switch")
    values = [program.number() for _ in range(8)]
    changed = program.random.randrange(8)
    cases = []
    for i, value in enumerate(values):
        word = Slot(edit, f"{value}u", f"{value + 1}u", "expr") if i == changed else f"{value}u"
        cases.append([f"\tcase {i}:\n\t\treturn ", word, ";\n"])
    item.before = ["static unsigned ", f"answer_{item.number}(unsigned n)\n{{\n\tswitch (n) {{\n", cases, "\tdefault:\n\t\treturn 0;\n\t}\n}\n"]
    item.body = [f"\tunsigned a = answer_{item.number}(x % 9);\n\n", finish(scope)]


def cold(program, item):
    """A path that is split off as cold, and edited there alone."""
    scope = scope_of(program, item)
    edit = program.edit("cold path")
    old, new = program.number(), program.number(70000, 80000)
    item.before = [f"static unsigned rare_{item.number};\n",
                   f"static __attribute__((cold, noinline)) unsigned rarely_{item.number}(unsigned v)\n{{\n",
                   f"\trare_{item.number} += v | 1;\n\treturn rare_{item.number};\n}}\n"]
    item.body = ["\tunsigned a = x;\n\n", f"\tif (__builtin_expect(x % 6 == {program.random.randrange(6)}, 0)) {{\n",
                 f"\t\ta = rarely_{item.number}(x ^ ", Slot(edit, f"{old}u", f"{new}u", "expr"), ");\n\t\ta ^= rare_", str(item.number), " * 5;\n\t}\n", finish(scope)]


def clones(program, item):
    """A local function that is always called with constants: clones come, go and change."""
    scope = scope_of(program, item)
    edit = program.edit("argument of a cloned function")
    name = f"work_{item.number}"
    item.before = [f"static unsigned {name}_state;\n", f"static __attribute__((noinline)) unsigned {name}(unsigned v, unsigned n, const unsigned *p)\n{{\n",
                   f"\tunsigned a = v, x = n;\n\n\tfor (unsigned i = 0; i < n; i++)\n\t\ta = a * 31 + *p + ", literal(scope), ";\n",
                   f"\t{name}_state += a;\n\treturn a ^ {name}_state ^ x;\n}}\n"]
    item.body = [f"\tunsigned a = {name}(x, 4, &x);\n\n", f"\ta ^= {name}(a, ", Slot(edit, "4", "5", "expr"), ", &x);\n", finish(scope)]


def parameters(program, item):
    """A local function gets another parameter; all its callers are here."""
    scope = scope_of(program, item)
    edit = program.edit("parameter added")
    name = f"helper_{item.number}"
    attribute = program.random.choice(["", "__attribute__((noinline)) "])
    value = program.number()
    item.before = [f"static {attribute}unsigned {name}(unsigned v", Slot(edit, "", ", unsigned more", "new"), ")\n{\n",
                   "\tunsigned a = v * 3;\n\n", Slot(edit, "", "\ta ^= more;\n", "stmt"), "\treturn a;\n}\n"]
    item.body = [f"\tunsigned a = {name}(x", Slot(edit, "", f", {value}u", "new"), ");\n\n",
                 f"\ta += {name}(a", Slot(edit, "", ", x", "new"), ");\n", finish(scope)]


def pointers(program, item):
    """Functions by pointer: a table, a kept one, and comparisons with addresses."""
    scope = scope_of(program, item)
    number = item.number
    names = [f"way_{number}_{i}" for i in range(4)]
    defs = []
    for name in names:
        defs.append([f"static unsigned {name}(unsigned x)\n{{\n\treturn x * ", literal(scope, 0.6), f" + {program.number()}u;\n}}\n"])
    const = program.random.choice(["const ", ""])
    compared = program.edit("address compared in new code")
    item.before = [defs, f"static unsigned (*{const}ways_{number}[])(unsigned) = {{{', '.join(names)}}};\n",
                   f"static unsigned (*held_{number})(unsigned) = {names[0]};\n"]
    item.body = [f"\tunsigned a = ways_{number}[x & 3](x);\n\n\ta += held_{number}(a);\n",
                 f"\tif (x % 3 == 1)\n\t\theld_{number} = ways_{number}[(x >> 2) & 3];\n",
                 f"\ta ^= held_{number} == {names[1]} ? 77 : 1;\n",
                 Slot(compared, "", f"\tif (held_{number} == {names[2]})\n\t\ta += 1000;\n\telse\n\t\theld_{number} = {names[3]};\n", "stmt"), finish(scope)]


def recursion(program, item):
    """A recursive function with state."""
    scope = scope_of(program, item)
    name = f"deep_{item.number}"
    item.before = [f"static unsigned {name}(unsigned n, unsigned x)\n{{\n\tstatic unsigned entered = 1;\n\tunsigned a = n;\n\n\tentered += n;\n",
                   statements(scope, 1, 2), f"\treturn n == 0 ? a + entered : {name}(n - 1, x ^ a) * ", literal(scope, 0.6), " + entered;\n}\n"]
    item.body = [f"\tunsigned a = {name}(x % 6, x);\n\n", finish(scope_of(program, item))]


def inlined(program, item):
    """A small function of the header, inlined wherever it is called."""
    scope = scope_of(program, item, shared=True)
    name = f"inline_{item.number}"
    item.header = [f"static inline unsigned {name}(unsigned x)\n{{\n\tunsigned a = x ^ ", literal(scope, 0.8), ";\n\n",
                   statements(scope, 0, 2), "\treturn a;\n}\n"]
    item.body = [f"\tunsigned a = {name}(x) + {name}(x >> 3);\n\n", finish(scope)]
    program.inlines = getattr(program, "inlines", [])
    program.inlines.append((name, item))


def uses_inlined(program, item):
    """Calls a header's function that other units inline too."""
    scope = scope_of(program, item)
    known = getattr(program, "inlines", [])
    if not known:
        return inlined(program, item)
    name, other = program.random.choice(known)
    item.needs = other
    item.body = [f"\tstatic unsigned last_{item.number};\n\tunsigned a = ", literal(scope), ";\n\n",
                 f"\ta += {name}(x);\n\tlast_{item.number} = last_{item.number} * 3 + a;\n\ta ^= last_{item.number};\n", finish(scope)]


def reals(program, item):
    """Floating point: constants in pools, state, conversions."""
    scope = scope_of(program, item)
    old, new = program.number(1, 9999) / 16, program.number(1, 9999) / 16
    edit = program.edit("real constant")
    single = program.edit("single constant")
    word = lambda v, s="": f"{v!r}{s}"
    item.body = [f"\tstatic double sum_{item.number} = 1.5;\n\tunsigned a = x;\n\tfloat f = (float)(x & 1023) * ", Slot(single, word(old, 'f'), word(new + 1, 'f'), "expr"),
                 f";\n\n\tsum_{item.number} = sum_{item.number} * 0.5 + (double)(x & 4095) * ", Slot(edit, word(old), word(new + 2), "expr"), " + f;\n",
                 f"\ta ^= real_hash(sum_{item.number});\n", finish(scope)]


def strings(program, item):
    """String literals, __func__, __FILE__ and __LINE__."""
    scope = scope_of(program, item)
    words = ["alpha", "beta", "a longer one", "x", "alphabet"]
    old, new = program.random.sample(words, 2)
    edit = program.edit("string")
    item.body = ["\tunsigned a = text_hash(x & 1 ? \"", program.random.choice(words), "\" : ", Slot(edit, f'"{old}"', f'"{new}"', "expr"), ");\n",
                 "\tchar text[64];\n\n\ta += text_hash(__func__);\n\ta = a * 31 +\n\t    ", program.line(), ";\n",
                 "\tsnprintf(text, sizeof(text), \"%u:%s\", x, \"", program.random.choice(words), "\");\n\ta ^= text_hash(text);\n",
                 "\ta += __FILE__[0] != 0;\n", finish(scope), ]


def variadic(program, item):
    """A function of variable arguments."""
    scope = scope_of(program, item)
    name = f"sum_{item.number}"
    edit = program.edit("argument of a variadic function")
    item.before = [f"static unsigned {name}(unsigned n, ...)\n{{\n\tva_list list;\n\tunsigned a = 0, x = n;\n\n\tva_start(list, n);\n\twhile (n--)\n",
                   "\t\ta = a * ", literal(scope, 0.6), " + va_arg(list, unsigned);\n\tva_end(list);\n\treturn a ^ x;\n}\n"]
    item.body = [f"\tunsigned a = {name}(3, x, ", Slot(edit, "x * 2", "x + 9", "expr"), f", {program.number()}u);\n\n", finish(scope)]


def locals_of_thread(program, item):
    """Thread-local variables that are there; a new one is refused."""
    scope = scope_of(program, item)
    word = "thread_local" if item.unit.language == "c++" else "_Thread_local"
    name = f"own_{item.number}"
    refused = program.edit("new thread-local", verdict={"NEW_TLS"}, alone=True)
    item.before = [f"static {word} unsigned {name} = {program.number()};\n{word} unsigned shown_{item.number}[2];\n",
                   Slot(refused, "", f"static {word} unsigned {name}_new = 3;\n", "old")]
    item.body = [f"\tunsigned a = {name};\n\n\t{name} += x & ", literal(scope, 0.5), f";\n\tshown_{item.number}[x & 1] += {name};\n\ta ^= shown_{item.number}[0];\n",
                 Slot(refused, "", f"\ta += ++{name}_new;\n", "old"), finish(scope)]


def enumerated(program, item):
    """An enumeration whose numbers live in state."""
    scope = scope_of(program, item)
    tag = f"state_{item.number}"
    refused = program.edit("enumerator inserted", verdict={"LAYOUT_CHANGED"}, alone=True)
    names = [f"S{item.number}_{i}" for i in range(3)]
    item.before = [f"enum {tag} {{ {names[0]}, ", Slot(refused, "", f"S{item.number}_NEW, ", "old"), f"{names[1]}, {names[2]} }};\n",
                   f"static enum {tag} mode_{item.number} = {names[1]};\n"]
    item.body = ["\tunsigned a = ", literal(scope), ";\n\n", f"\tswitch (mode_{item.number}) {{\n",
                 f"\tcase {names[0]}:\n\t\tmode_{item.number} = x & 8 ? {names[1]} : {names[2]};\n\t\ta += x;\n\t\tbreak;\n",
                 f"\tcase {names[1]}:\n\t\tmode_{item.number} = {names[2]};\n\t\ta ^= ", literal(scope), ";\n\t\tbreak;\n",
                 f"\tcase {names[2]}:\n\t\tmode_{item.number} = {names[0]};\n\t\tbreak;\n", "\t}\n", finish(scope)]


def bits(program, item):
    """Bit-fields and a union."""
    scope = scope_of(program, item)
    number = item.number
    refused = program.edit("bit-field widened or union grown", verdict={"LAYOUT_CHANGED"}, alone=True)
    which = program.chance(0.5)
    width = Slot(refused, "5", "7", "old") if which else "5"
    grown = "" if which else Slot(refused, "", "\tunsigned char raw[24];\n", "old")
    item.before = [f"struct bits_{number} {{\n\tunsigned low : ", width, ";\n\tunsigned high : 9;\n\tsigned int sign : 3;\n};\n",
                   f"union both_{number} {{\n\tunsigned word[2];\n\tdouble real;\n", grown, "};\n",
                   f"static struct bits_{number} bits_{number};\nstatic union both_{number} both_{number};\n"]
    item.body = [f"\tunsigned a = bits_{number}.low;\n\n\tbits_{number}.low += x & ", literal(scope), f";\n\tbits_{number}.high ^= bits_{number}.low + 1;\n",
                 f"\tboth_{number}.word[x & 1] += bits_{number}.high;\n\ta += bits_{number}.high ^ both_{number}.word[0];\n", finish(scope)]


def dropped(program, item):
    """Variables that the compiler has no need to store as they are written, until an edit."""
    scope, n = scope_of(program, item), item.number
    lost = {"UNSUPPORTED"}
    unread = program.edit("variable that was never read", allowed=lost)
    unwritten = program.edit("variable that was never written", allowed=lost)
    last = program.edit("last change of a variable removed", allowed=lost)
    value = program.edit("the one value of a variable", allowed=lost)
    item.before = [f"static unsigned seen_{n}, limit_{n} = {program.number()}, moved_{n} = 5, mode_{n};\n",
                   f"static unsigned steps_{n}[4] = {{1, 2, 3, 4}};\n", f"static struct {{ unsigned a, b; unsigned long c; }} two_{n} = {{1, 2, 3}};\n"]
    item.body = [f"\tunsigned a = x + limit_{n} * steps_{n}[x & 3];\n\n\tseen_{n} = x;\n",
                 Slot(unread, "", f"\ta += seen_{n};\n", "stmt"),
                 f"\tif (x % 3 == 1)\n\t\tmode_{n} = ", Slot(value, "1", "7", "expr"), f";\n\ta ^= mode_{n};\n",
                 "\tif (x & 8) {\n", Slot(last, f"\t\tmoved_{n} += x;\n", "", "stmt"), f"\t\ta ^= 1;\n\t}}\n\ta += moved_{n};\n",
                 Slot(unwritten, "", f"\tlimit_{n} += 3;\n\tsteps_{n}[x & 1] ^= x;\n", "stmt"),
                 f"\ttwo_{n}.a += x & ", literal(scope), f";\n\ttwo_{n}.c ^= two_{n}.a;\n\ta += (unsigned)two_{n}.c;\n", finish(scope)]


def arithmetic(program, item):
    """Nothing but code."""
    scope = scope_of(program, item, "b")
    item.body = ["\tunsigned a = ", literal(scope), ", b = x;\n\n", statements(scope, 2, 5), finish(scope, "a + b")]


MAKERS = [statics, new_statics, new_function, globals_, table, grown_table, record, choice, answers, cold, clones,
          parameters, pointers, recursion, inlined, uses_inlined, reals, strings, variadic, locals_of_thread,
          enumerated, bits, dropped, dropped, arithmetic, arithmetic]


def make_item(program, item):
    makers = MAKERS
    if program.language == "c++":
        import items_class
        import items_cpp
        import items_std

        makers = MAKERS[::2] + items_cpp.MAKERS + 2 * (items_class.MAKERS + items_std.MAKERS)
    program.random.choice(makers)(program, item)
