/* SPDX-License-Identifier: MIT */
/* Diffs as diff(1) and git write them, applied to copies; and diffs that must not be. */
#include "tree.h"

#include "builder/diff.h"

/* Reads, locates and applies a diff against the tree's folder "src". */
static int apply(const char *text, struct diff_changes *changes, struct suture_error *err)
{
	struct strings roots = {0};
	struct diff diff = {0};
	unsigned strip;
	size_t root;
	int rc;

	*changes = (struct diff_changes){0};
	tree_write("x.diff", text);
	path_remove_tree(tree_path("scratch"));
	assert_int_equal(mkdir(tree_path("scratch"), 0700), 0);
	strings_add(&roots, tree_path("src"));
	rc = diff_read(tree_path("x.diff"), &diff, err);
	if (!rc)
		rc = diff_locate(&diff, &roots, &root, &strip, err);
	if (!rc)
		rc = diff_apply(&diff,
				&(struct diff_originals){.root = roots.items[0], .strip = strip},
				tree_path("scratch"), changes, err);
	strings_fini(&roots);
	diff_fini(&diff);
	return rc;
}

static void check(const char *text, size_t count, const char *name, const char *expected)
{
	struct diff_changes changes;
	struct suture_error err = {0};

	if (apply(text, &changes, &err))
		fail_msg("%s", err.message);
	assert_int_equal(changes.count, count);
	for (size_t i = 0; i < changes.count; i++) {
		if (strcmp(changes.list[i].name, name) != 0)
			continue;
		if (!expected)
			assert_null(changes.list[i].new_text);
		else
			assert_memory_equal(changes.list[i].new_text, expected, strlen(expected));
		diff_changes_fini(&changes);
		return;
	}
	fail_msg("%s is not among the changes", name);
}

static void refuse(const char *text, const char *because)
{
	struct diff_changes changes;
	struct suture_error err = {0};

	assert_int_equal(apply(text, &changes, &err), -SUTURE_E_DIFF_FAILED);
	if (!strstr(err.message, because))
		fail_msg("%s", err.message);
	diff_changes_fini(&changes);
}

static void strip_levels(void **state)
{
	(void)state;
	tree_write("src/lib/a.c", "one\ntwo\nthree\n");
	check("--- a/lib/a.c\n+++ b/lib/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n", 1,
	      "lib/a.c", "one\n2\nthree\n");
	check("--- lib/a.c\t2024-01-01\n+++ lib/a.c\t2024-01-02\n@@ -2 +2 @@\n-two\n+2\n", 1,
	      "lib/a.c", "one\n2\nthree\n");
	check("--- x/y/src/lib/a.c\n+++ x/z/src/lib/a.c\n@@ -2 +2 @@\n-two\n+2\n", 1, "lib/a.c",
	      "one\n2\nthree\n");
	check("--- lib/a.c.orig\n+++ lib/a.c\n@@ -2 +2 @@\n-two\n+2\n", 1, "lib/a.c",
	      "one\n2\nthree\n");
}

static void git_new_deleted_renamed(void **state)
{
	(void)state;
	tree_write("src/a.c", "one\ntwo\n");
	tree_write("src/b.c", "one\ntwo\nthree\n");
	/* `diff -N` whose times were taken out names a file that isn't there. */
	check("--- a/n/fresh.c\n+++ b/n/fresh.c\n@@ -0,0 +1 @@\n+new\n"
	      "--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n",
	      2, "n/fresh.c", "new\n");
	check("diff --git a/n/new.c b/n/new.c\nnew file mode 100644\nindex 0000000..5626abf\n"
	      "--- /dev/null\n+++ b/n/new.c\n@@ -0,0 +1 @@\n+fresh\n"
	      "diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n",
	      2, "n/new.c", "fresh\n");
	check("diff --git a/a.c b/a.c\ndeleted file mode 100644\nindex 814f4a4..0000000\n"
	      "--- a/a.c\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n",
	      1, "a.c", NULL);
	check("diff --git a/b.c b/c.c\nsimilarity index 80%\nrename from b.c\nrename to c.c\n"
	      "index 4cb29ea..1111111 100644\n--- a/b.c\n+++ b/c.c\n@@ -1,3 +1,3 @@\n "
	      "one\n-two\n+2\n three\n",
	      2, "c.c", "one\n2\nthree\n");
}

static void names_with_blanks_and_quotes(void **state)
{
	(void)state;
	tree_write("src/with blank.c", "a\nb\n");
	tree_write("src/\303\244.c", "a\nb\n");
	check("--- a/with blank.c\t\n+++ b/with blank.c\t\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n", 1,
	      "with blank.c", "a\nB\n");
	check("--- \"a/\\303\\244.c\"\n+++ \"b/\\303\\244.c\"\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n", 1,
	      "\303\244.c", "a\nB\n");
}

static void line_ends(void **state)
{
	(void)state;
	tree_write("src/dos.c", "a\r\nb\r\n");
	tree_write("src/short.c", "a\nb");
	check("--- a/dos.c\n+++ b/dos.c\n@@ -1,2 +1,3 @@\n a\r\n+n\r\n b\r\n", 1, "dos.c",
	      "a\r\nn\r\nb\r\n");
	check("--- a/dos.c\r\n+++ b/dos.c\r\n@@ -1,2 +1,3 @@\r\n a\r\n+n\r\n b\r\n", 1, "dos.c",
	      "a\r\nn\r\nb\r\n");
	check("--- a/short.c\n+++ b/short.c\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of "
	      "file\n+c\n"
	      "\\ No newline at end of file\n",
	      1, "short.c", "a\nc");
}

static void text_that_looks_like_a_header(void **state)
{
	(void)state;
	tree_write("src/a.sql", "x\n-- gone\ny\n");
	check("--- a/a.sql\n+++ b/a.sql\n@@ -1,3 +1,3 @@\n x\n--- gone\n+++ here\n y\n", 1, "a.sql",
	      "x\n++ here\ny\n");
}

static void comment_only_is_seen(void **state)
{
	struct diff_changes changes;

	(void)state;
	tree_write("src/a.c", "int a;\nint b;\n");
	assert_int_equal(
		apply("--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,3 @@\n int a;\n+/* new */\n int b;\n",
		      &changes, NULL),
		0);
	assert_true(changes.list[0].same_tokens);
	diff_changes_fini(&changes);
}

static void escapes_are_refused(void **state)
{
	(void)state;
	tree_write("src/a.c", "one\ntwo\n");
	tree_write("outside.c", "one\ntwo\n");
	refuse("--- a/../outside.c\n+++ b/../outside.c\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n",
	       "leads out");
	refuse("--- a/x/../../outside.c\n+++ b/x/../../outside.c\n@@ -1 +1 @@\n-one\n+1\n",
	       "leads out");
	refuse("--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-one\n+1\n", "absolute");
	refuse("--- /dev/null\n+++ b/../../evil.c\n@@ -0,0 +1 @@\n+x\n", "leads out");
	assert_int_equal(symlink("../outside.c", tree_path("src/link.c")), 0);
	refuse("--- a/link.c\n+++ b/link.c\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n", "link");
}

static void unfit_diffs_are_refused(void **state)
{
	(void)state;
	tree_write("src/a.c", "one\ntwo\n");
	refuse("", "no unified diff");
	refuse("hello\n", "no unified diff");
	refuse("Binary files a/x and b/x differ\n", "binary");
	refuse("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 "
	       "@@\n+/etc\n",
	       "symbolic");
	refuse("--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n one\n-tw", "");
	refuse("--- a/a.c\n+++ b/a.c\n@@ -1,9 +1,9 @@\n one\n", "ends inside");
	refuse("--- a/a.c\n+++ b/a.c\n@@ what @@\n one\n", "");
	refuse("--- a/none.c\n+++ b/none.c\n@@ -1 +1 @@\n-x\n+y\n", "not found");
	refuse("--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n uno\n-dos\n+2\n", "does not apply");
	refuse("--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n one\n-2\n+two\n", "already");
	/* An ed script: patch(1) would run ed, which runs commands. */
	refuse("--- a/a.c\n+++ b/a.c\n1!touch /tmp/owned\n", "");
}

static void sources_stay_as_they_are(void **state)
{
	uint8_t before[HASH_SIZE] = {0}, after[HASH_SIZE] = {0};

	(void)state;
	tree_write("src/a.c", "one\ntwo\n");
	tree_digest(tree_path("src"), before);
	check("--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n", 1, "a.c", "one\n2\n");
	tree_digest(tree_path("src"), after);
	assert_memory_equal(before, after, HASH_SIZE);
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(strip_levels),
		in_tree(git_new_deleted_renamed),
		in_tree(names_with_blanks_and_quotes),
		in_tree(line_ends),
		in_tree(text_that_looks_like_a_header),
		in_tree(comment_only_is_seen),
		in_tree(escapes_are_refused),
		in_tree(unfit_diffs_are_refused),
		in_tree(sources_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
