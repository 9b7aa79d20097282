/* SPDX-License-Identifier: MIT */
/* What goes into a patch: exactly what changed, bound to what is there. */
#include "core_kit.h"

#include "patch/format.h"

#include <elf.h>

static const char main_unit[] =
	"int work(int);\n"
	"int main(int argc, char **argv) { (void)argv; return work(argc); }\n";

#define HEAD "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"

struct edit {
	const char *before, *after, *functions;
};

static void expect_patch(const char *compiler, const char *flags, const struct edit *edit)
{
	struct kit kit = {.compiler = compiler, .flags = flags};

	kit_build(&kit, edit->before, edit->after, main_unit);
	kit_expect(&kit, CORE_PATCH);
	if (edit->functions)
		kit_expect_functions(&kit, edit->functions);
	kit_close(&kit);
}

static void expect_refusal(const struct edit *edit, enum suture_code code, const char *part)
{
	struct kit kit = {0};

	kit_build(&kit, edit->before, edit->after, main_unit);
	kit_expect_refusal(&kit, code, part);
	kit_close(&kit);
}

static void renumbered_labels_and_pools_are_no_change(void **state)
{
	/* A new string in an unused function moves all .LC numbers; nothing else changes. */
	static const char before[] =
		HEAD "int work(int x) { puts(\"a\"); puts(\"b\"); return x; }\n"
		     "int late(double d) { return d > 2.5 ? puts(\"c\") : 0; }\n";
	static const char after[] =
		HEAD "static int early(void) { return puts(\"new\") + puts(\"0\"); }\n"
		     "int work(int x) { puts(\"a\"); puts(\"b\"); return x; }\n"
		     "int (*unused(void))(void);\n"
		     "int late(double d) { return d > 2.5 ? puts(\"c\") : 0; }\n";
	static const char *const flags[] = {"-O0", "-O2", "-Os"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct kit kit = {.flags = flags[i]};

		kit_build(&kit, before, after, main_unit);
		kit_expect(&kit, CORE_NOTHING);
		kit_close(&kit);
	}
}

static void one_function_changes_alone(void **state)
{
	static const struct edit edit = {
		HEAD "__attribute__((noinline)) static int one(int x) { return x + 1; }\n"
		     "__attribute__((noinline)) static int two(int x) { return x + 2; }\n"
		     "int work(int x) { return one(x) + two(x); }\n",
		HEAD "__attribute__((noinline)) static int one(int x) { return x + 3; }\n"
		     "__attribute__((noinline)) static int two(int x) { return x + 2; }\n"
		     "int work(int x) { return one(x) + two(x); }\n",
		"changed:one"};

	(void)state;
	expect_patch("gcc", "-O0", &edit);
	expect_patch("gcc", "-O2", &edit);
	expect_patch("gcc", "-Os", &edit);
	expect_patch("clang", "-O2", &edit);
}

static void inlined_function_changes_its_callers(void **state)
{
	static const struct edit edit = {HEAD "static inline int small(int x) { return x + 1; }\n"
					      "int a(int x) { return small(x) * 2; }\n"
					      "int b(int x) { return x * 5; }\n"
					      "int work(int x) { return small(x) * 3; }\n",
					 HEAD "static inline int small(int x) { return x + 2; }\n"
					      "int a(int x) { return small(x) * 2; }\n"
					      "int b(int x) { return x * 5; }\n"
					      "int work(int x) { return small(x) * 3; }\n",
					 "changed:a changed:work"};

	(void)state;
	expect_patch("gcc", "-O2", &edit);
}

static void changed_string_changes_its_user(void **state)
{
	static const struct edit edit = {HEAD "int a(void) { return puts(\"same\"); }\nint "
					      "work(int x) { return puts(\"old\") + x; }\n",
					 HEAD "int a(void) { return puts(\"same\"); }\nint "
					      "work(int x) { return puts(\"new\") + x; }\n",
					 "changed:work"};

	(void)state;
	expect_patch("gcc", "-O0", &edit);
	expect_patch("gcc", "-O2", &edit);
	expect_patch("clang", "-O2", &edit);
}

static void changed_jump_table_entry_changes_its_user(void **state)
{
	static const struct edit edit = {
		HEAD "int work(int x) { switch (x) { case 0: return puts(\"0\"); case 1: return 3;"
		     "case 2: return abs(x); case 3: return 9; case 4: return rand(); case 5: "
		     "return 2; } return 1; }\n",
		HEAD
		"int work(int x) { switch (x) { case 0: return puts(\"0\"); case 1: return abs(x);"
		"case 2: return 3; case 3: return 9; case 4: return rand(); case 5: return 2; } "
		"return 1; }\n",
		"changed:work"};

	(void)state;
	expect_patch("gcc", "-O2", &edit);
	expect_patch("gcc", "-Os", &edit);
}

/* Only the cold part differs: a fix on an error path must not be lost. */
static void changed_cold_part_changes_its_function(void **state)
{
	static const struct edit edit = {
		HEAD "__attribute__((cold, noinline)) int bad(int x) { return x + rand(); }\n"
		     "int work(int x) { if (__builtin_expect(x > 100, 0)) { puts(\"x\"); return "
		     "bad(1) + bad(2) + bad(3); } return x * 3; }\n",
		HEAD "__attribute__((cold, noinline)) int bad(int x) { return x + rand(); }\n"
		     "int work(int x) { if (__builtin_expect(x > 100, 0)) { puts(\"x\"); return "
		     "bad(1) + bad(2) + bad(4); } return x * 3; }\n",
		"changed:work"};

	(void)state;
	expect_patch("gcc", "-O2", &edit);
}

static void new_function_and_data_come_along(void **state)
{
	struct kit kit = {0};

	(void)state;
	kit_build(&kit, HEAD "int work(int x) { return x; }\n",
		  HEAD "static int added = 41;\n"
		       "__attribute__((noinline)) static int fresh(int x) { return added += x; }\n"
		       "int unused(void) { return 5; }\n"
		       "int work(int x) { return fresh(x) + x; }\n",
		  main_unit);
	kit_expect(&kit, CORE_PATCH);
	kit_expect_functions(&kit, "new:fresh changed:work");
	assert_int_equal(kit.result.data_count, 1);
	assert_string_equal(kit.result.data[0].name, "added");
	assert_int_equal(kit.result.data[0].kind, CORE_DATUM_NEW);
	kit_close(&kit);
}

/* Two statics of one name in two blocks, a third in front: each keeps what it had. */
static void same_named_statics_are_told_apart(void **state)
{
	static const struct edit edit = {
		"int work(int x)\n{\n"
		"	if (x > 0) {\n		static int n; return n += x;\n	}\n"
		"	{\n		static int n; return n -= x;\n	}\n}\n",
		"int work(int x)\n{\n"
		"#line 1000\n"
		"	if (x == 77) {\n		static int n = 7; return n *= x;\n	}\n"
		"#line 3\n"
		"	if (x > 0) {\n		static int n; return n += x;\n	}\n"
		"	{\n		static int n; return n -= x;\n	}\n}\n",
		"changed:work"};
	static const struct {
		const char *compiler, *flags;
	} modes[] = {{"gcc", "-O0"}, {"gcc", "-O2"}, {"clang", "-O0"}, {"clang", "-O2"}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct kit kit = {.compiler = modes[i].compiler, .flags = modes[i].flags};

		kit_build(&kit, edit.before, edit.after, main_unit);
		kit_expect(&kit, CORE_PATCH);
		kit_expect_functions(&kit, edit.functions);
		assert_int_equal(kit.result.data_count, 1);
		assert_int_equal(kit.result.data[0].kind, CORE_DATUM_NEW);
		kit_close(&kit);
	}
}

static void statics_that_look_alike_are_refused(void **state)
{
	static const struct edit edit = {
		"int work(int x)\n{\n"
		"	if (x > 0) {\n		static int n; return n += x;\n	}\n"
		"	{\n		static int n; return n -= x;\n	}\n}\n",
		"int work(int x)\n{\n"
		"	x++;\n\n\n\n\n\n\n\n"
		"	if (x > 0) {\n		static int n; return n += x;\n	}\n"
		"	{\n		static int n; return n -= x;\n	}\n}\n",
		NULL};

	(void)state;
	expect_refusal(&edit, SUTURE_E_UNRESOLVED_SYMBOL, "can't be told apart");
}

static void initial_value_needs_a_decision(void **state)
{
	static const struct edit edit = {"int limit = 5;\nint work(int x) { return x + limit; }\n",
					 "int limit = 6;\nint work(int x) { return x + limit; }\n",
					 NULL};
	struct kit keep = {.decision = "limit", .policy = CORE_DATA_KEEP};
	struct kit set = {.decision = "limit", .policy = CORE_DATA_SET};

	(void)state;
	expect_refusal(&edit, SUTURE_E_DATA_CHANGED, "5 (4 bytes) -> 6 (4 bytes)");
	kit_build(&keep, edit.before, edit.after, main_unit);
	kit_expect(&keep, CORE_NOTHING);
	assert_int_equal(keep.result.data[0].kind, CORE_DATUM_KEEP);
	kit_close(&keep);
	kit_build(&set, edit.before, edit.after, main_unit);
	kit_expect(&set, CORE_PATCH);
	assert_int_equal(set.result.data[0].kind, CORE_DATUM_SET);
	kit_close(&set);
}

static void constant_table_is_changed_in_place(void **state)
{
	struct kit kit = {0};

	(void)state;
	kit_build(&kit,
		  "static const int prices[4] = {1, 2, 3, 4};\nint work(int x) { return prices[x & "
		  "3]; }\n",
		  "static const int prices[4] = {1, 2, 9, 4};\nint work(int x) { return prices[x & "
		  "3]; }\n",
		  main_unit);
	kit_expect(&kit, CORE_PATCH);
	kit_expect_functions(&kit, "");
	assert_int_equal(kit.result.data_count, 1);
	assert_int_equal(kit.result.data[0].kind, CORE_DATUM_CONST);
	assert_int_equal(kit.result.idle_count, 1);
	assert_string_equal(kit.result.idle[0].name, "work");
	kit_close(&kit);
}

/* What is in the table that changes, instead of how many bytes it has. */
static void a_table_of_addresses_is_told_by_its_entry(void **state)
{
	static const char head[] =
		"int on_a(int x) { return x + 1; }\nint on_b(int x) { return x + 2; }\n"
		"struct entry { const char *name; int (*run)(int); long weight; };\n";
	static const char tail[] = "int work(int x) { return table[x & 1].run(x); }\n";
	static const struct {
		const char *before, *after, *said;
	} edits[] = {
		{"const struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", on_b, 2}};\n",
		 "const struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", 0, 2}};\n",
		 "the constant table in unit changes: on_b -> 0 at byte 32 of 48"},
		{"struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", on_a, 2}};\n",
		 "struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", on_b, 2}};\n",
		 "on_a -> on_b at byte 32 of 48"},
		{"struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", on_b, 2}};\n",
		 "struct entry table[2] = {{\"a\", on_a, 1}, {\"bee\", on_b, 2}};\n",
		 "\"b\" -> \"bee\" at byte 24 of 48"},
		{"struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", on_b, 2}};\n",
		 "struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", on_b, 5}};\n",
		 "the initial value of table in unit changes: 2 -> 5 at byte 40 of 48"},
		{"struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", on_b, 2}};\n",
		 "struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", 0, 2}};\n",
		 "on_b -> 0 at byte 32 of 48"},
		{"struct entry table[2] = {{\"a\", on_a, 1}, {\"b\", on_b, 2}};\n",
		 "struct entry table[3] = {{\"a\", on_a, 1}, {\"b\", on_b, 2}};\n",
		 "the size of table in unit changes: 48 bytes -> 72 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		char before[1024], after[1024];
		const struct edit edit = {before, after, NULL};

		snprintf(before, sizeof(before), "%s%s%s", head, edits[i].before, tail);
		snprintf(after, sizeof(after), "%s%s%s", head, edits[i].after, tail);
		expect_refusal(&edit, SUTURE_E_DATA_CHANGED, edits[i].said);
	}
}

/* Of a long one the beginning says nothing. */
static void a_long_variable_is_told_by_what_differs(void **state)
{
	static const struct edit number = {
		"int table[6] = {1, 2, 3, 4, 5, 6};\nint work(int x) { return table[x]; }\n",
		"int table[6] = {1, 2, 3, 4, 50, 6};\nint work(int x) { return table[x]; }\n",
		NULL};
	static const struct edit text = {
		"char text[24] = \"welcome to all\";\nint work(int x) { return text[x]; }\n",
		"char text[24] = \"welcome to you\";\nint work(int x) { return text[x]; }\n", NULL};

	(void)state;
	expect_refusal(&number, SUTURE_E_DATA_CHANGED,
		       "the initial value of table in unit changes: 5 -> 50 at byte 16 of 24");
	expect_refusal(&text, SUTURE_E_DATA_CHANGED, "\"to all\" -> \"to you\" at byte 8 of 24");
}

static void grown_constant_table_takes_its_readers_along(void **state)
{
	static const struct edit edit = {"static const int prices[4] = {1, 2, 3, 4};\nint work(int "
					 "x) { return prices[x & 3]; }\n",
					 "static const int prices[5] = {1, 2, 3, 4, 5};\nint "
					 "work(int x) { return prices[x & 3]; }\n",
					 "changed:work"};

	(void)state;
	expect_patch("gcc", "-O2", &edit);
}

/* Who has kept the address of the old one goes on with it. */
static void a_private_table_of_addresses_is_another_one(void **state)
{
	static const char before[] =
		"__attribute__((noinline)) int on_a(int x) { return x + 1; "
		"}\n__attribute__((noinline)) int on_b(int x) { return x * 5; "
		"}\nstatic int (*const table[2])(int) = {on_a, 0};\n"
		"int work(int x) { return table[x & 1](x) + (x > 99 ? on_b(x) : 0); }\n";
	static const char after[] =
		"__attribute__((noinline)) int on_a(int x) { return x + 1; "
		"}\n__attribute__((noinline)) int on_b(int x) { return x * 5; "
		"}\nstatic int (*const table[2])(int) = {on_a, on_b};\n"
		"int work(int x) { return table[x & 1](x) + (x > 99 ? on_b(x) : 0); }\n";
	struct kit kit = {0};

	(void)state;
	kit_build(&kit, before, after, main_unit);
	kit_expect(&kit, CORE_PATCH);
	kit_expect_functions(&kit, "changed:work");
	assert_int_equal(kit.result.notes.count, 1);
	assert_non_null(strstr(kit.result.notes.items[0], "table in unit is another table"));
	kit_close(&kit);
}

static void refusals_name_the_rule(void **state)
{
	static const struct edit tls = {
		"int work(int x) { return x; }\n",
		"static __thread int t;\nint work(int x) { return t += x; }\n", NULL};
	static const struct edit constructor = {
		"int v;\n__attribute__((constructor)) static void start(void) { v = 1; }\nint "
		"work(int x) { return v + x; }\n",
		"int v;\n__attribute__((constructor)) static void start(void) { v = 2; }\nint "
		"work(int x) { return v + x; }\n",
		NULL};
	static const struct edit loop = {"void sleep(int);\nvoid body(void) { for (;;) sleep(1); "
					 "}\nint work(int x) { if (x > 99) body(); return x; }\n",
					 "void sleep(int);\nvoid body(void) { for (;;) sleep(2); "
					 "}\nint work(int x) { if (x > 99) body(); return x; }\n",
					 NULL};
	static const struct edit tool = {
		"void sleep(int);\nvoid exit(int);\nvoid tool(int n) { for (int i = 0; i < n; i++) "
		"sleep(1); exit(0); }\nint work(int x) { if (x > 99) tool(x); return x; }\n",
		"void sleep(int);\nvoid exit(int);\nvoid tool(int n) { for (int i = 0; i < n; i++) "
		"sleep(2); exit(0); }\nint work(int x) { if (x > 99) tool(x); return x; }\n",
		"changed:tool"};
	static const struct edit grown = {"int v[2];\nint work(int x) { return v[x & 1]++; }\n",
					  "int v[4];\nint work(int x) { return v[x & 1]++; }\n",
					  NULL};

	(void)state;
	expect_refusal(&tls, SUTURE_E_NEW_TLS, "t in unit");
	expect_refusal(&constructor, SUTURE_E_CONSTRUCTOR_CHANGED, "start");
	expect_refusal(&loop, SUTURE_E_NEVER_IDLE, "body");
	expect_refusal(&grown, SUTURE_E_DATA_CHANGED, "the size of v");
	expect_patch("gcc", "-O2", &tool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renumbered_labels_and_pools_are_no_change),
		cmocka_unit_test(one_function_changes_alone),
		cmocka_unit_test(inlined_function_changes_its_callers),
		cmocka_unit_test(changed_string_changes_its_user),
		cmocka_unit_test(changed_jump_table_entry_changes_its_user),
		cmocka_unit_test(changed_cold_part_changes_its_function),
		cmocka_unit_test(new_function_and_data_come_along),
		cmocka_unit_test(same_named_statics_are_told_apart),
		cmocka_unit_test(statics_that_look_alike_are_refused),
		cmocka_unit_test(initial_value_needs_a_decision),
		cmocka_unit_test(constant_table_is_changed_in_place),
		cmocka_unit_test(a_table_of_addresses_is_told_by_its_entry),
		cmocka_unit_test(a_long_variable_is_told_by_what_differs),
		cmocka_unit_test(grown_constant_table_takes_its_readers_along),
		cmocka_unit_test(a_private_table_of_addresses_is_another_one),
		cmocka_unit_test(refusals_name_the_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
