# SPDX-License-Identifier: MIT
"""Makers of items in C++. Their functions have C names and are visible to all languages alike."""
from items import finish, literal, plain_expression, scope_of, statements
from text import Only, Slot

PRELUDE = """
namespace {
struct Failure { unsigned code; };
}
"""


def virtuals(program, item):
    """Virtual functions, called through objects that were there before."""
    scope, n = scope_of(program, item, "state"), item.number
    refused = program.edit("virtual function inserted", verdict={"LAYOUT_CHANGED"}, alone=True)
    item.before = [f"struct Shape_{n}_ {{\n\tunsigned state = {program.number()};\n\tvirtual ~Shape_{n}_() {{}}\n",
                   Slot(refused, "", f"\tvirtual unsigned extra(unsigned x) {{ return x + state; }}\n", "old"),
                   "\tvirtual unsigned area(unsigned x) { unsigned a = x + ", literal(scope, 0.7), "; state += a; return a; }\n};\n",
                   f"struct Square_{n}_ : Shape_{n}_ {{\n\tunsigned area(unsigned x) override\n\t{{\n\t\tunsigned a = x;\n\n", statements(scope, 1, 2),
                   f"\t\treturn a + Shape_{n}_::area(x) * ", literal(scope), ";\n\t}\n};\n",
                   f"static Square_{n}_ square_{n};\nstatic Shape_{n}_ *shapes_{n}[] = {{new Shape_{n}_, &square_{n}}};\n"]
    item.body = [f"\tunsigned a = shapes_{n}[x & 1]->area(x);\n\n", finish(scope_of(program, item))]


def new_class(program, item):
    """A class that only new code uses: its vtable and typeinfo come along; thrown and caught."""
    scope, n = scope_of(program, item), item.number
    edit = program.edit("new class")
    item.before = [Slot(edit, "", f"struct Base_{n}_ {{ virtual ~Base_{n}_() {{}} virtual unsigned value() {{ return 3; }} }};\n"
                        f"struct Fresh_{n}_ : Base_{n}_ {{ unsigned v; Fresh_{n}_(unsigned w) : v(w) {{}} unsigned value() override {{ return v ^ {program.number()}; }} }};\n"
                        f"static Base_{n}_ *fresh_{n};\n", "both")]
    item.body = ["\tunsigned a = ", literal(scope), " ^ x;\n",
                 Slot(edit, "", f"\tif (!fresh_{n})\n\t\tfresh_{n} = new Fresh_{n}_(x);\n\ta ^= fresh_{n}->value();\n"
                      f"\ttry {{\n\t\tif (x & 1)\n\t\t\tthrow Fresh_{n}_(a);\n\t}} catch (Base_{n}_ &caught) {{\n\t\ta += caught.value();\n\t}}\n", "stmt"), finish(scope)]


def exceptions(program, item):
    """Thrown by code that changes, caught by code that does not, and the other way; destructors run."""
    scope, n = scope_of(program, item), item.number
    edit, other = program.edit("thrown value"), program.edit("handler")
    item.before = [f"struct Guard_{n}_ {{ unsigned &to; ~Guard_{n}_() {{ to = to * 3 + 1; }} }};\nstatic unsigned unwound_{n};\n",
                   f"static __attribute__((noinline)) unsigned throws_{n}(unsigned x)\n{{\n\tGuard_{n}_ guard{{unwound_{n}}};\n\tunsigned a = x;\n\n",
                   statements(scope, 0, 1), f"\tif (x % 3 == 0)\n\t\tthrow Failure{{x ^ ", Slot(edit, f"{program.number()}u", f"{program.number(70000, 80000)}u", "expr"), "};\n\treturn a;\n}\n"]
    item.body = ["\tunsigned a = 0;\n\n", f"\ttry {{\n\t\tGuard_{n}_ own{{unwound_{n}}};\n\n\t\ta = throws_{n}(x);\n\t}} catch (const Failure &failure) {{\n",
                 "\t\ta = failure.code + ", Slot(other, "1u", "2u", "expr"), f";\n\t}}\n\ta ^= unwound_{n};\n", finish(scope)]


def templates(program, item):
    """A template of the header, with static data, made for two types in several units."""
    scope, n = scope_of(program, item), item.number
    item.templates = [f"template <typename T> struct Box_{n}_ {{\n\tstatic T total;\n\tstatic unsigned add(T x)\n\t{{\n\t\tstatic unsigned calls = 1;\n\t\tunsigned a = (unsigned)x;\n\n",
                      "\t\ttotal = (T)(total + x * ", literal(scope, 0.7), ");\n\t\treturn a + (unsigned)total + calls++;\n\t}\n};\n",
                      f"template <typename T> T Box_{n}_<T>::total = 1;\n"]
    item.body = [f"\tunsigned a = Box_{n}_<unsigned>::add(x) ^ Box_{n}_<unsigned short>::add((unsigned short)x);\n\n", finish(scope)]
    program.boxes = getattr(program, "boxes", [])
    program.boxes.append((f"Box_{n}_", item))


def uses_template(program, item):
    known = getattr(program, "boxes", [])
    if not known:
        return templates(program, item)
    scope = scope_of(program, item)
    name, other = program.random.choice(known)
    item.needs = other
    item.body = [f"\tunsigned a = {name}<unsigned>::add(x);\n\n", finish(scope)]


def new_instance(program, item):
    """A template is instantiated for another type by new code."""
    scope, n = scope_of(program, item), item.number
    edit = program.edit("new instance of a template")
    item.before = [f"template <typename T> static T twice_{n}(T v)\n{{\n\tstatic T before = 1;\n\n\tbefore = (T)(before + v);\n\treturn (T)(before * 2);\n}}\n"]
    item.body = [f"\tunsigned a = twice_{n}<unsigned>(x) + ", literal(scope), ";\n",
                 Slot(edit, "", f"\ta ^= (unsigned)twice_{n}<unsigned long>(x);\n", "stmt"), finish(scope)]


def objects(program, item):
    """A function-local object is made once, before or after the patch; a new global is constructed."""
    scope, n = scope_of(program, item), item.number
    edit = program.edit("new object with a constructor", allowed={"CONSTRUCTOR_CHANGED"})
    item.before = [f"static unsigned made_{n};\nstruct Once_{n}_ {{ unsigned v; Once_{n}_(unsigned w) : v(w) {{ made_{n}++; }} ~Once_{n}_() {{}} }};\n",
                   Slot(edit, "", f"struct Later_{n}_ {{ unsigned v; Later_{n}_(unsigned w) : v(w * 3) {{}} }};\nstatic unsigned start_{n}() {{ return {program.number()}; }}\nstatic Later_{n}_ later_{n}(start_{n}());\n", "both")]
    item.body = ["\tunsigned a = x;\n\n", f"\tif (x % 3) {{\n\t\tstatic Once_{n}_ once(x);\n\n\t\tonce.v += ", literal(scope, 0.7), f";\n\t\ta ^= once.v + made_{n};\n\t}}\n",
                 Slot(edit, "", f"\tlater_{n}.v += 3;\n\ta += later_{n}.v;\n", "stmt"), finish(scope)]


def lambdas(program, item):
    """Lambdas: called at once, and kept as function pointers."""
    scope, n = scope_of(program, item), item.number
    body = program.edit("body of a lambda")
    item.before = [f"static unsigned (*kept_{n})(unsigned);\ntemplate <typename F> static unsigned apply_{n}(F f, unsigned x) {{ return f(x) + f(x + 1); }}\n"]
    old, new = f"{program.number()}u", f"{program.number(70000, 80000)}u"
    item.body = ["\tunsigned a = x;\n\n", f"\tif (!kept_{n})\n\t\tkept_{n} = [](unsigned v) {{ return v * ", Slot(body, old, new, "expr"), f" + 1; }};\n\ta ^= kept_{n}(x);\n",
                 f"\ta += apply_{n}([=](unsigned v) {{ return v ^ a ^ ", literal(scope, 0.5), "; }, x);\n", finish(scope)]


def members(program, item):
    """A class of the header: inline members, a base, a private field that comes."""
    scope, n = scope_of(program, item, "count", shared=True), item.number
    refused = program.edit("member added to a class", verdict={"LAYOUT_CHANGED"}, alone=True)
    item.templates = [f"class Base_{n}_ {{\nprotected:\n\tunsigned count = 5;\n", Slot(refused, "", "\tunsigned more = 1;\n", "old"), "};\n",
                      f"class Player_{n}_ : Base_{n}_ {{\npublic:\n\tunsigned hit(unsigned x)\n\t{{\n\t\tunsigned a = x;\n\n", statements(scope, 1, 2),
                      "\t\tcount += a & ", literal(scope), ";\n\t\treturn count;\n\t}\n};\n"]
    item.before = [f"static Player_{n}_ player_{n};\n"]
    item.body = [f"\tunsigned a = player_{n}.hit(x);\n\n", finish(scope_of(program, item))]


MAKERS = [virtuals, new_class, exceptions, templates, uses_template, new_instance, objects, lambdas, members]
