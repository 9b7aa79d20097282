/* SPDX-License-Identifier: MIT */
/*
 * Objects that grow, shrink, or only change, while a thread ticks: all or none, in either
 * direction, whatever the enumeration and the hooks do, and no memory is lost or freed twice.
 */
#include "../test.h"

#include "agent/objects.h"
#include "agent/transaction.h"
#include "base/error.h"
#include "handmade.h"
#include "stop/safepoint.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { THINGS = 1000 };

/* The layout that the test was compiled with, and what the patch makes of it. */
struct thing {
	int value;
	int twin;
	struct thing *next;
};

struct thing_grown {
	struct thing_grown *next;
	long sum;
	int value;
	int twin;
};

static struct thing *things[THINGS * 2], *head;
static size_t thing_count;

static struct agent agent;
static char folder[128];
static _Atomic unsigned safepoint_word;
static atomic_bool quit;
static pthread_t ticker;
static long allocated; /* by the type's functions, less what was released */

/* Reads the layout that is in force. */
long things_total(void);
__attribute__((noinline, aligned(16))) long things_total(void)
{
	long total = 0;

	for (struct thing *thing = head; thing; thing = thing->next)
		total += thing->value * 1000 + thing->twin;
	return total;
}

static const char grown_code[] =
	"struct thing { int value; int twin; struct thing *next; };\n"
	"struct grown { struct grown *next; long sum; int value; int twin; };\n"
	"struct grown **head = (void *)1;\n"
	"long new_total(void) { long total = 0;\n"
	"  for (struct grown *g = *head; g; g = g->next) total += g->value * 1000 + g->twin + "
	"g->sum;\n"
	"  return total; }\n"
	"int forward(const void *old, void *fresh) { const struct thing *t = old; struct grown *g "
	"= fresh;\n"
	"  if (t->value < 0) return 7;\n"
	"  g->next = (struct grown *)t->next; g->value = t->value; g->twin = t->twin; g->sum += "
	"1000000;\n"
	"  return 0; }\n"
	"int reverse(const void *old, void *fresh) { const struct grown *g = old; struct thing *t "
	"= fresh;\n"
	"  if (g->value < 0) return 9;\n"
	"  t->next = (struct thing *)g->next; t->value = g->value; t->twin = g->twin; return 0; }\n"
	"int exchange(const void *old, void *fresh) { const struct thing *t = old; struct thing *n "
	"= fresh;\n"
	"  if (t->value < 0) return 7;\n"
	"  n->value = t->twin; n->twin = t->value; n->next = t->next; return 0; }\n";

static void must(int rc, const struct suture_error *err)
{
	if (rc)
		fail_msg("%s: %s", suture_code_name(err->code), err->message);
}

/* ---- the application ------------------------------------------------------------------------ */

static void *tick(void *arg)
{
	(void)arg;
	while (!quit) {
		safepoint_visit();
		usleep(200);
	}
	safepoint_depart();
	return NULL;
}

static void *count_allocate(size_t size)
{
	allocated++;
	return malloc(size);
}

static void count_release(void *object)
{
	allocated--;
	free(object);
}

/* The array, the head, and, as many lists have it, a pointer in each object to the next. */
static void each_thing(struct suture_objects *to)
{
	for (size_t i = 0; i < thing_count; i++)
		objects_yield_stopped(to, things[i], (void **)&things[i]);
	if (head)
		objects_yield_stopped(to, head, (void **)&head);
	for (size_t i = 0; i < thing_count; i++)
		if (things[i]->next)
			objects_yield_stopped(to, things[i]->next, (void **)&things[i]->next);
}

static void each_grown(struct suture_objects *to)
{
	for (size_t i = 0; i < thing_count; i++)
		objects_yield_stopped(to, things[i], (void **)&things[i]);
	if (head)
		objects_yield_stopped(to, head, (void **)&head);
	for (size_t i = 0; i < thing_count; i++) {
		struct thing_grown *grown = (struct thing_grown *)things[i];

		if (grown->next)
			objects_yield_stopped(to, grown->next, (void **)&grown->next);
	}
}

static void each_without_references(struct suture_objects *to)
{
	for (size_t i = 0; i < thing_count; i++)
		objects_yield_stopped(to, things[i], NULL);
}

static void each_wrongly(struct suture_objects *to)
{
	for (size_t i = 0; i < thing_count; i++)
		objects_yield_stopped(to, things[i], (void **)&things[(i + 1) % thing_count]);
}

static unsigned enumerations;

/* At first only a few: the others are born before the commit. */
static void each_in_time(struct suture_objects *to)
{
	size_t all = thing_count;

	if (enumerations++ == 0)
		thing_count = 10;
	for (size_t i = 0; i < thing_count; i++)
		objects_yield_stopped(to, things[i], (void **)&things[i]);
	if (thing_count == all)
		each_thing(to);
	thing_count = all;
}

static void register_type(suture_objects_iterate *iterate)
{
	assert_int_equal(
		objects_register("thing", &(struct suture_objects_type){iterate, count_allocate,
									count_release}),
		0);
}

static int setup(void **state)
{
	(void)state;
	allocated = 0;
	thing_count = THINGS;
	head = NULL;
	for (size_t i = 0; i < THINGS; i++) {
		things[i] = count_allocate(sizeof(struct thing));
		*things[i] = (struct thing){.value = (int)i, .twin = 1, .next = head};
		head = things[i];
	}
	register_type(each_thing);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(allocated, thing_count);
	for (size_t i = 0; i < thing_count; i++)
		count_release(things[i]);
	return 0;
}

static const long total = (long)THINGS * (THINGS - 1) / 2 * 1000 + THINGS;

/* ---- patches -------------------------------------------------------------------------------- */

static void make(const char *name, const char *type, size_t new_size, const char *forward,
		 const char *reverse, char *path, size_t size)
{
	struct handmade patch;

	handmade_init(&patch, name);
	handmade_code(&patch, grown_code);
	handmade_slot(&patch, "head", handmade_target(&patch, (const void *)&head));
	if (new_size != sizeof(struct thing))
		handmade_replace(&patch, things_total, "new_total");
	else
		handmade_hook(&patch, FORMAT_HOOK_POST_APPLY, "nothing");
	handmade_code(&patch, "int nothing(void) { return 0; }\n");
	handmade_migration(&patch, type, sizeof(struct thing), new_size, forward, reverse);
	handmade_build(&patch, folder, path, size);
	handmade_fini(&patch);
}

static int apply(const char *path, struct suture_error *err)
{
	struct transaction_options options = {.timeout_ns = UINT64_C(30000000000)};
	struct transaction_result result;
	struct patch_file file;
	int rc;

	must(patch_file_read(path, &file, err), err);
	rc = transaction_apply(&agent, &file, &options, &result, err);
	assert_true(rc || result.rung == STOP_RUNG_SAFEPOINT);
	transaction_result_fini(&result);
	return rc;
}

static int revert(const char *name, struct suture_error *err)
{
	struct transaction_options options = {.timeout_ns = UINT64_C(30000000000)};
	struct transaction_result result;
	int rc = transaction_revert(&agent, name, &options, &result, err);

	transaction_result_fini(&result);
	return rc;
}

static struct thing_grown *grown(size_t index)
{
	return (struct thing_grown *)things[index];
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void they_grow_and_shrink(void **state)
{
	struct suture_error err;
	char path[256];

	(void)state;
	make("grows", "thing", sizeof(struct thing_grown), "forward", "reverse", path,
	     sizeof(path));
	for (int i = 0; i < 20; i++) {
		assert_int_equal(things_total(), total + (i ? 7001 : 0));
		must(apply(path, &err), &err);
		register_type(each_grown);
		assert_int_equal(things_total(),
				 total + (i ? 7001 : 0) + (long)thing_count * 1000000);
		if (i == 0) {
			/* Born under the new layout. */
			things[thing_count] = count_allocate(sizeof(struct thing_grown));
			*grown(thing_count) = (struct thing_grown){
				.next = grown(thing_count - 1), .value = 7, .twin = 1};
			head = things[thing_count++];
		}
		must(revert("grows", &err), &err);
		register_type(each_thing);
	}
	assert_int_equal(things_total(), total + 7001);
}

static void one_says_no(void **state)
{
	struct thing *before[THINGS];
	struct suture_error err;
	char path[256];

	(void)state;
	make("refused", "thing", sizeof(struct thing_grown), "forward", "reverse", path,
	     sizeof(path));
	memcpy(before, things, sizeof(before));
	/* The first, one in the middle, the last. */
	for (size_t bad = 0; bad < THINGS; bad += (THINGS - 1) / 2) {
		int kept = things[bad]->value;

		things[bad]->value = -1;
		assert_int_equal(apply(path, &err), -SUTURE_E_HOOK_VETO);
		assert_non_null(strstr(err.message, "returned 7"));
		things[bad]->value = kept;
		assert_memory_equal(before, things, sizeof(before));
		assert_int_equal(things_total(), total);
		assert_int_equal(allocated, THINGS);
	}
	/* And on the way back. */
	must(apply(path, &err), &err);
	register_type(each_grown);
	grown(3)->value = -3;
	assert_int_equal(revert("refused", &err), -SUTURE_E_HOOK_VETO);
	assert_non_null(strstr(err.message, "returned 9"));
	grown(3)->value = 3;
	assert_int_equal(things_total(), total + THINGS * 1000000L);
	must(revert("refused", &err), &err);
	assert_int_equal(things_total(), total);
}

static void of_the_same_size_they_stay(void **state)
{
	struct thing *before[THINGS];
	struct suture_error err;
	char path[256];

	(void)state;
	make("exchanged", "thing", sizeof(struct thing), "exchange", "exchange", path,
	     sizeof(path));
	memcpy(before, things, sizeof(before));
	register_type(each_without_references);
	must(apply(path, &err), &err);
	assert_memory_equal(before, things, sizeof(before));
	for (size_t i = 0; i < THINGS; i++)
		assert_true(things[i]->twin == (int)i && things[i]->value == 1);
	things[500]->value = -1;
	assert_int_equal(revert("exchanged", &err), -SUTURE_E_HOOK_VETO);
	things[500]->value = 1;
	assert_int_equal(things[2]->twin, 2);
	must(revert("exchanged", &err), &err);
	assert_int_equal(things_total(), total);
	assert_int_equal(allocated, THINGS);
}

static void wrong_enumerations(void **state)
{
	struct suture_error err;
	char path[256];

	(void)state;
	make("wrong", "thing", sizeof(struct thing_grown), "forward", "reverse", path,
	     sizeof(path));
	register_type(each_without_references);
	assert_int_equal(apply(path, &err), -SUTURE_E_UNSUPPORTED);
	assert_non_null(strstr(err.message, "no references"));
	register_type(each_wrongly);
	assert_int_equal(apply(path, &err), -SUTURE_E_UNSUPPORTED);
	assert_non_null(strstr(err.message, "leads elsewhere"));
	assert_int_equal(things_total(), total);
	make("unknown", "thong", sizeof(struct thing_grown), "forward", "reverse", path,
	     sizeof(path));
	assert_int_equal(apply(path, &err), -SUTURE_E_UNSUPPORTED);
	assert_non_null(strstr(err.next, "suture_objects_register(\"thong\""));
}

static void one_way(void **state)
{
	struct suture_error err;
	char path[256];

	(void)state;
	make("oneway", "thing", sizeof(struct thing_grown), "forward", NULL, path, sizeof(path));
	must(apply(path, &err), &err);
	register_type(each_grown);
	assert_int_equal(revert("oneway", &err), -SUTURE_E_UNSUPPORTED);
	assert_non_null(strstr(err.message, "one way"));
	assert_int_equal(things_total(), total + THINGS * 1000000L);
}

static void more_are_born_than_were_counted(void **state)
{
	struct suture_error err;
	char path[256];

	(void)state;
	/* The one before can't go any more: its code is in force for ever. */
	make("births", "thing", sizeof(struct thing), "exchange", "exchange", path, sizeof(path));
	enumerations = 0;
	register_type(each_in_time);
	must(apply(path, &err), &err);
	assert_true(enumerations >= 3);
	for (size_t i = 0; i < THINGS; i++)
		assert_true(things[i]->twin == (int)i && things[i]->value == 1);
	enumerations = 1;
	must(revert("births", &err), &err);
}

static int group_setup(void **state)
{
	struct suture_error err;

	(void)state;
	test_folder_make(folder, sizeof(folder));
	setenv("SUTURE_DIR", folder, 1);
	safepoint_use_state(&safepoint_word);
	must(agent_init(&agent, &err), &err);
	pthread_create(&ticker, NULL, tick, NULL);
	while (!safepoint_members())
		usleep(1000);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	quit = true;
	pthread_join(ticker, NULL);
	test_folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_grow_and_shrink, setup, teardown),
		cmocka_unit_test_setup_teardown(one_says_no, setup, teardown),
		cmocka_unit_test_setup_teardown(of_the_same_size_they_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_enumerations, setup, teardown),
		cmocka_unit_test_setup_teardown(more_are_born_than_were_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(one_way, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
