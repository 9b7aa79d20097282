/* SPDX-License-Identifier: MIT */
/*
 * Code compiled without -g, described by other code that has it (DESCRIBED): what both are sure to
 * have is known, the rest is refused.
 */
#include "core_kit.h"

#define EQUAL(line) "NI int equal(int x)\n{\n\tstatic int calls;\n\n\t" line "\n}\n"

static const char head[] = "#define NI __attribute__((noinline))\n"
			   "#ifdef DESCRIBED\n"
			   "#define FACTOR 3\n"
			   "#else\n"
			   "#define FACTOR 5\n"
			   "#endif\n"
			   "NI int other(int x) { return x * FACTOR; }\n";
static const char tail[] = "int work(int x) { return equal(x) + other(x); }\n";
static const char main_unit[] =
	"int work(int);\n"
	"int main(int argc, char **argv) { (void)argv; return work(argc); }\n";

/* What the texts are, between head and tail, compiled without -g and described with it. */
static void build(struct kit *kit, const char *before, const char *after)
{
	char old[2048], new[2048];

	snprintf(old, sizeof(old), "%s%s%s", head, before, tail);
	snprintf(new, sizeof(new), "%s%s%s", head, after, tail);
	kit->described = kit->debug_matters = true;
	kit_open(kit);
	kit_compile(kit, old, new, main_unit);
	kit_run("cd %s && for i in o p/p; do gcc -O2 -w -DDESCRIBED -g -ffunction-sections "
		"-fdata-sections -c $(dirname $i)/unit.c -o $(basename $i)d.o || exit 1; "
		"objcopy -g $(basename $i).o; done",
		kit->dir);
	kit_verdict(kit);
}

/* A static of that name that comes first takes its number: only the description tells. */
static void statics_are_known_by_where_they_are_declared(void **state)
{
	static const char renumbered[] = EQUAL("{ static int calls = 2; x *= ++calls; } return "
					       "calls += x;");
	struct kit kit = {0};

	(void)state;
	build(&kit, EQUAL("return calls += x;"), renumbered);
	kit_expect(&kit, CORE_PATCH);
	kit_expect_functions(&kit, "changed:equal");
	assert_int_equal(kit.result.data_count, 1);
	assert_int_equal(kit.result.data[0].kind, CORE_DATUM_NEW);
	kit_close(&kit);
}

static void nothing_changes_where_only_the_description_differs(void **state)
{
	struct kit kit = {0};

	(void)state;
	build(&kit, EQUAL("return calls += x;"), EQUAL("return calls += x;"));
	kit_expect(&kit, CORE_NOTHING);
	kit_close(&kit);
}

static void expect_unknown(const char *before, const char *after, const char *name)
{
	struct kit kit = {0};

	build(&kit, before, after);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH,
			   "does not tell which of the program's variables are these");
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, name);
	assert_non_null(strstr(kit.result.refusals.list[0].next, "build the server with -g"));
	kit_close(&kit);
}

/* Numbers may be given in another order: that two have the same one says nothing. */
static void variables_that_only_other_code_uses_are_unknown(void **state)
{
	(void)state;
	expect_unknown(EQUAL("return calls += x * FACTOR;"), EQUAL("return calls += x + FACTOR;"),
		       "calls");
	/* Known in the original, not in what is patched. */
	expect_unknown(EQUAL("return calls += x;"), EQUAL("return calls += x * FACTOR;"), "calls");
	expect_unknown("#ifdef DESCRIBED\n"
		       "NI int last(int x) { static int calls; return calls -= x; }\n"
		       "#endif\n" EQUAL("return calls += x;") "#ifndef DESCRIBED\n"
							      "NI int last(int x) { static int "
							      "calls; return calls -= x; }\n"
							      "#endif\n",
		       EQUAL("return calls += x;"), "calls");
}

static void variables_that_are_kept_otherwise_are_unknown(void **state)
{
	static const char same[] = EQUAL("return calls += x;");

	(void)state;
	expect_unknown("#ifdef DESCRIBED\nint extra = 1;\n#endif\n" EQUAL("return calls += x;"),
		       same, "extra");
	expect_unknown("#ifndef DESCRIBED\nint extra = 1;\n#endif\n" EQUAL("return calls += x;"),
		       same, "extra");
	expect_unknown("#ifdef DESCRIBED\nlong extra = 1;\n#else\nint extra = 1;\n#endif\n" EQUAL(
			       "return calls += x;"),
		       same, "extra");
	expect_unknown(
		"#ifdef DESCRIBED\nconst\n#endif\nint extra = 1;\n" EQUAL("return calls += x;"),
		same, "extra");
}

/* The compiler counts them: what refers to one says which it is, and its own static is known. */
static void functions_may_have_other_numbers(void **state)
{
	static const char made[] =
		"static int made(int) __asm__(\"made.\" NUMBER);\n"
		"NI static int made(int x) { static int sum; return sum += x; }\n";
	struct kit kit = {0};
	char before[1024], after[1024];

	(void)state;
	snprintf(before, sizeof(before),
		 "#ifdef DESCRIBED\n#define NUMBER \"2\"\n#else\n#define NUMBER \"1\"\n#endif\n"
		 "%s%s",
		 made, EQUAL("return calls += made(x);"));
	snprintf(after, sizeof(after),
		 "#ifdef DESCRIBED\n#define NUMBER \"2\"\n#else\n#define NUMBER \"1\"\n#endif\n"
		 "%s%s",
		 made, EQUAL("return calls -= made(x);"));
	build(&kit, before, after);
	kit_expect(&kit, CORE_PATCH);
	kit_expect_functions(&kit, "changed:equal");
	kit_close(&kit);
}

/* A constant without a number is none of the program's state. */
static void constants_may_be_in_one_of_them(void **state)
{
	struct kit kit = {0};

	(void)state;
	build(&kit, "#ifdef DESCRIBED\nconst int extra = 1;\n#endif\n" EQUAL("return calls += x;"),
	      EQUAL("return calls += x;"));
	kit_expect(&kit, CORE_NOTHING);
	kit_close(&kit);
}

/* The binary is made of other sources, and -g is not why: it is not added. */
static void other_sources_are_told_from_other_code(void **state)
{
	struct kit kit = {.v_flags = "-O2 -DFAR=7"};

	(void)state;
	build(&kit,
	      "#ifdef FAR\n" EQUAL("return calls += FAR;") "#else\n" EQUAL(
		      "return calls += 9;") "#endif\n",
	      EQUAL("return calls += x;"));
	kit_run("cd %s && cp v.o linked.o && gcc -Wl,--build-id linked.o other.o -o prog", kit.dir);
	kit_verdict(&kit);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, "equal");
	assert_null(strstr(kit.result.refusals.list[0].next, "with -g"));
	kit_close(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statics_are_known_by_where_they_are_declared),
		cmocka_unit_test(nothing_changes_where_only_the_description_differs),
		cmocka_unit_test(variables_that_only_other_code_uses_are_unknown),
		cmocka_unit_test(variables_that_are_kept_otherwise_are_unknown),
		cmocka_unit_test(functions_may_have_other_numbers),
		cmocka_unit_test(constants_may_be_in_one_of_them),
		cmocka_unit_test(other_sources_are_told_from_other_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
