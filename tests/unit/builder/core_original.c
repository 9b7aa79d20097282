/* SPDX-License-Identifier: MIT */
/*
 * O against V: what the section flags do to code is understood, and sources that are not those of
 * the binary's object file are refused, also where that file is younger than they are.
 */
#include "core_kit.h"

static const char unit[] =
	"#include <stdio.h>\n"
	"static const int table[] = {10, 20, 30};\n"
	"int scale = 3;\n"
	"__attribute__((noinline)) static int far(int x) { return puts(\"far\") + x; }\n"
	"__attribute__((noinline)) static int tail(int x) { return x > 5 ? far(x + 1) : x; }\n"
	"__attribute__((noinline)) static int loop(int x) { int s = 0; for (int i = 0; i < x; i++) "
	"{ if (i == 7) return tail(s); s += table[i % 3] * scale; } return far(s); }\n"
	"__attribute__((noinline)) int select_one(int x) { switch (x) { case 0: return far(1); "
	"case 1: return tail(2); case 2: return x * 77; case 3: return loop(3); case 4: return "
	"puts(\"four\"); case 5: return loop(x); } return 0; }\n"
	"int (*pointer)(int) = tail;\n"
	"int work(int x) { return select_one(x) + pointer(x); }\n";
static const char main_unit[] =
	"int work(int);\n"
	"int main(int argc, char **argv) { (void)argv; return work(argc); }\n";

static void resolved_calls_and_short_jumps_are_the_same_code(void **state)
{
	static const struct {
		const char *compiler, *flags, *link;
	} modes[] = {
		{"gcc", "-O0", ""},    {"gcc", "-O2", ""},
		{"gcc", "-Os", ""},    {"gcc", "-O3 -fPIC", ""},
		{"clang", "-O0", ""},  {"clang", "-O2", ""},
		{"clang", "-Os", ""},  {"gcc", "-O2 -fno-pie", "-no-pie"},
		{"gcc", "-O1 -g", ""}, {"gcc", "-O2 -fcf-protection -fno-plt", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct kit kit = {.compiler = modes[i].compiler,
				  .flags = modes[i].flags,
				  .link = modes[i].link};

		kit_build(&kit, unit, unit, main_unit);
		kit_expect(&kit, CORE_NOTHING);
		kit_close(&kit);
	}
}

/* O and P come from an edited source; V and the binary do not. */
static void expect_stale(const char *flags, const char *from, const char *to, const char *names)
{
	struct kit kit = {.flags = flags};
	char edited[sizeof(unit) + 128];
	const char *at = strstr(unit, from);

	assert_non_null(at);
	snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - unit), unit, to, at + strlen(from));
	kit_open(&kit);
	kit_compile(&kit, unit, unit, main_unit);
	kit_write(&kit, "unit.c", edited);
	kit_run("cd %s && gcc %s -w -g -ffunction-sections -fdata-sections -c unit.c -o o.o && cp "
		"o.o p.o",
		kit.dir, kit.flags);
	kit_verdict(&kit);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, names);
	kit_close(&kit);
}

static void stale_sources_are_refused(void **state)
{
	(void)state;
	expect_stale("-O2", "x * 77", "x * 78", "select_one");
	expect_stale("-O2", "\"four\"", "\"4our\"", "select_one");
	expect_stale("-O2", "20, 30", "20, 31", "table");
	expect_stale("-O2", "scale = 3", "scale = 4", "scale");
	expect_stale("-O2", "return far(s)", "return tail(s)", "loop");
	expect_stale("-O2", "= tail;", "= far;", "pointer");
	expect_stale("-O0", "x > 5", "x > 6", "tail");
	expect_stale("-O0", "far(x + 1)", "work(x + 1)", "tail");
	expect_stale("-O2", "int scale = 3;", "int scale = 3; int added(int x) { return x * 3; }",
		     "added");
	expect_stale("-Os", "case 1: return tail(2)", "case 1: return far(2)", "select_one");
}

/* A function that was there when the binary was made, and is not in the sources any more. */
static void expect_gone(struct kit *kit)
{
	kit_open(kit);
	kit_compile(kit, unit, unit, main_unit);
	kit_run("cd %s && printf 'int gone(int x) { return x * 9; }\\n' >> unit.c && gcc -O2 -w -c "
		"unit.c -o linked.o && cp linked.o v.o && gcc -Wl,--build-id linked.o other.o -o "
		"prog",
		kit->dir);
	kit_verdict(kit);
	kit_expect_refusal(kit, SUTURE_E_VERIFY_MISMATCH, "gone");
}

static void function_that_only_the_binary_has_is_refused(void **state)
{
	struct kit kit = {0};

	(void)state;
	expect_gone(&kit);
	kit_close(&kit);
}

/* What clang makes of a file without -g is no sign of other sources. */
static void debug_information_is_named_as_a_cause(void **state)
{
	struct kit kit = {.debug_matters = true};

	(void)state;
	expect_gone(&kit);
	assert_non_null(strstr(kit.result.refusals.list[0].next, "build the server with -g"));
	kit_close(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolved_calls_and_short_jumps_are_the_same_code),
		cmocka_unit_test(stale_sources_are_refused),
		cmocka_unit_test(function_that_only_the_binary_has_is_refused),
		cmocka_unit_test(debug_information_is_named_as_a_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
