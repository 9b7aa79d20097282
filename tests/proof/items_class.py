# SPDX-License-Identifier: MIT
"""Makers of items about classes, inline functions and templates of C++."""
from items import finish, literal, plain_expression, scope_of, statements
from text import Slot


def _numbers(program, count, low=1, high=0xFFFF):
    return [program.number(low, high) for _ in range(count)]


def _place(program, item, text, includes=()):
    """A definition in the header, which other units have too, or in the item's own unit."""
    if program.chance(0.4):
        item.templates = text
        item.header_includes |= set(includes)
        return True
    anonymous = program.chance(0.3)
    item.before = [anonymous and "namespace {\n" or "", text, anonymous and "}\n" or ""]
    item.includes |= set(includes)
    return False


def _remember(program, kind, *what):
    program.known = getattr(program, "known", {})
    program.known.setdefault(kind, []).append(what)


def _recall(program, kind):
    known = getattr(program, "known", {}).get(kind)
    return program.random.choice(known) if known else None


def inheritance(program, item):
    """Two bases, thunks, casts; an override comes or goes, living objects have it too."""
    n = item.number
    shared = scope_of(program, item, "own", shared=True)
    one, two, k = (program.number() for _ in range(3))
    if program.chance(0.5):
        edit = program.edit("override added", allowed_shared={"DATA_CHANGED"})
        left = Slot(edit, "", f"\tunsigned left(unsigned x) override {{ return x * {k}u + l; }}\n", "given",
                    f"\tunsigned left(unsigned x) override {{ return ON ? x * {k}u + l : Left_{n}_::left(x); }}\n")
    else:
        edit = program.edit("override removed", allowed_shared={"DATA_CHANGED"})
        left = Slot(edit, f"\tunsigned left(unsigned x) override {{ return x * {k}u + l; }}\n", "", "given",
                    f"\tunsigned left(unsigned x) override {{ return ON ? Left_{n}_::left(x) : x * {k}u + l; }}\n")
    second = program.edit("override of the second base", allowed={"LAYOUT_CHANGED"}, allowed_shared={"DATA_CHANGED"})
    other = Slot(second, "", f"\tunsigned other(unsigned x) override {{ return x + r * {k}u; }}\n", "given",
                 f"\tunsigned other(unsigned x) override {{ return ON ? x + r * {k}u : Right_{n}_::other(x); }}\n")
    text = [f"struct Left_{n}_ {{\n\tunsigned l = {one};\n\tvirtual ~Left_{n}_() {{}}\n\tvirtual unsigned left(unsigned x) {{ return x + l++; }}\n}};\n",
            f"struct Right_{n}_ {{\n\tunsigned r = {two};\n\tvirtual ~Right_{n}_() {{}}\n\tvirtual unsigned right(unsigned x) {{ return x ^ r; }}\n"
            f"\tvirtual unsigned other(unsigned x) {{ r += x; return r; }}\n}};\n",
            f"struct Joint_{n}_ : Left_{n}_, Right_{n}_ {{\n\tunsigned own = 1;\n", left, other,
            "\tunsigned right(unsigned x) override\n\t{\n\t\tunsigned a = l + x;\n\n", statements(shared, 1, 2),
            "\t\town += ", literal(shared, 0.6), ";\n\t\treturn a ^ own;\n\t}\n};\n"]
    if _place(program, item, text):
        _remember(program, "class", f"Joint_{n}_", item)
    item.before = [item.before, f"static Joint_{n}_ joint_{n};\nstatic Left_{n}_ *lefts_{n}[] = {{new Left_{n}_, &joint_{n}}};\n"
                   f"static Right_{n}_ *rights_{n}[] = {{new Right_{n}_, &joint_{n}, new Joint_{n}_}};\n"]
    item.body = [f"\tunsigned a = lefts_{n}[x & 1]->left(x);\n\n\ta ^= rights_{n}[x % 3]->right(a) + rights_{n}[x % 3]->other(x);\n",
                 f"\tif (auto *both = dynamic_cast<Joint_{n}_ *>(lefts_{n}[(x >> 1) & 1]))\n\t\ta += both->right(", literal(scope_of(program, item)), ");\n",
                 finish(scope_of(program, item))]


def uses_class(program, item):
    known = _recall(program, "class")
    if not known:
        return inheritance(program, item)
    n = item.number
    item.needs = known[1]
    item.before = [f"static {known[0]} mine_{n};\nstatic {known[0]} *made_{n};\n"]
    item.body = [f"\tunsigned a = mine_{n}.right(x) + mine_{n}.left(x);\n\n\tif (x % 7 == 1) {{\n\t\tdelete made_{n};\n\t\tmade_{n} = new {known[0]};\n\t}}\n",
                 f"\tif (made_{n})\n\t\ta ^= made_{n}->right(a) + ", literal(scope_of(program, item)), ";\n", finish(scope_of(program, item))]


def kinds_of_layout(program, item):
    """A class of living objects: what changes its layout is refused, what does not is no change."""
    n, scope = item.number, scope_of(program, item)
    refused = {"LAYOUT_CHANGED"}
    fields = ["\tunsigned char kind = 1;\n", "\tunsigned count = 2;\n", "\tunsigned long sum = 3;\n"]
    head, methods, name, before = f"struct Unit_{n}_ {{\n", f"\tunsigned step(unsigned x) {{ count += x; sum ^= count; return count + (unsigned)sum; }}\n", "count", ""
    kind = program.random.randrange(14)
    alone = dict(verdict=refused, alone=True)
    if kind == 0:
        edit = program.edit("base added", **alone)
        before = f"struct Root_{n}_ {{ unsigned root = 4; }};\n"
        head = [f"struct Unit_{n}_", Slot(edit, "", f" : Root_{n}_", "old"), " {\n"]
    elif kind == 1:
        edit = program.edit("first virtual function", **alone)
        methods = [methods, Slot(edit, "", "\tvirtual unsigned extra() { return count; }\n", "old")]
    elif kind == 2:
        edit = program.edit("destructor made virtual", **alone)
        methods = [methods, Slot(edit, "", f"\tvirtual ~Unit_{n}_() {{}}\n", "old")]
    elif kind == 3:
        edit = program.edit("member at the end", **alone)
        fields.append(Slot(edit, "", "\tunsigned more = 9;\n\tunsigned long most = 9;\n", "old"))
    elif kind == 4:
        edit = program.edit("member retyped", **alone)
        fields[1] = Slot(edit, fields[1], "\tint count = 2;\n", "old")
    elif kind == 5:
        edit = program.edit("members exchanged", **alone)
        fields = [fields[0], Slot(edit, fields[1] + fields[2], fields[2] + fields[1], "old")]
    elif kind == 6:
        edit = program.edit("enumerator of a class inserted", **alone)
        before = [f"enum class Mode_{n}_ : unsigned char {{ off, ", Slot(edit, "", "half, ", "old"), "on, full };\n"]
        fields.append(f"\tMode_{n}_ mode = Mode_{n}_::on;\n")
        methods = [methods, f"\tunsigned turn() {{ mode = mode == Mode_{n}_::on ? Mode_{n}_::full : Mode_{n}_::on; return (unsigned)mode; }}\n"]
    elif kind == 7:
        edit = program.edit("array member grown", **alone)
        fields.append(["\tunsigned last[", Slot(edit, "4", "6", "old"), "] = {1, 2, 3};\n"])
    elif kind == 8:
        edit = program.edit("method added", verdict="nothing")
        methods = [methods, Slot(edit, "", "\tunsigned unused(unsigned x) const { return x + count; }\n", "old")]
    elif kind == 9:
        edit = program.edit("member type named otherwise", verdict="nothing")
        before = f"using number_{n} = unsigned;\n"
        fields[1] = Slot(edit, fields[1], f"\tnumber_{n} count = 2;\n", "old")
    elif kind == 10:
        edit = program.edit("access changed", verdict="nothing")
        methods = [methods, Slot(edit, "", "private:\n", "old"), "\tunsigned hidden() { return kind; }\n"]
    elif kind == 11:
        edit = program.edit("member initialised otherwise")
        old, new = _numbers(program, 2)
        fields[1] = ["\tunsigned count = ", Slot(edit, f"{old}u", f"{new}u", "expr"), ";\n"]
    elif kind == 12:
        edit = program.edit("static member added")
        methods = [methods, Slot(edit, "", f"\tstatic inline unsigned fresh = {program.number()};\n", "both")]
        before = ""
        methods = [methods, "\tunsigned more(unsigned x)\n\t{\n", Slot(edit, "", "\t\tfresh += x;\n\t\tx ^= fresh;\n", "stmt"), "\t\treturn x + kind;\n\t}\n"]
    else:
        edit = program.edit("method made const")
        methods = [f"\tunsigned look(unsigned x) ", Slot(edit, "", "const ", "new"), "{ return x * 3 + count; }\n", methods]
    text = [before, head, fields, methods, "};\n"]
    _place(program, item, text)
    more = {6: f"\ta += own_{n}.turn();\n", 12: f"\ta += own_{n}.more(x);\n", 13: f"\ta ^= own_{n}.look(x);\n",
            7: f"\town_{n}.last[x & 3] += x;\n\ta ^= own_{n}.last[0];\n"}.get(kind, "")
    # What was made before main() would be refused.
    objects = f"static Unit_{n}_ own_{n};\n" if kind != 11 else f"static Unit_{n}_ &own_{n}_() {{ static Unit_{n}_ &made = *new Unit_{n}_; return made; }}\n#define own_{n} own_{n}_()\n"
    item.before = [item.before, objects, f"static Unit_{n}_ *fresh_{n};\n"]
    item.body = [f"\tunsigned a = own_{n}.step(x);\n\n\town_{n}.kind += 3;\n\ta += own_{n}.kind;\n", more,
                 f"\tif (x % 5 == 0) {{\n\t\tdelete fresh_{n};\n\t\tfresh_{n} = new Unit_{n}_;\n\t}}\n\tif (fresh_{n})\n\t\ta ^= fresh_{n}->step(a);\n", finish(scope)]


def header_inline(program, item):
    """Inline functions and variables of the header: one copy in the program, whatever unit it is from."""
    n, scope = item.number, scope_of(program, item, "calls", shared=True)
    k, m, size = program.number(), program.number(), program.random.choice([4, 11])
    edit = program.edit("new inline function")
    static = program.edit("static added to an inline function")
    values = _numbers(program, size)
    changed = list(values)
    changed[program.random.randrange(size)] += 1
    table = program.edit("inline constexpr table", allowed={"DATA_CHANGED"})
    words = [", ".join(map(str, v)) for v in (values, changed)]
    define = lambda name, what: f"inline constexpr unsigned {name}[{size}] = {{{what}}};\n"
    item.templates = [f"inline unsigned hits_{n} = {k};\n",
                      Slot(table, define(f"list_{n}", words[0]), define(f"list_{n}", words[1]), "given",
                           define(f"list_{n}_old", words[0]) + define(f"list_{n}_new", words[1]) + f"#define list_{n} (ON ? list_{n}_new : list_{n}_old)\n"),
                      Slot(edit, "", f"inline unsigned fresh_{n}(unsigned v)\n{{\n\tstatic unsigned seen = {m};\n\n\tseen = seen * 3 + v;\n\treturn seen ^ hits_{n};\n}}\n", "both"),
                      f"inline unsigned count_{n}(unsigned x)\n{{\n\tstatic unsigned calls = 1;\n\tunsigned a = x + calls++;\n\n", statements(scope, 1, 2),
                      Slot(static, "", f"\tstatic unsigned more = {m};\n\n\tmore += a | 1;\n\ta ^= more;\n", "stmt"),
                      f"\thits_{n} += a & ", literal(scope, 0.6), f";\n\treturn a + hits_{n} + list_{n}[x % {size}];\n}}\n",
                      f"inline unsigned (*held_{n})(unsigned) = count_{n};\n"]
    item.body = [f"\tunsigned a = held_{n}(x) + (held_{n} == count_{n});\n\n", Slot(edit, "", f"\ta ^= fresh_{n}(x);\n\tif (held_{n} != fresh_{n} && x % 3 == 1)\n\t\theld_{n} = fresh_{n};\n", "stmt"),
                 f"\ta += list_{n}[(x >> 4) % {size}];\n", finish(scope_of(program, item))]
    _remember(program, "inline", n, size, edit, item)


def uses_header_inline(program, item):
    known = _recall(program, "inline")
    if not known:
        return header_inline(program, item)
    n, size, edit, item.needs = known
    item.body = [f"\tunsigned a = count_{n}(x ^ 5) + list_{n}[x % {size}];\n\n", Slot(edit, "", f"\ta += fresh_{n}(a);\n\tif (held_{n} == fresh_{n})\n\t\theld_{n} = count_{n};\n", "stmt"),
                 f"\thits_{n} ^= x;\n", finish(scope_of(program, item))]


def scopes(program, item):
    """Statics of one name: in namespaces, anonymous or not, in overloads, in instances and nested classes."""
    n, scope = item.number, scope_of(program, item)
    starts = _numbers(program, 6, 1, 999)
    edit, fourth = program.edit("static of the same name in another scope"), program.edit("overload added")
    where = program.random.randrange(3)
    slots = [Slot(edit, "", f"\tstatic unsigned count = {starts[5]};\n\n\tcount += a | 1;\n\ta ^= count;\n", "stmt") if i == where else "" for i in range(3)]
    bump = lambda i: ["\tunsigned a = x;\n\n", slots[i], f"\t{{\n\t\tstatic unsigned count = {starts[i]};\n\n\t\tcount += ", literal(scope, 0.5), ";\n\t\ta ^= count;\n\t}\n\treturn a;\n"]
    parts = [[f"namespace First_{n}_ {{\nstatic unsigned count = {starts[3]};\nstatic unsigned bump(unsigned x)\n{{\n\tcount++;\n", bump(0), "}\n}\n"],
             [f"namespace Second_{n}_ {{\nnamespace {{\nunsigned count = {starts[4]};\nunsigned bump(unsigned x)\n{{\n\tcount += 2;\n", bump(1), "}\n}\n}\n"],
             [f"static unsigned bump_{n}(unsigned short v)\n{{\n\tunsigned x = v;\n", bump(2), "}\n"],
             f"static unsigned bump_{n}(unsigned v)\n{{\n\tstatic unsigned count = 8;\n\n\treturn count += v;\n}}\n"]
    program.random.shuffle(parts)
    item.before = [parts, Slot(fourth, "", f"static unsigned bump_{n}(unsigned long v, unsigned w)\n{{\n\tstatic unsigned count = 2;\n\n\treturn count += (unsigned)v ^ w;\n}}\n", "both")]
    item.body = [f"\tunsigned a = First_{n}_::bump(x) + Second_{n}_::bump(x) * 3;\n\n\ta ^= bump_{n}((unsigned short)x) + bump_{n}(x);\n",
                 f"\ta += First_{n}_::count ^ Second_{n}_::count;\n", Slot(fourth, "", f"\ta ^= bump_{n}(7ul, a);\n", "stmt"), finish(scope)]


def defaults(program, item):
    """Default arguments, references, names of parameters."""
    n, scope = item.number, scope_of(program, item)
    edit, rename = program.edit("default argument"), program.edit("parameter renamed", verdict="nothing")
    old, new, third = _numbers(program, 3)
    name = Slot(rename, "v", "value", "old")
    text = [f"struct Give_{n}_ {{\n\tunsigned sum = {third};\n\tunsigned take(unsigned &to, const unsigned &", name, ", unsigned more = ",
            Slot(edit, f"{old}u", f"{new}u", "expr"), ")\n\t{\n\t\tto += ", name, " + more;\n\t\tsum ^= to;\n\t\treturn sum;\n\t}\n};\n"]
    _place(program, item, text)
    item.before = [item.before, f"static Give_{n}_ give_{n};\n"]
    item.body = [f"\tunsigned a = x, b = give_{n}.take(a, x);\n\n\ta += give_{n}.take(b, ", literal(scope), f") + give_{n}.take(a, b, 3);\n", finish(scope, "a ^ b")]


def operators(program, item):
    """Overloaded operators and conversions."""
    n, scope = item.number, scope_of(program, item)
    edit = program.edit("body of an operator")
    added = program.edit("operator added")
    shared = scope_of(program, item, shared=True)
    k = program.number()
    text = [f"struct Pair_{n}_ {{\n\tunsigned p = 1, q = 2;\n\tPair_{n}_ operator+(const Pair_{n}_ &o) const {{ return {{p + o.p, q ^ ",
            literal(shared, 0.5), "}; }\n", f"\tPair_{n}_ &operator+=(unsigned v) {{ p += v; q = ", Slot(edit, "q * 3u", f"(q ^ {k}u)", "expr"), " + v; return *this; }\n",
            f"\tunsigned operator[](unsigned i) const {{ return i & 1 ? q : p; }}\n\texplicit operator unsigned() const {{ return p ^ (q << 3); }}\n",
            f"\tbool operator<(const Pair_{n}_ &o) const {{ return p != o.p ? p < o.p : q < o.q; }}\n",
            Slot(added, "", f"\tPair_{n}_ operator-() const {{ return {{p * 5, q + {k}u}}; }}\n", "both"), "};\n"]
    _place(program, item, text)
    item.before = [item.before, f"static Pair_{n}_ pairs_{n}[3];\n"]
    item.body = [f"\tPair_{n}_ &at = pairs_{n}[x % 3];\n\tunsigned a;\n\n\tat += x;\n\tat = at + pairs_{n}[(x + 1) % 3];\n",
                 Slot(added, "", "\tat = -at;\n", "stmt"),
                 f"\ta = (unsigned)at + at[x] + (at < pairs_{n}[0] ? ", literal(scope), " : 2u);\n", finish(scope)]


def tables(program, item):
    """constexpr tables, written out or computed; their places are written, readers see new values."""
    n, scope = item.number, scope_of(program, item)
    size = program.random.choice([5, 16])
    old, new = _numbers(program, 2)
    if program.chance(0.5):
        edit = program.edit("seed of a computed constexpr table", allowed={"DATA_CHANGED"})
        item.includes.add("array")
        head = (f"constexpr std::array<unsigned, {size}> fill_{n}(unsigned v)\n{{\n\tstd::array<unsigned, {size}> out{{}};\n\n"
                f"\tfor (unsigned i = 0; i < {size}; i++)\n\t\tout[i] = v = v * 1664525u + 1013904223u;\n\treturn out;\n}}\n")
        define = lambda name, v: f"static constexpr auto {name} = fill_{n}({v});\n"
        a, b = old, new
    else:
        edit = program.edit("constexpr table", allowed={"DATA_CHANGED"})
        values = _numbers(program, size)
        changed = list(values)
        changed[program.random.randrange(size)] ^= 5
        head, define = "", lambda name, v: f"static constexpr unsigned {name}[{size}] = {{{v}}};\n"
        a, b = ", ".join(map(str, values)), ", ".join(map(str, changed))
    words = program.edit("table of strings", allowed={"DATA_CHANGED"})
    texts = program.random.sample(["ash", "birch", "cedar tree", "d", "elm", "a fir, a very tall one"], 4)
    strings = lambda name, last: f"static const char *const {name}[] = {{\"{texts[0]}\", \"{last}\", \"{texts[1]}\"}};\n"
    item.before = [head, Slot(edit, define(f"row_{n}", a), define(f"row_{n}", b), "given",
                              define(f"row_{n}_old", a) + define(f"row_{n}_new", b) + f"#define row_{n} (ON ? row_{n}_new : row_{n}_old)\n"),
                   Slot(words, strings(f"word_{n}", texts[2]), strings(f"word_{n}", texts[3]), "given",
                        strings(f"word_{n}_old", texts[2]) + strings(f"word_{n}_new", texts[3]) + f"#define word_{n} (ON ? word_{n}_new : word_{n}_old)\n")]
    item.body = [f"\tunsigned a = row_{n}[x % {size}] + text_hash(word_{n}[x % 3]);\n\n\tfor (unsigned i = 0; i < {size}; i++)\n\t\ta = a * 31 + row_{n}[i];\n", finish(scope)]


def member_pointers(program, item):
    """Pointers to members, virtual and not, kept and compared."""
    n, scope = item.number, scope_of(program, item)
    edit = program.edit("member pointer compared in new code")
    text = [f"struct Ways_{n}_ {{\n\tunsigned s = 1;\n\tvirtual ~Ways_{n}_() {{}}\n\tunsigned one(unsigned x) {{ return s += x ^ ", literal(scope_of(program, item, shared=True), 0.6), "; }\n",
            "\tunsigned two(unsigned x) { return s ^ x * ", literal(scope_of(program, item, shared=True), 0.6), "; }\n\tvirtual unsigned three(unsigned x) { return s + x; }\n};\n"]
    _place(program, item, text)
    item.before = [item.before, f"struct More_{n}_ : Ways_{n}_ {{ unsigned three(unsigned x) override {{ return s * 3 ^ x; }} }};\nstatic More_{n}_ ways_{n};\n",
                   f"static unsigned (Ways_{n}_::*held_{n})(unsigned) = &Ways_{n}_::one;\n"]
    item.body = [f"\tunsigned a = (ways_{n}.*held_{n})(x);\n\n\tif (held_{n} == &Ways_{n}_::two)\n\t\ta += 3;\n",
                 f"\theld_{n} = x % 3 == 0 ? &Ways_{n}_::one : x % 3 == 1 ? &Ways_{n}_::two : &Ways_{n}_::three;\n",
                 Slot(edit, "", f"\tif (held_{n} == &Ways_{n}_::one)\n\t\theld_{n} = &Ways_{n}_::three;\n\telse if (held_{n} == &Ways_{n}_::three)\n\t\ta ^= 0x5555u;\n", "stmt"), finish(scope)]


def moved(program, item):
    """A function goes to another place of its file."""
    n, scope = item.number, scope_of(program, item)
    edit = program.edit("function moved")
    k = program.number()
    body = f"static {program.random.choice(['', '__attribute__((noinline)) '])}unsigned stray_{n}(unsigned x)\n{{\n\tstatic unsigned count = {k};\n\n\tcount = count * 3 + x;\n\treturn count;\n}}\n"
    item.before = [Slot(edit, body, f"static unsigned stray_{n}(unsigned x);\n", "given", body),
                   f"static unsigned stay_{n}(unsigned x)\n{{\n\tstatic unsigned count = 4;\n\n\tcount += x & ", literal(scope), ";\n\treturn count;\n}\n",
                   Slot(edit, "", body, "given", "")]
    item.body = [f"\tunsigned a = stray_{n}(x) ^ stay_{n}(x);\n\n", finish(scope)]


def template_kinds(program, item):
    """Variadic templates, specialisations, a base that is told of its heir, if constexpr."""
    n = item.number
    shared = scope_of(program, item, shared=True)
    edit, special, fresh = program.edit("body of a variadic template"), program.edit("specialisation changed"), program.edit("new template function")
    old, new = _numbers(program, 2)
    item.templates = [f"template <typename... T> unsigned fold_{n}(T... v)\n{{\n\tunsigned a = ", literal(shared, 0.5), ";\n\n\t((a = a * 31 + (unsigned)v), ...);\n\treturn ",
                      Slot(edit, f"a ^ {old}u", f"a + {new}u", "expr"), ";\n}\n",
                      f"template <typename T> struct Trait_{n}_ {{ static unsigned of(T v) {{ return (unsigned)v + 1; }} }};\n",
                      f"template <> inline unsigned Trait_{n}_<unsigned>::of(unsigned v) {{ return v ^ ", Slot(special, f"{old}u", f"{new}u", "expr"), "; }\n",
                      f"template <typename T, unsigned N> struct Ring_{n}_ {{\n\tT slots[N] = {{}};\n\tunsigned at = 0;\n\tT push(T v)\n\t{{\n\t\tT out = slots[at];\n\n\t\tslots[at] = (T)(v + ",
                      literal(shared, 0.5), ");\n\t\tat = (at + 1) % N;\n\t\tif constexpr (N > 4)\n\t\t\tout = (T)(out ^ ", literal(shared, 0.5), ");\n\t\treturn out;\n\t}\n};\n",
                      f"template <typename Heir> struct Told_{n}_ {{ unsigned run(unsigned x) {{ return static_cast<Heir *>(this)->step(x) + ", literal(shared, 0.5), "; } };\n",
                      Slot(fresh, "", f"template <typename T> T newly_{n}(T v)\n{{\n\tstatic T sum = 1;\n\n\treturn sum = (T)(sum * 3 + v);\n}}\n", "both")]
    item.before = [f"struct Heir_{n}_ : Told_{n}_<Heir_{n}_> {{ unsigned s = 1; unsigned step(unsigned x) {{ return s += x; }} }};\nstatic Heir_{n}_ heir_{n};\n",
                   f"static Ring_{n}_<unsigned, 3> small_{n};\nstatic Ring_{n}_<unsigned short, 7> large_{n};\n"]
    item.body = [f"\tunsigned a = fold_{n}(x, (unsigned short)x, 3u) ^ fold_{n}(x);\n\n\ta += Trait_{n}_<unsigned>::of(x) + Trait_{n}_<unsigned char>::of((unsigned char)x);\n",
                 f"\ta ^= small_{n}.push(a) + large_{n}.push((unsigned short)x) + heir_{n}.run(x);\n",
                 Slot(fresh, "", f"\ta += newly_{n}<unsigned>(x) ^ newly_{n}<unsigned short>((unsigned short)x);\n", "stmt"), finish(scope_of(program, item))]
    _remember(program, "template", n, fresh, item)


def uses_template_kinds(program, item):
    known = _recall(program, "template")
    if not known:
        return template_kinds(program, item)
    n, fresh, item.needs = known
    k = item.number
    again = program.edit("new instance of a header's template")
    item.before = [f"static Ring_{n}_<unsigned, 3> ring_{k};\n", Slot(again, "", f"static Ring_{n}_<unsigned long, 5> more_{k};\n", "both")]
    item.body = [f"\tunsigned a = ring_{k}.push(x) + fold_{n}(x, x + 1) + Trait_{n}_<unsigned>::of(x);\n\n",
                 Slot(fresh, "", f"\ta ^= newly_{n}<unsigned>(a);\n", "stmt"),
                 Slot(again, "", f"\ta += (unsigned)more_{k}.push(a);\n", "stmt"), finish(scope_of(program, item))]


MAKERS = [inheritance, uses_class, kinds_of_layout, kinds_of_layout, header_inline, uses_header_inline, uses_header_inline, scopes, defaults,
          operators, tables, member_pointers, moved, template_kinds, uses_template_kinds]
