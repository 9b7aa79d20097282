/* SPDX-License-Identifier: MIT */
/*
 * Variables of one name in several blocks of one function, lambdas and assertions, while a diff
 * moves lines: each keeps its own value, and nothing else changes. Which variable was taken for
 * which shows in the initial values, which all differ: a swap would be a refusal (DATA_CHANGED).
 */
#include "project.h"

static const char *const compilers[] = {"gcc", "clang"};
static const char *const levels[] = {"-O0", "-O2"};

static const char head[] = "int printf(const char *, ...);\n"
			   "void failed(const char *file, int line);\n"
			   "#define CHECK(x) ((x) ? (void)0 : failed(__FILE__, __LINE__))\n"
			   "void failed(const char *file, int line)\n"
			   "{\n\tprintf(\"%s %d\", file, line);\n}\n";
static const char tail[] = "__attribute__((noinline)) int other(int a)\n"
			   "{\n\tCHECK(a > 7);\n\treturn a;\n}\n"
			   "int main(int argc, char **argv)\n"
			   "{\n\t(void)argv;\n\treturn work(argc) + other(argc);\n}\n";

static void build_edit(const char *compiler, const char *level, const char *old_body,
		       const char *new_body, struct build_result *result)
{
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff"),
					      .parallel = 2};
	struct suture_error err = {0};
	char text[4096];

	snprintf(text, sizeof(text), "%s%s%s", head, old_body, tail);
	tree_write("src/unit.c", text);
	write_commands(compiler, level, "");
	run((const char *[]){compiler, level, "-c", "../src/unit.c", "-o", "unit.o", NULL});
	run((const char *[]){compiler, "-Wl,--build-id", "unit.o", "-o", "program", NULL});
	snprintf(text, sizeof(text), "%s%s%s", head, new_body, tail);
	make_diff("unit.c", text);
	if (build_run(&options, result, &err))
		fail_msg("%s %s: %s", compiler, level, err.message);
	explain(result);
}

/* The patch has work() alone, and so much new data. */
static void expect(const char *old_body, const char *new_body, size_t new_data)
{
	for (size_t i = 0; i < 4; i++) {
		struct build_result result;

		build_edit(compilers[i / 2], levels[i % 2], old_body, new_body, &result);
		assert_int_equal(result.refusals.count, 0);
		assert_int_equal(result.outcome, CORE_PATCH);
		assert_int_equal(result.core.function_count, 1);
		assert_string_equal(result.core.functions[0].name, "work");
		assert_int_equal(result.core.data_count, new_data);
		for (size_t k = 0; k < new_data; k++)
			assert_int_equal(result.core.data[k].kind, CORE_DATUM_NEW);
		build_result_fini(&result);
	}
}

#define WORK(body) "__attribute__((noinline)) int work(int a)\n{\n\tCHECK(a > 0);\n" body "}\n"
#define BLOCK(condition, value) \
	"\tif (" condition ") {\n\t\tstatic int calls = " value ";\n\t\ta += calls++;\n\t}\n"

static void a_block_above_with_the_same_name(void **state)
{
	(void)state;
	expect(WORK(BLOCK("a > 1", "5") "\treturn a;\n"),
	       WORK(BLOCK("a > 2", "7") BLOCK("a > 1", "5") "\treturn a;\n"), 1);
}

static void a_block_in_the_middle(void **state)
{
	(void)state;
	expect(WORK(BLOCK("a > 1", "5") BLOCK("a > 3", "6") "\treturn a;\n"),
	       WORK(BLOCK("a > 1", "5") BLOCK("a > 2", "7") BLOCK("a > 3", "6") "\treturn a;\n"),
	       1);
}

static void blocks_around(void **state)
{
	(void)state;
	expect(WORK(BLOCK("a > 1", "5") BLOCK("a > 3", "6") "\treturn a;\n"),
	       WORK(BLOCK("a > 0", "8") BLOCK("a > 1", "5") BLOCK("a > 3", "6")
			    BLOCK("a > 9", "9") "\treturn a;\n"),
	       2);
}

static void edited_while_lines_move(void **state)
{
	(void)state;
	expect(WORK(BLOCK("a > 1", "5") BLOCK("a > 3", "6") "\treturn a;\n"),
	       WORK("\ta++;\n\ta *= 3;\n" BLOCK("a > 10", "5")
			    BLOCK("a > 30", "6") "\treturn a;\n"),
	       0);
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(a_block_above_with_the_same_name),
		in_tree(a_block_in_the_middle),
		in_tree(blocks_around),
		in_tree(edited_while_lines_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
