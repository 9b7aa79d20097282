/* SPDX-License-Identifier: MIT */
/* Types without a name, as texts. */
#include "builder/nameless.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void adds(const char *name, const char *expected)
{
	struct bytes text = {0};

	nameless_add(&text, name);
	bytes_add(&text, "", 1);
	assert_true(bytes_ok(&text));
	assert_string_equal((char *)text.data, expected);
	bytes_fini(&text);
}

static void names_are_known(void **state)
{
	(void)state;
	assert_true(nameless_in("box<<lambda(int)> >"));
	assert_true(nameless_in("box<(lambda at /tmp/x.cpp:3:4)>"));
	assert_true(nameless_in("box<(unnamed struct at x.cpp:3:4)>"));
	assert_true(nameless_in("box<<unnamed struct> >"));
	assert_false(nameless_in("box<(anonymous namespace)::player>"));
	assert_false(nameless_in("lambda"));
	assert_false(nameless_in(""));
}

static void places_are_left_out(void **state)
{
	(void)state;
	adds("pair<(lambda at a b/x.cpp:3:4), (unnamed struct at y.h:1:2)>, int",
	     "pair<(lambda), (unnamed struct)>, int");
	adds("box<(anonymous namespace)::at at (x)>", "box<(anonymous namespace)::at at (x)>");
	adds("box<(lambda at ", "box<(lambda at ");
}

static void members_may_have_new_names(void **state)
{
	static const char old[] = "struct { a@0:0 int; b@32:0 struct { c@0:0 int; }; }";

	(void)state;
	assert_true(nameless_same(old, old));
	assert_true(nameless_same(old, "struct { x@0:0 int; b@32:0 struct { yy@0:0 int; }; }"));
	assert_true(nameless_same("int", "int"));
	assert_false(nameless_same("int", "long"));
	assert_false(nameless_same(old, "struct { a@0:0 float; b@32:0 struct { c@0:0 int; }; }"));
	assert_false(nameless_same(old, "struct { a@0:0 int; b@64:0 struct { c@0:0 int; }; }"));
	assert_false(nameless_same(old, "struct { a@0:0 int; }"));
	assert_false(nameless_same("struct { a@0:0 int; }", old));
	assert_false(nameless_same("struct { @0:0 int; }", "struct { a@0:0 int; }"));
}

/* That they stand for something else now is what counts. */
static void names_may_not_change_places(void **state)
{
	(void)state;
	assert_false(nameless_same("struct { a@0:0 int; b@32:0 int; }",
				   "struct { b@0:0 int; a@32:0 int; }"));
	assert_false(nameless_same("struct { a@0:0 int; b@32:0 int; }",
				   "struct { x@0:0 int; a@32:0 int; }"));
	assert_true(nameless_same("struct { a@0:0 int; ab@32:0 int; }",
				  "struct { b@0:0 int; ab@32:0 int; }"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_known),
		cmocka_unit_test(places_are_left_out),
		cmocka_unit_test(members_may_have_new_names),
		cmocka_unit_test(names_may_not_change_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
