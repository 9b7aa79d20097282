/* SPDX-License-Identifier: MIT */
/* Includes by an absolute path lead into the view, and nothing else of a text changes. */
#include "tree.h"

#include "builder/reroute.h"

/* What the view shows of x.c with this text, after its includes were rerouted; the caller frees. */
static char *rerouted(const char *text)
{
	struct strings roots = {0}, folders = {0};
	struct overlay view;
	char *path, *shown;

	tree_write("src/x.c", text);
	strings_add(&roots, tree_path("src"));
	strings_add(&folders, tree_path("src"));
	path_remove_tree(tree_path("view"));
	assert_int_equal(overlay_init(&view, tree_path("view"), &roots, &folders, NULL), 0);
	assert_int_equal(reroute_includes(&view, tree_path("src/x.c"), NULL), 0);
	/* A file that is not there is left alone. */
	assert_int_equal(reroute_includes(&view, tree_path("src/gone.c"), NULL), 0);
	path = overlay_path(&view, tree_path("src/x.c"));
	shown = tree_read(path);
	free(path);
	overlay_fini(&view);
	strings_fini(&roots);
	strings_fini(&folders);
	path = tree_read(tree_path("src/x.c"));
	assert_string_equal(path, text); /* the user's file */
	free(path);
	return shown;
}

static void check(const char *text, const char *expected)
{
	char *shown = rerouted(text);

	assert_string_equal(shown, expected);
	free(shown);
}

static void absolute_includes_lead_into_the_view(void **state)
{
	char text[2048], expected[4096];

	(void)state;
	tree_write("src/a.h", "");
	snprintf(text, sizeof(text),
		 "#include \"%s/src/a.h\"\n#  include <%s/src/a.h> // b\nint x;\n", tree_top,
		 tree_top);
	snprintf(expected, sizeof(expected),
		 "#include \"%s/view%s/src/a.h\"\n#  include <%s/view%s/src/a.h> // b\nint x;\n",
		 tree_top, tree_top, tree_top, tree_top);
	check(text, expected);
}

static void all_else_stays(void **state)
{
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text),
		 "#include \"a.h\"\n#include </usr/include/stdio.h>\n#include NAME\n"
		 "/* #include \"%s/src/a.h\" */\nconst char *s = \"#include \\\"%s/src/a.h\\\"\";\n"
		 "#define NAME \"%s/src/a.h\"\n#include \"%s/beside/a.h\"\n#include",
		 tree_top, tree_top, tree_top, tree_top);
	check(text, text);
	check("", "");
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(absolute_includes_lead_into_the_view),
		in_tree(all_else_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
