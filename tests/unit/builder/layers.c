/* SPDX-License-Identifier: MIT */
/*
 * What is known of the binary is handed up through the patches below; of several that bring one
 * name, the highest has what runs.
 */
#include "core_kit.h"

#include "builder/identity.h"
#include "builder/layers.h"

static const struct core_provide lower[] = {
	{"a.c", "tip", 0x10, true, true},
	{"a.c", "own", 0x20, false, true},
	{"b.c", "tips", 0x30, true, false},
};
static const struct core_provide upper[] = {
	{"a.c", "tip", 0x40, true, true},
	{"b.c", "own", 0x50, true, true},
};

static const struct core_provide *look_up(const char *name, size_t patches, unsigned *below)
{
	const struct core_below list[] = {
		{.name = "lower", .provides = lower, .provide_count = 3},
		{.name = "upper", .provides = upper, .provide_count = 2},
	};
	const struct core_options options = {.below = list, .below_count = patches};
	const struct session session = {.options = &options};

	return layers_global(&session, name, below);
}

static void the_highest_patch_has_it(void **state)
{
	unsigned below = 77;

	(void)state;
	assert_int_equal(look_up("tip", 2, &below)->address, 0x40);
	assert_int_equal(below, 2);
	assert_int_equal(look_up("tip", 1, &below)->address, 0x10);
	assert_int_equal(below, 1);
	assert_int_equal(look_up("tips", 2, &below)->address, 0x30);
	assert_int_equal(below, 1);
}

/* A file's own name means nothing to another file: `below` stays as it was. */
static void local_names_are_nobody_elses(void **state)
{
	unsigned below = 77;

	(void)state;
	assert_null(look_up("own", 1, &below));
	assert_int_equal(below, 77);
	assert_int_equal(look_up("own", 2, &below)->address, 0x50);
	assert_null(look_up("ti", 2, &below));
	assert_null(look_up("tip", 0, &below));
}

/* A unit as the binary has it, and as two patches on each other made it. */
static const char in_binary[] = "int work(int x)\n{ static int count; return x + count++; }\n"
				"int other(int x)\n{ static int count; return x - count++; }\n"
				"int gone(void) { return 9; }\n";
static const char in_lower[] =
	"static int fresh;\n#line 1\n"
	"int work(int x)\n{ static int count; return x + 2 * count++; }\n"
	"int other(int x)\n{ static int count; return x - count++ - fresh++; }\n";
static const char in_upper[] =
	"int added(int x) { return x * 3; }\n"
	"static int fresh;\n#line 1\n"
	"int work(int x)\n{ static int count; return added(x) + 2 * count++; }\n"
	"int other(int x)\n{ static int count; return x - count++ - fresh++; }\n";

struct climb {
	struct kit kit;
	struct core_options options;
	struct session session;
	struct unit_objects input;
	struct unit unit;
};

static const char *climb_object(struct climb *climb, const char *name, const char *source)
{
	char file[32];

	snprintf(file, sizeof(file), "%s.c", name);
	kit_write(&climb->kit, file, source);
	kit_run("cd %s && gcc -O0 -g -ffunction-sections -fdata-sections -c %s.c", climb->kit.dir,
		name);
	return arena_format(&climb->session.arena, "%s/%s.o", climb->kit.dir, name);
}

static struct part *climb_part(const struct climb *climb, const char *name, const char *owner)
{
	struct part *found = NULL;

	for (size_t i = 0; i < climb->unit.original.count; i++) {
		struct part *part = climb->unit.original.list[i];

		if (strncmp(part->name, name, strlen(name)) != 0 ||
		    (owner && strcmp(part->identity.owner ? part->identity.owner : "", owner) != 0))
			continue;
		assert_null(found);
		found = part;
	}
	return found;
}

static void is_at(const struct climb *climb, const char *name, const char *owner, uint64_t target,
		  unsigned below)
{
	const struct part *part = climb_part(climb, name, owner);

	assert_non_null(part);
	assert_true(part->has_target);
	assert_int_equal(part->target, target);
	assert_int_equal(part->below, below);
	assert_int_equal(part->replaceable, !below && part->kind == PART_FUNCTION);
	assert_null(part->twin);
}

/* As if it were proven: each part at its own place. */
static void climb_prove(struct climb *climb, const char *name, const char *owner, uint64_t target)
{
	struct part *part = climb_part(climb, name, owner);

	assert_non_null(part);
	part->has_target = true;
	part->target = target;
	part->replaceable = part->kind == PART_FUNCTION;
}

static void what_is_known_is_handed_up(void **state)
{
	static const struct core_provide of_lower[] = {
		{"unit", "fresh", 0x1000, false, true},
		{"unit", "work", 0x1100, true, false},
		{"elsewhere", "added", 0x1200, false, true},
	};
	static const struct core_provide of_upper[] = {{"unit", "added", 0x2000, true, false}};
	const struct core_below below[] = {
		{.name = "lower", .provides = of_lower, .provide_count = 3},
		{.name = "upper", .provides = of_upper, .provide_count = 1},
	};
	struct core_layer layers[] = {{.below = 0}, {.below = 1}};
	struct climb climb = {.options = {.below = below, .below_count = 2}};
	struct session *session = &climb.session;
	struct unit *unit = &climb.unit;
	struct arena *arena = &session->arena;

	(void)state;
	kit_open(&climb.kit);
	layers[0].path = climb_object(&climb, "lower", in_lower);
	layers[1].path = climb_object(&climb, "upper", in_upper);
	climb.input.layers = layers;
	climb.input.layer_count = 2;
	session->options = &climb.options;
	session->binary.arch = arch_native();
	session->result = &climb.kit.result;
	session->err = &climb.kit.err;
	unit->source = "unit";
	unit->input = &climb.input;
	assert_int_equal(object_read(arena, climb_object(&climb, "binary", in_binary), &unit->o,
				     session->err),
			 0);
	assert_int_equal(part_set_build(arena, session->binary.arch, &unit->o, &unit->original,
					session->err),
			 0);
	assert_int_equal(identity_read(arena, &unit->original, session->err), 0);
	climb_prove(&climb, "work", NULL, 0x10);
	climb_prove(&climb, "other", NULL, 0x20);
	climb_prove(&climb, "gone", NULL, 0x30);
	climb_prove(&climb, "count", "work", 0x40);
	climb_prove(&climb, "count", "other", 0x50);

	assert_int_equal(layers_climb(session, unit), 0);
	assert_int_equal(climb.kit.result.refusals.count, 0);
	assert_string_equal(unit->o.path, layers[1].path);
	assert_ptr_equal(unit->original.object, &unit->o);
	/* What the binary has stays what the patch is about, also where one below has another. */
	is_at(&climb, "work", NULL, 0x10, 0);
	is_at(&climb, "other", NULL, 0x20, 0);
	is_at(&climb, "count", "work", 0x40, 0);
	is_at(&climb, "count", "other", 0x50, 0);
	is_at(&climb, "fresh", NULL, 0x1000, 1);
	is_at(&climb, "added", NULL, 0x2000, 2);
	assert_null(climb_part(&climb, "gone", NULL));
	arena_fini(arena);
	kit_close(&climb.kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_highest_patch_has_it),
		cmocka_unit_test(local_names_are_nobody_elses),
		cmocka_unit_test(what_is_known_is_handed_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
