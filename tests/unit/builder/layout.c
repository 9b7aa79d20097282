/* SPDX-License-Identifier: MIT */
/* The layout gate: what changes under live objects is refused, what cannot matter is not. */
#include "tree.h"

#include "builder/layout.h"
#include "builder/process.h"

static void compile(const char *source, const char *text, const char *object)
{
	struct strings argv = {0};
	struct process_job job = {.argv = &argv, .directory = tree_top};

	tree_write(source, text);
	strings_add(&argv, strstr(source, ".cpp") ? "g++" : "gcc");
	strings_add(&argv, "-g");
	if (strstr(source, ".cpp"))
		strings_add(&argv, "-femit-class-debug-always");
	strings_add(&argv, "-O1");
	strings_add(&argv, "-ffunction-sections");
	strings_add(&argv, "-c");
	strings_add(&argv, source);
	strings_add(&argv, "-o");
	strings_add(&argv, object);
	assert_int_equal(process_run(&job, 1, 1, NULL, NULL, NULL), 0);
	if (job.status)
		fail_msg("does not compile: %s", text);
	strings_fini(&argv);
}

/* Number of refusals; the first one's message in `message`. */
static size_t gate(const char *name, const char *old_text, const char *new_text,
		   const char *accepted, char message[2048])
{
	struct layout_gate gate = {.accepted = &accepted, .accepted_count = accepted ? 1 : 0};
	struct refusals refusals = {0};
	size_t count;

	compile(name, old_text, "o.o");
	compile(name, new_text, "p.o");
	assert_int_equal(layout_compare(&gate,
					&(struct layout_objects){.old = tree_path("o.o"),
								 .new = tree_path("p.o"),
								 .code = tree_path("o.o"),
								 .unit = name},
					&refusals, NULL),
			 0);
	count = refusals.count;
	snprintf(message, 2048, "%s", count ? refusals.list[0].message : "");
	for (size_t i = 0; i < count; i++)
		assert_int_equal(refusals.list[i].code, SUTURE_E_LAYOUT_CHANGED);
	refusals_fini(&refusals);
	layout_gate_fini(&gate);
	return count;
}

#define USE "\nint use(struct s *p) { return p->a + sizeof(*p); }\n"

static void refuse(const char *name, const char *old_text, const char *new_text, const char *with)
{
	char message[2048];

	if (!gate(name, old_text, new_text, NULL, message))
		fail_msg("not refused: %s -> %s", old_text, new_text);
	if (!strstr(message, with))
		fail_msg("\"%s\" is not in: %s", with, message);
}

static void allow(const char *name, const char *old_text, const char *new_text)
{
	char message[2048];

	if (gate(name, old_text, new_text, NULL, message))
		fail_msg("refused: %s", message);
}

static void fields(void **state)
{
	(void)state;
	refuse("x.c", "struct s { int a; int b; };" USE, "struct s { int b; int a; };" USE,
	       "a 0->4, b 4->0");
	refuse("x.c", "struct s { int a; };" USE, "struct s { int a; int b; };" USE, "size 4->8");
	refuse("x.c", "struct s { int a; int b; };" USE, "struct s { int a; };" USE, "size 8->4");
	refuse("x.c", "struct s { int a; int b; };" USE, "struct s { int a; float b; };" USE,
	       "signed 4 bytes -> float 4 bytes");
	refuse("x.c", "struct s { int a : 3; int b : 4; };" USE,
	       "struct s { int a : 4; int b : 4; };" USE, "a signed 4 bytes");
	refuse("x.c", "struct q { int c; }; struct s { int a; struct q *b; };" USE,
	       "struct r { int c; }; struct s { int a; struct r *b; };" USE,
	       "struct q * -> struct r *");
	refuse("x.c", "struct s { int a; int b[3]; char c[4]; };" USE,
	       "struct s { int a; int b[4]; };" USE, "[3]");
	refuse("x.c", "struct s { int a; struct { int x, y; } in; };" USE,
	       "struct s { int a; struct { int y, x; } in; };" USE, "in");
	/* Used by: which function a reviewer should look at. */
	refuse("x.c", "struct s { int a; };" USE, "struct s { long a; };" USE,
	       "used by use() at x.c:2");
}

static void unions_enums_typedefs(void **state)
{
	(void)state;
	refuse("x.c", "union u { int a; char b[4]; }; int use(union u *p) { return p->a; }",
	       "union u { int a; char b[8]; }; int use(union u *p) { return p->a; }", "union u");
	/* No member changes: there is one more, and it is longer. */
	refuse("x.c", "union u { int a; char b[4]; }; int use(union u *p) { return p->a; }",
	       "union u { int a; char b[4]; long c; }; int use(union u *p) { return p->a; }",
	       "union u");
	refuse("x.c", "enum e { A, B, C }; enum e v; int use(enum e x) { return x == C; }",
	       "enum e { A, N, B, C }; enum e v; int use(enum e x) { return x == C; }", "B 1->2");
	/* The first of many; all are in the table. */
	refuse("x.c", "enum e { A, B, C, D, E, F, G, H, I, J, K }; int use(enum e x) { return x; }",
	       "enum e { N, A, B, C, D, E, F, G, H, I, J, K }; int use(enum e x) { return x; }",
	       "H 7->8 and 4 more");
	refuse("x.c", "typedef struct { int a, b; } t; int use(t *p) { return p->a; }",
	       "typedef struct { int b, a; } t; int use(t *p) { return p->a; }",
	       "t changes layout");
	/* Two types of one name in blocks of one function. */
	refuse("x.c",
	       "int use(int n) { static struct k { int a, b; } v; v.a += n; return v.a + v.b; }",
	       "int use(int n) { static struct k { int b, a; } v; v.a += n; return v.a + v.b; }",
	       "struct use::k");
	allow("x.c", "enum e { A, B }; enum e v; int use(enum e x) { return x == B; }",
	      "enum e { A, B, C }; enum e v; int use(enum e x) { return x == B; }");
}

static void harmless(void **state)
{
	char message[2048];

	(void)state;
	allow("x.c", "struct s { int a; };" USE, "/* c */ struct s { int a; /* d */ };" USE);
	allow("x.c", "struct s { int a; int b; };" USE, "struct s { int a; int renamed; };" USE);
	allow("x.c", "struct s { char a; int b; };" USE,
	      "struct s { char a; char in_padding; int b; };" USE);
	allow("x.c", "struct s { int a; long long b; };" USE,
	      "struct s { signed a; long b; };" USE);
	allow("x.c", "struct s { int a; char *b; };" USE,
	      "typedef const char *text; struct s { int a; text b; };" USE);
	allow("x.c", "struct s { int a; };" USE,
	      "struct n { int z; }; struct s { int a; };" USE
	      "int more(struct n *p) { return p->z; }");
	assert_int_equal(
		gate("x.c", "struct s { int a; };" USE, "struct s { long a; };" USE, "s", message),
		0);
	assert_int_equal(
		gate("x.c", "struct s { int a; };" USE, "struct s { long a; };" USE, "t", message),
		1);
}

static void cplusplus(void **state)
{
	static const char body[] = "int use(D *p) { return p->f() + p->d; }\n";
	char old_text[512], new_text[512];

	(void)state;
	snprintf(
		old_text, sizeof(old_text),
		"struct B { int b; }; struct D : B { int d; virtual int f(); virtual int g(); };%s",
		body);
	snprintf(
		new_text, sizeof(new_text),
		"struct B { int b; }; struct D : B { int d; virtual int g(); virtual int f(); };%s",
		body);
	refuse("x.cpp", old_text, new_text, "0->1");
	snprintf(new_text, sizeof(new_text),
		 "struct B { int b; }; struct D : B { int d; virtual int f(); virtual int g(); "
		 "virtual "
		 "int h(); };%s",
		 body);
	refuse("x.cpp", old_text, new_text, "h");
	snprintf(new_text, sizeof(new_text),
		 "struct B { int b; }; struct D { int b; int d; virtual int f(); virtual int g(); "
		 "};%s",
		 body);
	refuse("x.cpp", old_text, new_text, "D changes layout");
	snprintf(new_text, sizeof(new_text),
		 "struct B { int b; }; struct D : B { int d; virtual int f(); virtual int g(); int "
		 "h(); "
		 "static int s; };%s",
		 body);
	allow("x.cpp", old_text, new_text);
	/* The same name in another namespace is another type. */
	refuse("x.cpp",
	       "namespace a { struct s { int x; }; } namespace b { struct s { int x; }; }\n"
	       "int use(a::s *p, b::s *q) { return p->x + q->x; }",
	       "namespace a { struct s { int x; }; } namespace b { struct s { long x; }; }\n"
	       "int use(a::s *p, b::s *q) { return p->x + q->x; }",
	       "struct b::s");
}

/* What shares its virtual table with the base has its slots: overriding one makes it no longer. */
static void overrides(void **state)
{
#define BASE  "struct B { virtual int f(); virtual int g(); int b; };\n"
#define USE_D "int use(D *p) { return p->f() + p->b; }\n"
	(void)state;
	allow("x.cpp", BASE "struct D : B { int f() override; };\n" USE_D,
	      BASE "struct D : B { int f() override; int g() override; };\n" USE_D);
	allow("x.cpp", BASE "struct D : B { int f() override; int g() override; };\n" USE_D,
	      BASE "struct D : B { int f() override; };\n" USE_D);
	allow("x.cpp", BASE "struct C : B { }; struct D : C { int f() override; };\n" USE_D,
	      BASE
	      "struct C : B { }; struct D : C { int f() override; int g() override; };\n" USE_D);
	refuse("x.cpp", BASE "struct D : B { int f() override; };\n" USE_D,
	       BASE "struct D : B { int f() override; virtual int g(int); };\n" USE_D, "g");
	refuse("x.cpp",
	       BASE "struct S { virtual int s(); }; struct D : B, S { int f() override; };\n" USE_D,
	       BASE "struct S { virtual int s(); }; struct D : B, S { int f() override; int s() "
		    "override; };\n" USE_D,
	       "D changes layout");
	refuse("x.cpp", BASE "struct D : virtual B { int f() override; };\n" USE_D,
	       BASE "struct D : virtual B { int f() override; int g() override; };\n" USE_D,
	       "D changes layout");
}

static void namespaces_of_members(void **state)
{
	(void)state;
	refuse("x.cpp",
	       "namespace a { struct s { int x; }; } namespace b { struct s { long x; }; }\n"
	       "struct t { a::s *p; }; long use(t *v, a::s *, b::s *q) { return v->p->x + q->x; }",
	       "namespace a { struct s { int x; }; } namespace b { struct s { long x; }; }\n"
	       "struct t { b::s *p; }; long use(t *v, a::s *, b::s *q) { return v->p->x + q->x; }",
	       "struct a::s * -> struct b::s *");
	allow("x.cpp",
	      "namespace a { struct s { int x; }; } struct t { a::s v; };\n"
	      "int use(t *p) { return p->v.x; }",
	      "namespace a { struct s { int x; }; } struct t { a::s v; };\n"
	      "int use(t *p) { return p->v.x + 1; }");
}

static void closures(void **state)
{
	static const char text[] = "template <class F> int run(F f) { return f(); }\n"
				   "int use(int a, long b) { return run([%s] { return %s; }); }\n";
	char old_text[256], new_text[256];

	(void)state;
	snprintf(old_text, sizeof(old_text), text, "a", "a");
	snprintf(new_text, sizeof(new_text), text, "a, b", "(int)(a + b)");
	allow("x.cpp", old_text, new_text); /* nothing keeps one */
	snprintf(new_text, sizeof(new_text), text, "a", "a + 1");
	allow("x.cpp", old_text, new_text);
	refuse("x.cpp", "int use(int a, long b) { static auto f = [a] { return a; }; return f(); }",
	       "int use(int a, long b) { static auto f = [a, b] { return a + (int)b; }; "
	       "return f(); }",
	       "the variable f leads to one that lives on");
	/* A lambda that captures it goes with it. */
	allow("x.cpp",
	      "int use(int a, long b) { auto f = [a] { return a; };\n"
	      "auto g = [&] { return f(); }; return g(); }",
	      "int use(int a, long b) { auto f = [a, b] { return a + (int)b; };\n"
	      "auto g = [&] { return f(); }; return g(); }");
}

static void signatures(void **state)
{
	(void)state;
	refuse("x.c", "static int f(int a) { return a; } int (*table[])(int) = {f};",
	       "static int f(long a) { return (int)a; } int (*table[])(int) = {(int (*)(int))f};",
	       "f() changes its signature");
	/* In code: handed to somebody who may keep it. */
	refuse("x.c",
	       "void keep(void *); static int f(int a) { return a; } void g(void) { keep(f); }",
	       "void keep(void *); static int f(long a) { return (int)a; } void g(void) { keep(f); "
	       "}",
	       "f() changes its signature, and its address is taken");
	allow("x.c",
	      "static __attribute__((noinline)) int f(int a) { return a; } int g(void) { return "
	      "f(1); }",
	      "static __attribute__((noinline)) int f(long a) { return (int)a; } int g(void) { "
	      "return f(1); }");
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(fields),
		in_tree(unions_enums_typedefs),
		in_tree(harmless),
		in_tree(cplusplus),
		in_tree(signatures),
		in_tree(overrides),
		in_tree(namespaces_of_members),
		in_tree(closures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
