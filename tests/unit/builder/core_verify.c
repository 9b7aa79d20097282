/* SPDX-License-Identifier: MIT */
/* Verification: what equals the binary is proven, anything else is refused by name. */
#include "core_kit.h"

static const char unit[] =
	"#include <stdio.h>\n"
	"#include <errno.h>\n"
	"extern int other(int);\n"
	"__thread int per_thread = 3;\n"
	"static __thread int own_thread;\n"
	"int global = 7;\n"
	"static int counter;\n"
	"static const char *const names[] = {\"zero\", \"one\"};\n"
	"static int count(int x) { counter += x; return counter; }\n"
	"__attribute__((noinline)) static const char *name(int x) { return names[x & 1]; }\n"
	"int work(int x)\n"
	"{\n"
	"	switch (x) {\n"
	"	case 0: return puts(name(x));\n"
	"	case 1: return count(x) + global;\n"
	"	case 2: return per_thread++ + own_thread--;\n"
	"	case 3: return other(x);\n"
	"	case 4: return errno;\n"
	"	case 5: return fprintf(stderr, \"%d\\n\", x);\n"
	"	case 6: return x * 1234;\n"
	"	}\n"
	"	return -1;\n"
	"}\n";
static const char other[] = "int work(int);\n"
			    "int other(int x) { return x * 3; }\n"
			    "int main(int argc, char **argv) { (void)argv; return work(argc); }\n";

static const struct {
	const char *compiler, *flags, *link;
} modes[] = {
	{"gcc", "-O0", ""},
	{"gcc", "-O2", ""},
	{"gcc", "-Os", ""},
	{"gcc", "-O2 -fPIC", ""},
	{"gcc", "-O2 -fno-plt", ""},
	{"gcc", "-O2 -fcf-protection", ""},
	{"gcc", "-O2 -fno-pie", "-no-pie"},
	{"gcc", "-O2 -ffunction-sections -fdata-sections", "-Wl,--gc-sections"},
	{"clang", "-O2", ""},
	{"clang", "-O0 -fno-pie", "-no-pie"},
};

static void same_object_is_proven_and_needs_no_patch(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct kit kit = {.compiler = modes[i].compiler,
				  .flags = modes[i].flags,
				  .link = modes[i].link};

		kit_build(&kit, unit, unit, other);
		kit_expect(&kit, CORE_NOTHING);
		assert_int_equal(kit.result.verified.different, 0);
		assert_true(kit.result.verified.exact + kit.result.verified.equivalent > 0);
		kit_close(&kit);
	}
}

static void another_flag_is_refused(void **state)
{
	struct kit kit = {.flags = "-O2", .v_flags = "-O1"};

	(void)state;
	kit_build(&kit, unit, unit, other);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, "work");
	kit_close(&kit);
}

/* The tree from which V is made is not the one that the binary was made from. */
static void edited_tree_is_refused(const char *from, const char *to, const char *names)
{
	struct kit kit = {0};
	char edited[sizeof(unit) + 32];
	const char *at = strstr(unit, from);

	assert_non_null(at);
	snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - unit), unit, to, at + strlen(from));
	kit_open(&kit);
	kit_compile(&kit, unit, unit, other);
	kit_write(&kit, "unit.c", edited);
	kit_run("cd %s && gcc -O2 -c unit.c -o v.o", kit.dir);
	kit_verdict(&kit);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, names);
	kit_close(&kit);
}

static void one_constant_edited_is_refused(void **state)
{
	(void)state;
	edited_tree_is_refused("x * 1234", "x * 1235", "work");
}

static void one_string_edited_is_refused(void **state)
{
	(void)state;
	edited_tree_is_refused("\"zero\"", "\"ZERO\"", "differ from prog");
}

static void one_initial_value_edited_is_refused(void **state)
{
	(void)state;
	edited_tree_is_refused("global = 7", "global = 8", "global");
}

static void another_callee_is_refused(void **state)
{
	(void)state;
	edited_tree_is_refused("puts(name(x))", "perror(name(x)), 0", "work");
}

static void unit_of_another_program_is_refused(void **state)
{
	struct kit kit = {0};

	(void)state;
	kit_open(&kit);
	kit_compile(&kit, unit, unit, other);
	kit_write(&kit, "foreign.c", "int foreign(int x) { return x * 99; }");
	kit_run("cd %s && gcc -O2 -c foreign.c -o v.o && cp v.o o.o && cp v.o p.o", kit.dir);
	kit_verdict(&kit);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, "no function of");
	kit_close(&kit);
}

static void stripped_binary_needs_its_debug_file(void **state)
{
	struct kit kit = {0};

	(void)state;
	kit_open(&kit);
	kit_compile(&kit, unit, unit, other);
	kit_run("cd %s && objcopy --only-keep-debug prog prog.debug && strip prog", kit.dir);
	kit_verdict(&kit);
	kit_expect_refusal(&kit, SUTURE_E_BAD_INPUT, "no symbol table");
	kit_run("cd %s && objcopy --add-gnu-debuglink=prog.debug prog", kit.dir);
	kit_verdict(&kit);
	kit_expect(&kit, CORE_NOTHING);
	kit_close(&kit);
}

static void link_time_optimisation_is_refused(void **state)
{
	struct kit kit = {.flags = "-O2 -flto", .link = "-O2 -flto"};

	(void)state;
	kit_build(&kit, unit, unit, other);
	kit_expect_refusal(&kit, SUTURE_E_UNSUPPORTED, "link-time optimisation");
	kit_close(&kit);
}

/* Damaged objects are errors; they never make us read out of bounds (run under ASan in dev). */
static void damaged_objects_are_errors(void **state)
{
	struct kit kit = {0};
	char path[80];

	(void)state;
	kit_open(&kit);
	kit_compile(&kit, unit, unit, other);
	snprintf(path, sizeof(path), "%s/o.o", kit.dir);
	for (long i = 0; i < 200; i++) {
		FILE *file;

		kit_run("cd %s && cp p.o o.o", kit.dir);
		file = fopen(path, "r+");
		assert_non_null(file);
		fseek(file, 0, SEEK_END);
		fseek(file, i * 7919 % ftell(file), SEEK_SET);
		fputc((int)(i * 31 + 255) & 0xff, file);
		fclose(file);
		kit_verdict(&kit); /* any verdict */
	}
	kit_run("cd %s && head -c 700 p.o > o.o", kit.dir);
	kit_verdict(&kit);
	assert_int_not_equal(kit.code, 0);
	kit_close(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_object_is_proven_and_needs_no_patch),
		cmocka_unit_test(another_flag_is_refused),
		cmocka_unit_test(one_constant_edited_is_refused),
		cmocka_unit_test(one_string_edited_is_refused),
		cmocka_unit_test(one_initial_value_edited_is_refused),
		cmocka_unit_test(another_callee_is_refused),
		cmocka_unit_test(unit_of_another_program_is_refused),
		cmocka_unit_test(stripped_binary_needs_its_debug_file),
		cmocka_unit_test(link_time_optimisation_is_refused),
		cmocka_unit_test(damaged_objects_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
