/* SPDX-License-Identifier: MIT */
/* The view of the tree, and which units a change reaches. */
#include "tree.h"

#include "builder/deps.h"
#include "builder/overlay.h"

static void make(struct overlay *overlay, bool full)
{
	struct strings roots = {0}, folders = {0};

	strings_add(&roots, tree_path("src"));
	strings_add(&folders, tree_path("src/lib"));
	path_remove_tree(tree_path("view"));
	assert_int_equal(
		overlay_init(overlay, tree_path("view"), &roots, full ? NULL : &folders, NULL), 0);
	strings_fini(&roots);
	strings_fini(&folders);
}

/* Text at a place of the view; the caller frees. */
static char *seen(const struct overlay *overlay, const char *name)
{
	char *path = overlay_path(overlay, tree_path(name));
	char *text = tree_read(path);

	free(path);
	return text;
}

static void check_seen(const struct overlay *overlay, const char *name, const char *expected)
{
	char *text = seen(overlay, name);

	assert_string_equal(text, expected);
	free(text);
}

static void shows_other_files_and_touches_none(void **state)
{
	uint8_t before[HASH_SIZE] = {0}, after[HASH_SIZE] = {0};

	(void)state;
	tree_write("src/lib/a.c", "a");
	tree_write("src/inc/sub/b.h", "b");
	tree_write("src/top.h", "top");
	tree_write("beside/c.h", "c");
	assert_int_equal(symlink("../inc", tree_path("src/lib/inc")), 0);
	tree_digest(tree_path("src"), before);
	for (unsigned full = 0; full < 2; full++) {
		struct overlay overlay;
		char *outside;

		make(&overlay, full);
		assert_int_equal(
			overlay_replace(&overlay, tree_path("src/lib/a.c"), "new", 3, NULL), 0);
		assert_int_equal(
			overlay_replace(&overlay, tree_path("src/lib/n/new.h"), "n", 1, NULL), 0);
		check_seen(&overlay, "src/lib/a.c", "new");
		check_seen(&overlay, "src/lib/../lib/a.c", "new");
		check_seen(&overlay, "src/lib/n/new.h", "n");
		check_seen(&overlay, "src/inc/sub/b.h", "b");
		check_seen(&overlay, "src/lib/inc/sub/b.h", "b");
		check_seen(&overlay, "src/lib/../../beside/c.h", "c");
		if (full)
			check_seen(&overlay, "src/inc/sub/../../lib/a.c", "new");
		assert_int_equal(overlay_replace(&overlay, tree_path("src/lib/a.c"), NULL, 0, NULL),
				 0);
		outside = overlay_path(&overlay, tree_path("src/lib/a.c"));
		assert_false(path_exists(outside));
		free(outside);
		/* What lies outside of the roots can't be replaced. */
		assert_int_not_equal(
			overlay_replace(&overlay, tree_path("beside/c.h"), "x", 1, NULL), 0);
		if (!full)
			assert_int_not_equal(overlay_replace(&overlay, tree_path("src/inc/sub/b.h"),
							     "x", 1, NULL),
					     0);
		overlay_fini(&overlay);
	}
	tree_digest(tree_path("src"), after);
	assert_memory_equal(before, after, HASH_SIZE);
}

static void follows_links_inside_the_tree(void **state)
{
	struct overlay overlay;

	(void)state;
	tree_write("src/lib/a.c", "a");
	tree_write("src/inc/b.h", "b");
	assert_int_equal(symlink("lib", tree_path("src/alias")), 0);
	make(&overlay, true);
	assert_int_equal(overlay_replace(&overlay, tree_path("src/lib/a.c"), "new", 3, NULL), 0);
	check_seen(&overlay, "src/alias/a.c", "new");
	overlay_fini(&overlay);
}

static void reads_make_rules(void **state)
{
	static const char text[] =
		"x.o: a.c with\\ blank.h \\\n  ../b.h $$c.h C:/d.h \\\n\n../b.h:\n\n"
		"y.o z.o : e.c\r\n";
	static const char *const expected[] = {"a.c",  "with blank.h", "../b.h",
					       "$c.h", "C:/d.h",       "e.c"};
	struct strings files = {0};

	(void)state;
	deps_parse_make(text, strlen(text), &files);
	assert_int_equal(files.count, 6);
	for (size_t i = 0; i < files.count; i++)
		assert_string_equal(files.items[i], expected[i]);
	strings_fini(&files);
}

/* Reach of a change of `name` over the units a.c (includes x.h) and b.c. */
static void reach_of(const char *name, bool is_new, enum deps_reach reach[2])
{
	char text[4096], path[512], old[] = "int x;\n", new[] = "int y;\n";
	struct diff_change change = {.name = (char *)"n",
				     .path = path,
				     .old_text = is_new ? NULL : old,
				     .old_size = 7,
				     .new_text = new,
				     .new_size = 7};
	struct diff_changes changes = {&change, 1};
	struct deps_options options = {.build_dir = tree_top, .work_dir = tree_top, .parallel = 2};
	const bool wanted[2] = {true, true};
	struct compdb db = {0};

	snprintf(path, sizeof(path), "%s", tree_path(name));
	snprintf(text, sizeof(text),
		 "[{\"directory\":\"%s\",\"file\":\"a.c\",\"arguments\":[\"gcc\",\"-Iinc\",\"-c\","
		 "\"a.c\"]},"
		 "{\"directory\":\"%s\",\"file\":\"b.c\",\"arguments\":[\"gcc\",\"-c\",\"b.c\"]}]",
		 tree_top, tree_top);
	assert_int_equal(compdb_parse(text, strlen(text), tree_top, &db, NULL), 0);
	assert_int_equal(deps_find(&options, &db, wanted, &changes, reach, NULL), 0);
	compdb_fini(&db);
}

static void finds_who_includes(void **state)
{
	enum deps_reach reach[2];

	(void)state;
	tree_write("a.c", "#include \"x.h\"\n#include \"x.h\"\n#include \"b.c\"\n");
	tree_write("b.c", "int b;\n");
	tree_write("inc/x.h", "int x;\n");
	for (unsigned by_file = 0; by_file < 2; by_file++) {
		/* First the compiler is asked, then there are .d files. */
		if (by_file) {
			tree_write("a.d", "a.o: a.c \\\n inc/x.h b.c\n");
			tree_write("b.d", "b.o: b.c\n");
		}
		reach_of("inc/x.h", false, reach);
		assert_int_equal(reach[0], DEPS_INCLUDED);
		assert_int_equal(reach[1], DEPS_NONE);
		reach_of("a.c", false, reach);
		assert_int_equal(reach[0], DEPS_SOURCE);
		assert_int_equal(reach[1], DEPS_NONE);
		/* A source that another source includes. */
		reach_of("b.c", false, reach);
		assert_int_equal(reach[0], DEPS_INCLUDED);
		assert_int_equal(reach[1], DEPS_SOURCE);
		/* A new header that is found before the old one. */
		reach_of("x.h", true, reach);
		assert_int_equal(reach[0], DEPS_INCLUDED);
		assert_int_equal(reach[1], DEPS_NONE);
	}
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(shows_other_files_and_touches_none),
		in_tree(follows_links_inside_the_tree),
		cmocka_unit_test(reads_make_rules),
		in_tree(finds_who_includes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
