# SPDX-License-Identifier: MIT
"""Makers of items about the library of C++, lambdas, exceptions, and objects that are made and end."""
from items import finish, literal, scope_of, statements
from text import Slot


def _pair(program):
    return program.number(1, 30000), program.number(30001, 60000)


def containers(program, item):
    """Containers that live on; new code makes others of new types."""
    n, scope = item.number, scope_of(program, item)
    fresh = program.edit("new containers", allowed={"CONSTRUCTOR_CHANGED"})
    retyped = program.edit("element of a container retyped", verdict=frozenset({"LAYOUT_CHANGED", "DATA_CHANGED", "CONSTRUCTOR_CHANGED"}), alone=True)
    step = program.edit("call of the library")
    item.includes |= {"algorithm", "map", "set", "string", "vector", "memory"}
    item.before = [f"static std::map<std::string, unsigned> names_{n};\nstatic std::vector<", Slot(retyped, "unsigned", "unsigned long", "old"),
                   f"> row_{n};\nstatic std::string text_{n} = \"start\";\n",
                   Slot(fresh, "", f"static std::map<unsigned, std::vector<std::string>> groups_{n};\nstatic std::unique_ptr<std::set<unsigned>> seen_{n};\n", "both")]
    item.body = [f"\tunsigned a = x;\n\n\tnames_{n}[std::to_string(x % 11)] += ", literal(scope, 0.5), f";\n\trow_{n}.push_back(x ^ ", literal(scope, 0.5), ");\n",
                 f"\tif (row_{n}.size() > 20)\n\t\trow_{n}.erase(row_{n}.begin(), row_{n}.begin() + ", Slot(step, "7", "13", "expr"), ");\n",
                 f"\ttext_{n} += (char)('a' + x % 26);\n\tif (text_{n}.size() > 40)\n\t\ttext_{n}.erase(0, 17);\n",
                 Slot(fresh, "", f"\tgroups_{n}[x % 5].push_back(text_{n});\n\tif (!seen_{n})\n\t\tseen_{n} = std::make_unique<std::set<unsigned>>();\n\tseen_{n}->insert(x % 64);\n"
                      f"\ta += (unsigned)(groups_{n}.begin()->second.size() + seen_{n}->size()) + *seen_{n}->begin();\n", "stmt"),
                 f"\tfor (auto &[key, value] : names_{n})\n\t\ta = a * 31 + value + (unsigned)key.size();\n\tfor (auto v : row_{n})\n\t\ta ^= (unsigned)v * 3;\n\ta += text_hash(text_{n}.c_str());\n",
                 finish(scope)]


def kept_lambdas(program, item):
    """Lambdas with captures in std::function: living ones get new bodies, whatever their numbers are."""
    n, scope = item.number, scope_of(program, item)
    body, before, swapped = program.edit("body of a kept lambda"), program.edit("lambda inserted before others"), program.edit("lambdas exchanged")
    capture = program.edit("capture added to a kept lambda", allowed={"LAYOUT_CHANGED"})
    mutable = program.edit("body of a lambda with state")
    item.includes |= {"functional"}
    k = [program.number() for _ in range(8)]
    lines = [f"\t\tkept_{n}[{i}] = [](unsigned v) {{ return v * {k[i]}u + {i}; }};\n" for i in (2, 3)]
    item.before = [f"static std::function<unsigned(unsigned)> kept_{n}[6];\n"]
    held = f"\t\tkept_{n}[4] = [k](unsigned v) {{ return v ^ k ^ {k[5]}u; }};\n"
    item.body = [f"\tunsigned a = x, k = x & 15;\n\n", Slot(before, "", f"\ta += [](unsigned v) {{ return v + {k[4]}u; }}(a);\n", "stmt"),
                 f"\tif (!kept_{n}[0]) {{\n\t\tkept_{n}[0] = [k](unsigned v) {{ return v * ", Slot(body, f"{k[6]}u", f"{k[6] + 3}u", "expr"), " + k; };\n",
                 f"\t\tkept_{n}[1] = [k](unsigned v) mutable {{ k += v; return k ^ ", Slot(mutable, f"{k[7]}u", f"{k[7] + 5}u", "expr"), "; };\n",
                 Slot(swapped, lines[0] + lines[1], lines[1] + lines[0], "given", lines[0] + lines[1]),
                 Slot(capture, held, held.replace("[k]", "[k, x]").replace("v ^ k", "v ^ k ^ x"), "given", held), "\t}\n",
                 f"\tfor (unsigned i = 0; i < 5; i++)\n\t\ta = a * 31 + kept_{n}[i](x + i);\n", finish(scope)]


def sorting(program, item):
    """Lambdas in algorithms, with captures by value and by reference."""
    n, scope = item.number, scope_of(program, item)
    order, captures, call = program.edit("comparison of a sort"), program.edit("captures of a lambda", allowed={"LAYOUT_CHANGED"}), program.edit("lambda put around code")
    item.includes |= {"algorithm", "array", "numeric"}
    item.before = [f"static std::array<unsigned, 9> held_{n} = {{9, 3, 7}};\n"]
    k = program.number()
    item.body = [f"\tunsigned a = x, k = x >> 5;\n\n\theld_{n}[x % 9] += x;\n\tstd::sort(held_{n}.begin(), held_{n}.end(), [k](unsigned p, unsigned q) {{ return ",
                 Slot(order, "p < q", f"(p ^ {k}u) > (q ^ {k}u)", "expr"), "; });\n",
                 f"\tstd::for_each(held_{n}.begin(), held_{n}.end(), [", Slot(captures, "&a", "&a, k", "given", "&a, k"), "](unsigned &v) { a = a * 33 + v; v ^= ",
                 literal(scope, 0.5), Slot(captures, "", " + k", "given", " + (ON ? k : 0u)"), "; });\n",
                 Slot(call, "", f"\ta = [&](unsigned v) {{ return std::accumulate(held_{n}.begin(), held_{n}.end(), v ^ k); }}(a);\n", "stmt"), finish(scope)]


def variants(program, item):
    """A std::variant in state, visited; an alternative more is another layout."""
    n, scope = item.number, scope_of(program, item)
    refused = program.edit("alternative of a variant added", verdict=frozenset({"LAYOUT_CHANGED", "DATA_CHANGED", "CONSTRUCTOR_CHANGED"}), alone=True)
    visit, taken = program.edit("visitor changed"), program.edit("other alternative chosen")
    item.includes |= {"string", "variant", "optional"}
    item.before = [f"struct Both_{n}_ {{ unsigned p, q; }};\nstatic std::variant<unsigned, std::string, Both_{n}_", Slot(refused, "", ", double", "old"), f"> state_{n};\n",
                   f"static std::optional<unsigned> maybe_{n};\n",
                   f"struct Visit_{n}_ {{\n\tunsigned x;\n\tunsigned operator()(unsigned &v) {{ v += x; return v ^ ", literal(scope, 0.6), "; }\n",
                   "\tunsigned operator()(std::string &v) { v += 'c'; return text_hash(v.c_str()) + ", Slot(visit, "1u", "7u", "expr"), "; }\n",
                   f"\tunsigned operator()(Both_{n}_ &v) {{ v.p ^= x; v.q++; return v.p + v.q; }}\n", Slot(refused, "", "\tunsigned operator()(double &v) { return (unsigned)v; }\n", "old"), "};\n"]
    item.body = [f"\tunsigned a = std::visit(Visit_{n}_{{x}}, state_{n});\n\n\tif (x % 4 == 1)\n\t\tstate_{n} = x;\n\telse if (x % 4 == 2)\n\t\tstate_{n} = ",
                 Slot(taken, f"std::string(\"variant {n}\")", f"std::string(\"another, longer one than before {n}\")", "expr"), f";\n\telse if (x % 8 == 3)\n\t\tstate_{n} = Both_{n}_{{x, 3}};\n",
                 f"\tif (maybe_{n})\n\t\ta += *maybe_{n};\n\tif (x & 1)\n\t\tmaybe_{n} = a;\n\telse\n\t\tmaybe_{n}.reset();\n", finish(scope)]


def endings(program, item):
    """Destructors that count, on every way out; objects owned by pointers."""
    n, scope = item.number, scope_of(program, item)
    end, order, early = program.edit("destructor changed"), program.edit("object added to a scope"), program.edit("early return")
    old, new = _pair(program)
    item.includes.add("memory")
    item.before = [f"static unsigned ended_{n};\nstruct End_{n}_ {{\n\tunsigned v;\n\tEnd_{n}_(unsigned w) : v(w) {{ ended_{n} += ", literal(scope, 0.4), "; }\n",
                   f"\tvirtual ~End_{n}_()\n\t{{\n\t\tended_{n} = ended_{n} * 3 + v;\n", Slot(end, "", f"\t\tended_{n} ^= {new}u;\n", "stmt"), "\t}\n};\n",
                   f"struct Late_{n}_ : End_{n}_ {{\n\tusing End_{n}_::End_{n}_;\n\t~Late_{n}_() {{ ended_{n} ^= v * ", literal(scope, 0.6), "; }\n};\n",
                   f"static std::unique_ptr<End_{n}_> own_{n};\nstatic std::shared_ptr<End_{n}_> common_{n}[2];\n",
                   f"static __attribute__((noinline)) unsigned leave_{n}(unsigned x)\n{{\n\tEnd_{n}_ first(x);\n",
                   Slot(order, "", f"\tLate_{n}_ second(x ^ {old}u);\n", "given", f"\tstd::unique_ptr<Late_{n}_> second(ON ? new Late_{n}_(x ^ {old}u) : nullptr);\n"),
                   Slot(early, "", f"\tif (x % 3 == 1)\n\t\treturn {old}u;\n", "stmt"),
                   f"\tif (x & 2)\n\t\treturn first.v ^ 5;\n\tEnd_{n}_ third(x + 1);\n\treturn third.v;\n}}\n"]
    item.body = [f"\tunsigned a = leave_{n}(x);\n\n\tif (x % 3 == 0)\n\t\town_{n} = std::make_unique<Late_{n}_>(x);\n\telse if (x % 3 == 1)\n\t\town_{n}.reset(new End_{n}_(a));\n",
                 f"\tcommon_{n}[x & 1] = x & 4 ? std::make_shared<Late_{n}_>(a) : common_{n}[1];\n\ta ^= ended_{n};\n", finish(scope)]


def throwers(program, item):
    """Exceptions through frames that are patched, and through others; classes that new code throws."""
    n, scope = item.number, scope_of(program, item, "v")
    throw, caught, fresh, more = (program.edit(kind) for kind in ("throw added", "catch added", "new exception class", "rethrown"))
    fresh.allowed.add("UNSUPPORTED")  # without -fPIE: an imported destructor's address in code
    old, new = _pair(program)
    item.includes |= {"algorithm", "stdexcept", "string", "vector"}
    item.before = [f"struct Mark_{n}_ {{ unsigned &to; ~Mark_{n}_() {{ to = to * 5 + 1; }} }};\nstatic unsigned passed_{n};\n",
                   Slot(fresh, "", f"struct Broken_{n}_ : std::runtime_error {{ unsigned code; Broken_{n}_(unsigned c) : std::runtime_error(std::to_string(c)), code(c) {{}} }};\n", "both"),
                   f"static __attribute__((noinline)) unsigned inner_{n}(unsigned v)\n{{\n\tMark_{n}_ mark{{passed_{n}}};\n\tunsigned a = v, x = v;\n\n",
                   statements(scope, 0, 1), Slot(throw, "", f"\tif (v % 4 == 1)\n\t\tthrow Failure{{v ^ {old}u}};\n", "stmt"),
                   Slot(fresh, "", f"\tif (v % 4 == 2)\n\t\tthrow Broken_{n}_(v & 255);\n", "stmt"),
                   f"\tif (v % 8 == 7)\n\t\tthrow std::string(\"seven\");\n\treturn a;\n}}\n",
                   f"static __attribute__((noinline)) unsigned middle_{n}(unsigned x)\n{{\n\tMark_{n}_ mark{{passed_{n}}};\n\tstd::vector<unsigned> row{{x, x + 1, x + 2}};\n\tunsigned a = 0;\n\n",
                   f"\tstd::for_each(row.begin(), row.end(), [&](unsigned v) {{ a += inner_{n}(v); }});\n\treturn a;\n}}\n",
                   f"static __attribute__((noinline)) unsigned outer_{n}(unsigned x)\n{{\n\tMark_{n}_ mark{{passed_{n}}};\n\n",
                   Slot(caught, "", f"\tif (x & 1)\n\t\ttry {{\n\t\t\treturn middle_{n}(x) ^ {new}u;\n\t\t}} catch (const std::string &s) {{\n\t\t\treturn (unsigned)s.size() + {old}u;\n\t\t}}\n", "stmt"),
                   f"\ttry {{\n\t\treturn middle_{n}(x);\n\t}} catch (const Failure &failure) {{\n\t\tpassed_{n} += failure.code;\n", Slot(more, "", "\t\tthrow;\n", "stmt"),
                   "\t\treturn ", literal(scope, 0.5), ";\n\t}\n}\n"]
    item.body = [f"\tunsigned a = 0;\n\n\ttry {{\n\t\ta = outer_{n}(x);\n\t}} catch (const std::exception &e) {{\n\t\ta = text_hash(e.what());\n\t}} catch (const std::string &s) {{\n\t\ta = (unsigned)s.size() * ",
                 literal(scope, 0.5), f";\n\t}} catch (...) {{\n\t\ta = 77;\n\t}}\n\ta ^= passed_{n};\n", finish(scope_of(program, item))]


def local_objects(program, item):
    """Objects in functions, made once: a changed initialiser is for those that are not made yet."""
    n, scope = item.number, scope_of(program, item)
    init, late, fresh = program.edit("initialiser of a local static object"), program.edit("initialiser of one not made yet"), program.edit("new local static object")
    old, new = _pair(program)
    item.includes |= {"string", "map"}
    item.before = [f"struct Made_{n}_ {{ unsigned v; std::string s; Made_{n}_(unsigned w, const char *t) : v(w), s(t) {{}} ~Made_{n}_() {{ v = 0; }} }};\nstatic unsigned steps_{n};\n"]
    item.body = [f"\tstatic Made_{n}_ made(x ^ ", Slot(init, f"{old}u", f"{new}u", "expr"), f", \"made {n}\");\n\tunsigned a = made.v++ + x;\n\n\tsteps_{n}++;\n\tmade.s += 'x';\n\ta ^= text_hash(made.s.c_str());\n",
                 f"\tif (steps_{n} > 33) {{\n\t\tstatic const std::map<unsigned, std::string> later{{{{1, \"one\"}}, {{2, ", Slot(late, '"two"', '"zwei"', "expr"), "}};\n\n\t\ta += text_hash(later.at(1 + (x & 1)).c_str());\n\t}\n",
                 f"\tif (made.s.size() > 60)\n\t\tmade.s.resize(5);\n",
                 Slot(fresh, "", f"\tstatic Made_{n}_ again(a, \"again\");\n\n\ta += again.v++ + (unsigned)again.s.size();\n", "stmt"), finish(scope)]


def global_objects(program, item):
    """Global objects that constructors have made: another argument is refused."""
    n, scope = item.number, scope_of(program, item)
    edit = program.edit("argument of a global's constructor", verdict=frozenset({"CONSTRUCTOR_CHANGED", "DATA_CHANGED"}), alone=True)
    old, new = _pair(program)
    item.includes |= {"string", "vector"}
    item.before = [f"struct Global_{n}_ {{\n\tstd::string name;\n\tstd::vector<unsigned> v;\n\tGlobal_{n}_(unsigned k, const char *s) : name(s), v{{k, k + 1}} {{}}\n"
                   f"\tunsigned step(unsigned x) {{ v[x & 1] += x ^ ", literal(scope, 0.6), "; return v[0] ^ (unsigned)name.size(); }\n};\n",
                   f"static Global_{n}_ global_{n}(", Slot(edit, str(old), str(new), "old"), f", \"global {n}\");\n"]
    item.body = [f"\tunsigned a = global_{n}.step(x);\n\n", finish(scope)]


def factory(program, item):
    """Objects of many classes behind pointers; a new class comes, its objects stay after the revert."""
    n, scope = item.number, scope_of(program, item)
    edit = program.edit("new heir made by new code")
    k = program.number()
    item.includes |= {"memory", "typeinfo", "vector"}
    item.before = [f"struct Actor_{n}_ {{ unsigned hp = 9; virtual ~Actor_{n}_() {{}} virtual unsigned act(unsigned x) = 0; }};\n",
                   f"struct Troll_{n}_ : Actor_{n}_ {{ unsigned act(unsigned x) override {{ hp += x; return hp ^ ", literal(scope, 0.6), "; } };\n",
                   f"struct Elf_{n}_ final : Actor_{n}_ {{ unsigned act(unsigned x) override {{ hp ^= x; return hp * ", literal(scope, 0.6), "; } };\n",
                   Slot(edit, "", f"struct Orc_{n}_ : Troll_{n}_ {{ unsigned rage = {k}; unsigned act(unsigned x) override {{ rage += x; return Troll_{n}_::act(rage); }} }};\n", "both"),
                   f"static std::vector<std::unique_ptr<Actor_{n}_>> actors_{n};\n"]
    item.body = [f"\tunsigned a = x;\n\n\tif (actors_{n}.size() > 6)\n\t\tactors_{n}.erase(actors_{n}.begin(), actors_{n}.begin() + 2);\n",
                 Slot(edit, "", f"\tif (x % 3 == 0)\n\t\tactors_{n}.push_back(std::make_unique<Orc_{n}_>());\n", "stmt"),
                 f"\tif (x & 1)\n\t\tactors_{n}.push_back(std::make_unique<Troll_{n}_>());\n\telse\n\t\tactors_{n}.push_back(std::make_unique<Elf_{n}_>());\n",
                 f"\tfor (auto &each : actors_{n})\n\t\ta = a * 31 + each->act(x) + (typeid(*each) == typeid(Elf_{n}_) ? 2 : 1);\n", finish(scope)]


def thread_objects(program, item):
    """Objects of a thread, with constructors."""
    n, scope = item.number, scope_of(program, item)
    item.includes.add("string")
    item.before = [f"struct Meter_{n}_ {{ unsigned v; std::string s; Meter_{n}_(unsigned w) : v(w), s(\"meter\") {{}} }};\nstatic thread_local Meter_{n}_ meter_{n}({program.number()});\n"
                   f"struct Own_{n}_ {{ static inline thread_local unsigned mine = 3; }};\n"]
    item.body = [f"\tunsigned a = meter_{n}.v += x ^ ", literal(scope, 0.7), f";\n\n\ta += Own_{n}_::mine++;\n\tmeter_{n}.s = std::to_string(a % 1000);\n\ta ^= text_hash(meter_{n}.s.c_str());\n", finish(scope)]


def lambda_statics(program, item):
    """Statics inside lambdas, generic ones too, while lambdas come and go in front of them."""
    n, scope = item.number, scope_of(program, item)
    before, gone, instance, among = (program.edit(kind) for kind in ("lambda with a static inserted", "lambda with a static removed",
                                                                    "generic lambda called with another type", "static added to a lambda"))
    k = [program.number(1, 999) for _ in range(7)]
    fixed = f"\ta += [](unsigned v) {{ static unsigned calls = {k[1]}; return v ^ (calls += 3); }}(a);\n"
    item.body = ["\tunsigned a = x;\n\n", Slot(before, "", f"\ta ^= [](unsigned v) {{ static unsigned calls = {k[0]}; return v + calls++; }}(a);\n", "stmt"),
                 "\ta = a * 3 + 1;\n", Slot(gone, fixed, "", "stmt"),  # not beside the other: a line that becomes another one is edited
                 f"\tauto second = [&](unsigned v) {{\n\t\tstatic unsigned calls = {k[2]};\n\n\t\tcalls = calls * 3 + v + ", literal(scope, 0.6), ";\n",
                 Slot(among, "", f"\t\t{{\n\t\t\tstatic unsigned calls = {k[3]};\n\n\t\t\ta += calls++;\n\t\t}}\n", "stmt"),
                 f"\t\treturn calls ^ a;\n\t}};\n\tauto generic = [](auto v) {{ static unsigned calls = {k[4]}; return (unsigned)(v * ", literal(scope, 0.4), ") + calls++; };\n",
                 "\ta ^= second(x) + second(a);\n\ta += generic(x) ^ generic((unsigned short)x);\n",
                 Slot(instance, "", "\ta ^= generic((unsigned char)x);\n", "stmt"), finish(scope)]


def header_lambdas(program, item):
    """Lambdas with statics in an inline function of the header: every unit has them, one copy runs."""
    n, shared = item.number, scope_of(program, item, shared=True)
    before, body = program.edit("lambda inserted in an inline function"), program.edit("body of a lambda in an inline function")
    k = [program.number(1, 999) for _ in range(5)]
    item.header_includes.add("functional")
    item.templates = [f"inline unsigned with_{n}(unsigned x)\n{{\n\tstatic std::function<unsigned(unsigned)> kept;\n\tunsigned a = x;\n\n",
                      Slot(before, "", f"\ta ^= [](unsigned v) {{ static unsigned calls = {k[0]}; return v + calls++; }}(a);\n", "stmt"),
                      f"\tif (!kept)\n\t\tkept = [k = x & 7](unsigned v) {{ static unsigned calls = {k[1]}; calls += v; return calls * ", Slot(body, f"{k[2]}u", f"{k[2] + 2}u", "expr"), " + k; };\n",
                      f"\ta += kept(a) + [=](unsigned v) {{ static unsigned calls = {k[3]}; return v ^ a ^ (calls += ", literal(shared, 0.5), "); }(x);\n\treturn a;\n}\n"]
    item.body = [f"\tunsigned a = with_{n}(x);\n\n", finish(scope_of(program, item))]
    program.withs = getattr(program, "withs", [])
    program.withs.append((n, item))


def uses_header_lambdas(program, item):
    known = getattr(program, "withs", [])
    if not known:
        return header_lambdas(program, item)
    n, item.needs = program.random.choice(known)
    item.body = [f"\tunsigned a = with_{n}(x) ^ ", literal(scope_of(program, item)), ";\n\n", finish(scope_of(program, item))]


def local_classes(program, item):
    """Classes of one name in several blocks of a function, with statics in their methods."""
    n, scope = item.number, scope_of(program, item)
    k = [program.number(1, 999) for _ in range(4)]
    block = lambda value, change: ["\t{\n\t\tstruct Local { unsigned go(unsigned v) { static unsigned count = ", str(value), "; return count = count * 3 + v + ", change, "; } };\n\n\t\ta ^= Local().go(x);\n\t}\n"]
    where = program.random.randrange(3)
    edit = program.edit("local class of the same name added", verdict={"UNSUPPORTED"}, alone=True)
    fresh = [Slot(edit, "", "".join(block(k[3], "1u")), "stmt") if i == where else "" for i in range(3)]
    item.body = ["\tunsigned a = x;\n\n", fresh[0], block(k[0], literal(scope, 0.6)), fresh[1], block(k[1], literal(scope, 0.6)), fresh[2], finish(scope)]


def diamond(program, item):
    """Virtual bases, covariant results."""
    n, scope = item.number, scope_of(program, item)
    added = program.edit("call through a virtual base in new code")
    item.before = [f"struct Top_{n}_ {{ unsigned t = 1; virtual ~Top_{n}_() {{}} virtual unsigned go(unsigned x) {{ return t += x; }} virtual Top_{n}_ *self() {{ return this; }} }};\n",
                   f"struct West_{n}_ : virtual Top_{n}_ {{ unsigned w = 2; unsigned go(unsigned x) override {{ return (w += x) ^ ", literal(scope, 0.6), f"; }} West_{n}_ *self() override {{ return this; }} }};\n",
                   f"struct East_{n}_ : virtual Top_{n}_ {{ unsigned e = 3; virtual unsigned side(unsigned x) {{ return e ^= x * ", literal(scope, 0.6), "; } };\n",
                   f"struct Base_{n}_ : West_{n}_, East_{n}_ {{ unsigned go(unsigned x) override {{ return West_{n}_::go(x) + e + ", literal(scope, 0.6), f"; }} Base_{n}_ *self() override {{ return this; }} }};\n",
                   f"static Top_{n}_ *tops_{n}[3];\n"]
    item.body = [f"\tunsigned a = x;\n\n\tif (!tops_{n}[0]) {{\n\t\ttops_{n}[0] = new Top_{n}_;\n\t\ttops_{n}[1] = new West_{n}_;\n\t\ttops_{n}[2] = new Base_{n}_;\n\t}}\n",
                 f"\ta ^= tops_{n}[x % 3]->self()->go(x);\n\tif (auto *east = dynamic_cast<East_{n}_ *>(tops_{n}[(x >> 2) % 3]))\n\t\ta += east->side(a);\n",
                 Slot(added, "", f"\tif (auto *all = dynamic_cast<Base_{n}_ *>(tops_{n}[2]))\n\t\ta += static_cast<East_{n}_ *>(all->self())->go(1) + (all->self() == tops_{n}[2]);\n", "stmt"), finish(scope)]


MAKERS = [containers, kept_lambdas, kept_lambdas, sorting, variants, endings, throwers, throwers, local_objects, global_objects, factory, thread_objects,
          lambda_statics, lambda_statics, header_lambdas, uses_header_lambdas, local_classes, diamond]
