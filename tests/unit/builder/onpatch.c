/* SPDX-License-Identifier: MIT */
/*
 * Patches that others are built on: what is read from the file is what was built, and a file that
 * was changed, cut or is none of ours is an error and never read beyond its end.
 */
#include "project.h"

#include "builder/onpatch.h"

static const char unit_c[] = "int limit = 7;\n"
			     "__attribute__((noinline)) int bound(int a)\n"
			     "{\n\treturn a > limit ? limit : a * 3;\n}\n"
			     "int main(int argc, char **argv)\n"
			     "{\n\t(void)argv;\n\treturn bound(argc);\n}\n";
static const char new_c[] = "int limit = 9;\nint extra = 4;\n"
			    "__attribute__((noinline)) int bound(int a)\n"
			    "{\n\treturn a > limit ? limit : a * 3 + extra;\n}\n"
			    "int main(int argc, char **argv)\n"
			    "{\n\t(void)argv;\n\treturn bound(argc);\n}\n";

static void build(void)
{
	static const struct core_data_decision keep = {"limit", CORE_DATA_KEEP};
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff"),
					      .name = "first",
					      .description = "what it is for",
					      .decisions = &keep,
					      .decision_count = 1};
	struct build_result result;
	struct suture_error err = {0};

	tree_write("src/unit.c", unit_c);
	tree_write("build/keep", "");
	run((const char *[]){"gcc", "-O2", "-c", "../src/unit.c", "-o", "unit.o", NULL});
	run((const char *[]){"gcc", "-Wl,--build-id", "unit.o", "-o", "program", NULL});
	write_commands("gcc", "-O2", "");
	make_diff("unit.c", new_c);
	if (build_run(&options, &result, &err))
		fail_msg("%s", err.message);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	build_result_fini(&result);
}

static void says_how_it_was_made(void **state)
{
	char *diff;
	struct onpatch patch;
	bool brought = false;

	(void)state;
	build();
	assert_int_equal(onpatch_read(tree_path("out.so"), &patch, NULL), 0);
	assert_string_equal(patch.name, "first");
	assert_string_equal(patch.description, "what it is for");
	assert_string_equal(patch.diff_name, "change.diff");
	diff = tree_read(tree_path("change.diff"));
	assert_string_equal(patch.diff, diff);
	free(diff);
	assert_int_equal(patch.decision_count, 1);
	assert_string_equal(patch.decisions[0].variable, "limit");
	assert_int_equal(patch.decisions[0].policy, CORE_DATA_KEEP);
	assert_int_equal(patch.depend_count, 0);
	assert_true(patch.build_id_size > 0);
	for (size_t i = 0; i < patch.provide_count; i++)
		brought |= strcmp(patch.provides[i].name, "extra") == 0 &&
			   patch.provides[i].global && !patch.provides[i].function &&
			   patch.provides[i].address;
	assert_true(brought);
	onpatch_fini(&patch);
}

static void damaged_files_are_refused_or_read(void **state)
{
	uint8_t *data;
	size_t size;

	(void)state;
	build();
	assert_int_equal(file_read(tree_path("out.so"), 1 << 24, &data, &size, NULL), 0);
	for (size_t i = 0; i < 400; i++) {
		size_t at = i * 7919 % size;
		size_t left = i % 4 ? size : at;
		uint8_t was = data[at];
		struct onpatch patch;
		struct suture_error err = {0};

		data[at] = (uint8_t)(was ^ (1u << i % 8));
		assert_int_equal(file_replace(tree_path("bad.so"), data, left, 0644, NULL), 0);
		data[at] = was;
		if (onpatch_read(tree_path("bad.so"), &patch, &err))
			assert_non_null(strstr(err.message, "--on "));
		onpatch_fini(&patch);
	}
	free(data);
}

static void other_files_are_none(void **state)
{
	static const char *const names[] = {"build/program", "src/unit.c", "build/keep"};

	(void)state;
	build();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct onpatch patch;
		struct suture_error err = {0};

		assert_int_equal(onpatch_read(tree_path(names[i]), &patch, &err),
				 -SUTURE_E_BAD_PATCH_FILE);
		assert_non_null(strstr(err.next, "suture build"));
		onpatch_fini(&patch);
	}
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(says_how_it_was_made),
		in_tree(damaged_files_are_refused_or_read),
		in_tree(other_files_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
