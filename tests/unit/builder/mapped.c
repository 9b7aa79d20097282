/* SPDX-License-Identifier: MIT */
/* What debug information says behind the prefix maps of distributions is shown as a path again. */
#include "project.h"

#include "builder/mapped.h"

/* Two commands in folders of their own, with one map. */
static void read_commands(struct compdb *db, const char *map)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "[{\"directory\":\"%s/build/a\",\"file\":\"%s/src/a.c\",\"command\":\"cc -O2 "
		 "'-ffile-prefix-map=%s' -c '%s/src/a.c'\"},"
		 "{\"directory\":\"%s/build/b\",\"file\":\"%s/src/b.c\",\"command\":\"cc -O2 "
		 "'-ffile-prefix-map=%s' -c '%s/src/b.c'\"}]",
		 tree_top, tree_top, map, tree_top, tree_top, tree_top, map, tree_top);
	*db = (struct compdb){0};
	assert_int_equal(compdb_parse(text, strlen(text), tree_path("build"), db, NULL), 0);
}

static void leads(const struct compdb *db, const char *name, const char *file)
{
	cleanup_memory char *found = mapped_back(db, name);

	if (!file) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, tree_path(file));
}

static void names_lead_to_their_files(void **state)
{
	struct compdb db;
	char map[600];

	(void)state;
	tree_write("src/a.c", "\n");
	tree_write("src/b.c", "\n");
	tree_write("build/a/only.h", "\n");
	tree_write("build/a/config.h", "\n");
	tree_write("build/b/config.h", "\n");
	snprintf(map, sizeof(map), "%s=.", tree_top);
	read_commands(&db, map);
	leads(&db, "./src/a.c", "src/a.c");
	leads(&db, "./build/a/./src/a.c", "src/a.c");
	leads(&db, "./build/a/../../src/b.c", "src/b.c");
	leads(&db, "./build/b/config.h", "build/b/config.h");
	leads(&db, "./only.h", "build/a/only.h");
	leads(&db, "./config.h", NULL); /* whose? */
	leads(&db, "./src/nobody.c", NULL);
	leads(&db, tree_path("src/a.c"), NULL);
	compdb_fini(&db);
	snprintf(map, sizeof(map), "%s=/usr/src/game-1.0", tree_top);
	read_commands(&db, map);
	leads(&db, "/usr/src/game-1.0/src/a.c", "src/a.c");
	leads(&db, "/usr/src/game-1.0.1/src/a.c", NULL);
	compdb_fini(&db);
	snprintf(map, sizeof(map), "%s/=", tree_top);
	read_commands(&db, map);
	leads(&db, "src/b.c", "src/b.c");
	compdb_fini(&db);
}

/* CMake names sources by absolute paths, from a folder that is mapped as well. */
static void a_refusal_names_the_file_that_is_there(void **state)
{
	static const char before[] = "struct item {\n\tint price;\n\tint count;\n};\n"
				     "struct item items[3];\n"
				     "int main(int argc, char **argv)\n"
				     "{\n\t(void)argv;\n\titems[argc].count++;\n"
				     "\treturn items[argc].price;\n}\n";
	static const char after[] = "struct item {\n\tlong price;\n\tint count;\n};\n"
				    "struct item items[3];\n"
				    "int main(int argc, char **argv)\n"
				    "{\n\t(void)argv;\n\titems[argc].count++;\n"
				    "\treturn (int)items[argc].price;\n}\n";
	const struct build_options options = {.build_dir = tree_path("build"),
					      .source_dir = tree_path("src"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff"),
					      .parallel = 2};
	struct build_result result;
	struct suture_error err = {0};
	char flags[700], quoted[720];

	(void)state;
	snprintf(flags, sizeof(flags), "-ffile-prefix-map=%s=.", tree_top);
	tree_write("src/unit.c", before);
	tree_write("build/keep", "");
	run((const char *[]){"gcc", flags, "-c", tree_path("src/unit.c"), "-o", "unit.o", NULL});
	snprintf(quoted, sizeof(quoted), "'%s'", flags);
	run((const char *[]){"gcc", "-Wl,--build-id", "unit.o", "-o", "program", NULL});
	write_commands("gcc", quoted, "");
	make_diff("unit.c", after);
	if (build_run(&options, &result, &err))
		fail_msg("%s", err.message);
	explain(&result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_LAYOUT_CHANGED);
	for (size_t i = 0; i < result.refusals.count; i++)
		assert_string_equal(result.refusals.list[i].file, tree_path("src/unit.c"));
	build_result_fini(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_lead_to_their_files, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(a_refusal_names_the_file_that_is_there, tree_setup,
						tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
