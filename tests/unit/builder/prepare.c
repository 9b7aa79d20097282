/* SPDX-License-Identifier: MIT */
/* A build without a diff: the whole binary is proved, and later builds find their originals. */
#include "project.h"

#include "builder/path.h"

#include <dirent.h>

static const char unit_c[] = "#include \"unit.h\"\n"
			     "__attribute__((noinline)) int work(int a)\n"
			     "{\n\treturn a * STEP + a % 7;\n}\n";

/* As recorded, each of the two sources is compiled with more options. */
static void make_program_recorded(const char *of_main, const char *of_unit)
{
	char text[4096];

	tree_write("src/unit.c", unit_c);
	tree_write("src/unit.h", "#define STEP 3\n");
	tree_write("src/main.c",
		   "int work(int a);\n"
		   "int main(int c, char **v)\n{\n\t(void)v;\n\treturn work(c);\n}\n");
	tree_write("build/empty", "");
	run((const char *[]){"gcc", "-O2", "-c", "../src/main.c", "-o", "main.o", NULL});
	run((const char *[]){"gcc", "-O2", "-c", "../src/unit.c", "-o", "unit.o", NULL});
	run((const char *[]){"gcc", "-Wl,--build-id", "main.o", "unit.o", "-o", "program", NULL});
	snprintf(text, sizeof(text),
		 "[{\"directory\":\"%s/build\",\"file\":\"../src/main.c\",\"command\":"
		 "\"gcc -O2 %s -c ../src/main.c -o main.o\"},{\"directory\":\"%s/build\",\"file\":"
		 "\"../src/unit.c\",\"command\":\"gcc -O2 %s -c ../src/unit.c -o unit.o\"}]",
		 tree_top, of_main, tree_top, of_unit);
	tree_write("build/compile_commands.json", text);
}

static void make_program(void)
{
	make_program_recorded("", "");
}

static void build(const char *diff, struct build_result *result)
{
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = diff,
					      .all_units = !diff,
					      .cache_dir = tree_path("cache"),
					      .parallel = 2};
	struct suture_error err = {0};

	if (build_run(&options, result, &err))
		fail_msg("%s", err.message);
	explain(result);
}

static int cached_objects(void)
{
	struct dirent **names;
	int count = scandir(tree_path("cache"), &names, NULL, alphasort);

	assert_true(count >= 2);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return count - 2; /* . and .. */
}

/* What is made after it is P of the unit, and nothing else. */
static void later_builds_compile_only_what_changes(void **state)
{
	struct build_result result;
	int kept;

	(void)state;
	make_program();
	build(NULL, &result);
	assert_int_equal(result.outcome, CORE_NOTHING);
	assert_true(result.prepared);
	assert_int_equal(result.units.affected, 2);
	assert_int_equal(result.core.verified.exact, 2);
	assert_int_equal(result.core.verified.different, 0);
	build_result_fini(&result);
	assert_false(path_exists(tree_path("out.so")));
	kept = cached_objects();
	assert_int_equal(kept, 2); /* O of each; V are the objects of the tree */

	make_diff("unit.c", "#include \"unit.h\"\n"
			    "__attribute__((noinline)) int work(int a)\n"
			    "{\n\treturn a * STEP + a % 9;\n}\n");
	build(tree_path("change.diff"), &result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_false(result.prepared);
	assert_int_equal(result.core.function_count, 1);
	build_result_fini(&result);
	assert_int_equal(cached_objects(), kept + 1);
}

static void expect_mismatch(void)
{
	struct build_result result;

	build(NULL, &result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_VERIFY_MISMATCH);
	build_result_fini(&result);
}

/* The objects are the binary's, the sources are not what they were made from. */
static void an_edited_tree_is_refused(void **state)
{
	(void)state;
	make_program();
	tree_write("src/unit.h", "#define STEP 4\n");
	expect_mismatch();
}

/* Also after it was found to be right, with all of that in the cache. */
static void a_tree_that_is_edited_later_is_refused(void **state)
{
	struct build_result result;

	(void)state;
	make_program();
	build(NULL, &result);
	assert_int_equal(result.outcome, CORE_NOTHING);
	build_result_fini(&result);
	tree_write("src/unit.h", "#define STEP 4\n");
	expect_mismatch();
}

static void another_binary_is_refused(void **state)
{
	(void)state;
	make_program();
	tree_write("src/other.c", "int main(void)\n{\n\treturn 7;\n}\n");
	run((const char *[]){"gcc", "-O2", "-Wl,--build-id", "../src/other.c", "-o", "program",
			     NULL});
	expect_mismatch();
}

/* The rest is prepared; nothing of what can't be is proved, and a patch of it is refused. */
static void what_is_not_supported_is_left_out(void **state)
{
	struct build_result result;

	(void)state;
	make_program_recorded("", "-fprofile-arcs");
	build(NULL, &result);
	assert_int_equal(result.outcome, CORE_NOTHING);
	assert_int_equal(result.core.verified.exact, 1); /* main */
	assert_int_equal(result.core.verified.different, 0);
	assert_int_equal(result.notes.count, 1);
	assert_non_null(strstr(result.notes.items[0], "unit.c is not prepared"));
	assert_non_null(strstr(result.notes.items[0], "-fprofile-arcs"));
	build_result_fini(&result);
	assert_int_equal(cached_objects(), 1);
	make_diff("unit.c", "int work(int a)\n{\n\treturn a;\n}\n");
	build(tree_path("change.diff"), &result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_UNSUPPORTED);
	build_result_fini(&result);
}

/* Nothing would be left to prove. */
static void nothing_but_what_is_not_supported_is_refused(void **state)
{
	struct build_result result;

	(void)state;
	make_program_recorded("-flto", "-flto");
	build(NULL, &result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_UNSUPPORTED);
	assert_int_equal(result.notes.count, 0);
	build_result_fini(&result);
}

/* A source that does not compile is told, as with a diff. */
static void a_tree_that_does_not_compile_is_refused(void **state)
{
	struct build_result result;

	(void)state;
	make_program();
	tree_write("src/unit.h", "#define STEP (\n");
	build(NULL, &result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_COMPILE_FAILED);
	build_result_fini(&result);
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(later_builds_compile_only_what_changes),
		in_tree(an_edited_tree_is_refused),
		in_tree(a_tree_that_is_edited_later_is_refused),
		in_tree(another_binary_is_refused),
		in_tree(what_is_not_supported_is_left_out),
		in_tree(nothing_but_what_is_not_supported_is_refused),
		in_tree(a_tree_that_does_not_compile_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
