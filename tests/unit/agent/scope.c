/* SPDX-License-Identifier: MIT */
/*
 * Scoped patches through whole transactions: random operations while threads call the patched
 * functions in scopes, against a model. Every call chain inside a scope is all old or all new,
 * whatever is done meanwhile, and is the one that the model expects when nothing was.
 *
 * scope [OPERATIONS]: how many; the suite does 10,000.
 */
#include "../test.h"

#include "agent/rescope.h"
#include "base/error.h"
#include "handmade.h"
#include "scope/hash.h"
#include "scope/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { OLD = 1, NEW = 2, WORKERS = 4, VALUES = 12, PATCHES = 2 };

static unsigned long operations = 10000;

/* Read anew by each call: a compiler may otherwise give callers the constant without the call. */
static volatile int old_answer = OLD;

#define SUBJECT(name)                                         \
	int name(void);                                       \
	__attribute__((noinline, aligned(16))) int name(void) \
	{                                                     \
		for (volatile int i = 0; i < 3; i++)          \
			;                                     \
		return old_answer;                            \
	}

SUBJECT(room_first)
SUBJECT(room_second)
SUBJECT(match_first)
SUBJECT(match_second)

/* All registers that carry arguments, the count of vector ones, and what nested functions use. */
int registers(void);
__attribute__((noinline, aligned(16))) int registers(void)
{
	return old_answer;
}

static struct agent agent;
static char folder[128], paths[PATCHES][256];
static const char *const names[PATCHES] = {"rooms", "matches"};
static const char *const keys[PATCHES] = {"room", "match"};
static char values[VALUES][8];

static void must(int rc, const struct suture_error *err)
{
	if (rc)
		fail_msg("%s: %s", suture_code_name(err->code), err->message);
}

static void make_patch(const char *name, const void *first, const void *second, char *path,
		       size_t size)
{
	struct handmade patch;

	handmade_init(&patch, name);
	handmade_code(&patch, "int new_first(void) { return 2; }\n"
			      "int new_second(void) { return 2; }\n");
	handmade_replace(&patch, first, "new_first");
	handmade_replace(&patch, second, "new_second");
	handmade_build(&patch, folder, path, size);
	handmade_fini(&patch);
}

static int group_setup(void **state)
{
	struct suture_error err;

	(void)state;
	test_folder_make(folder, sizeof(folder));
	setenv("SUTURE_DIR", folder, 1);
	must(agent_init(&agent, &err), &err);
	make_patch("rooms", room_first, room_second, paths[0], sizeof(paths[0]));
	make_patch("matches", match_first, match_second, paths[1], sizeof(paths[1]));
	for (int i = 0; i < VALUES; i++)
		snprintf(values[i], sizeof(values[i]), "%d", i);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

static const struct transaction_options usual = {.timeout_ns = UINT64_C(60000000000)};

static int apply(const char *path, const struct scope_wish *wish, struct suture_error *err)
{
	struct transaction_options options = usual;
	struct transaction_result result;
	struct patch_file file;
	int rc;

	if (wish)
		options.scope = *wish;
	must(patch_file_read(path, &file, err), err);
	rc = transaction_apply(&agent, &file, &options, &result, err);
	transaction_result_fini(&result);
	return rc;
}

static int revert(const char *name, uint64_t timeout_ns, struct suture_error *err)
{
	struct transaction_options options = {.timeout_ns = timeout_ns};
	struct transaction_result result;
	int rc = transaction_revert(&agent, name, &options, &result, err);

	transaction_result_fini(&result);
	return rc;
}

static int rescope(const char *name, const struct scope_wish *wish, bool *changed,
		   struct suture_error *err)
{
	struct transaction_result result = {0};
	int rc = rescope_run(&agent, name, wish, &usual, &result, err);

	if (changed)
		*changed = result.changed;
	transaction_result_fini(&result);
	return rc;
}

/* ---- the model ------------------------------------------------------------------------------ */

/* Written by the one that operates, read by all between two equal, even generations. */
struct model {
	atomic_bool in_force;
	atomic_bool all;
	atomic_uint named; /* a bit for each value */
	atomic_uint share;
	atomic_ulong new_since; /* generation; 0: not by age */
};

static struct model models[PATCHES];
static atomic_ulong generation = 2;
static atomic_bool quit;
static atomic_ulong mixed, wrong, chains, judged, adopted;

static bool expected(const struct model *model, const char *value, int named, unsigned long born)
{
	if (!model->in_force)
		return false;
	return model->all || (named >= 0 && (model->named >> named & 1)) ||
	       scope_share(scope_hash(value)) < model->share ||
	       (model->new_since && born >= model->new_since);
}

/* What it had been up to when it was born is known only where nothing was changing. */
struct work {
	unsigned seed;
	unsigned long serial;
	char match[40];
	unsigned long born;
	bool born_known;
	bool begun; /* the match was entered before */
};

static int call_pair(int which)
{
	int first = which ? match_first() : room_first();
	int second = which ? match_second() : room_second();

	return first == second ? first : 0;
}

static unsigned roll(struct work *work, unsigned sides)
{
	work->seed = work->seed * 1103515245u + 12345u;
	return (work->seed >> 16) % sides;
}

/* Calls both functions again and again; all must agree with the first. */
static void stay(struct work *work, int which, int seen)
{
	unsigned times = 1 + roll(work, 8);

	for (unsigned i = 0; i < times; i++)
		if (call_pair(which) != seen)
			mixed++;
}

static void judge(int which, const char *value, int named, unsigned long born, int seen,
		  unsigned long before)
{
	bool fresh = expected(&models[which], value, named, born);

	if ((before & 1) || generation != before)
		return;
	judged++;
	if (seen != (fresh ? NEW : OLD))
		wrong++;
}

static void in_room(struct work *work)
{
	int value = (int)roll(work, VALUES);
	unsigned long before = generation;
	int seen;

	scope_enter("room", values[value]);
	seen = call_pair(0);
	judge(0, values[value], value, 0, seen, before);
	stay(work, 0, seen);
	if (roll(work, 4) == 0) {
		scope_enter("room", values[roll(work, VALUES)]);
		stay(work, 0, seen);
		scope_leave();
	}
	if (roll(work, 8) == 0)
		usleep(200);
	stay(work, 0, seen);
	scope_leave();
	chains++;
}

static void begin_match(struct work *work)
{
	snprintf(work->match, sizeof(work->match), "%p-%lu", (void *)work, work->serial++);
	work->begun = false;
}

static void in_match(struct work *work)
{
	unsigned long before = generation;
	int seen;

	scope_enter("match", work->match);
	if (!work->begun) {
		work->begun = true;
		work->born = before;
		work->born_known = !(before & 1) && generation == before;
	}
	seen = call_pair(1);
	if (work->born_known)
		judge(1, work->match, -1, work->born, seen, before);
	stay(work, 1, seen);
	if (roll(work, 2))
		in_room(work);
	stay(work, 1, seen);
	scope_leave();
	chains++;
	if (roll(work, 16) == 0) {
		scope_end("match", work->match);
		begin_match(work);
	}
}

static void outside(void)
{
	unsigned long before = generation;
	int seen = call_pair(0);
	bool all = models[0].in_force && models[0].all;

	if ((before & 1) || generation != before)
		return;
	judged++;
	if (seen != (all ? NEW : OLD))
		wrong++;
}

/* Work that is handed over: the other thread adopts, while the scope is open. */
struct order {
	struct suture_scope scope;
	int which, seen;
};

static void *carry_out(void *arg)
{
	struct order *order = arg;

	scope_adopt(&order->scope);
	for (int i = 0; i < 20; i++)
		if (call_pair(order->which) != order->seen)
			mixed++;
	scope_leave();
	adopted++;
	return NULL;
}

static void hand_over(struct work *work)
{
	struct order order = {.which = 0};
	pthread_t thread;

	scope_enter("room", values[roll(work, VALUES)]);
	order.seen = call_pair(0);
	scope_current(&order.scope);
	if (pthread_create(&thread, NULL, carry_out, &order) == 0)
		pthread_join(thread, NULL);
	stay(work, 0, order.seen);
	scope_leave();
}

static void *play(void *arg)
{
	struct work work = {.seed = (unsigned)(size_t)arg * 7919 + 1};

	begin_match(&work);
	while (!quit) {
		unsigned what = roll(&work, 64);

		if (what == 0)
			hand_over(&work);
		else if (what < 24)
			in_room(&work);
		else if (what < 48)
			in_match(&work);
		else
			outside();
		if (what % 2)
			usleep(100);
	}
	return NULL;
}

/* ---- operations ----------------------------------------------------------------------------- */

static void wish_anything(unsigned *seed, int which, struct scope_wish *wish, char *pair,
			  size_t size)
{
	*wish = (struct scope_wish){0};
	switch (rand_r(seed) % 3) {
	case 0:
		snprintf(pair, size, "%s=%d", keys[which], rand_r(seed) % VALUES);
		wish->value = pair;
		break;
	case 1:
		wish->by_share = true;
		wish->share = (uint64_t)(rand_r(seed) % 101) * 100;
		wish->key = keys[which];
		break;
	default:
		wish->fresh = keys[which];
	}
}

static void forget(struct model *model)
{
	model->all = false;
	model->named = 0;
	model->share = 0;
	model->new_since = 0;
}

/* What the model makes of it; now is the generation that follows. */
static void note(struct model *model, const struct scope_wish *wish, unsigned long now)
{
	if (wish->all)
		model->all = true;
	else if (model->all || wish->clear)
		forget(model);
	if (wish->value)
		model->named |= 1u << atoi(strchr(wish->value, '=') + 1);
	if (wish->by_share)
		model->share = (unsigned)wish->share;
	if (wish->fresh && !model->new_since)
		model->new_since = now;
}

static void operate(unsigned *seed, unsigned long *commits)
{
	int which = rand_r(seed) % PATCHES;
	struct model *model = &models[which];
	struct scope_wish wish;
	struct suture_error err;
	unsigned long now;
	char pair[80];
	int dice = rand_r(seed) % 16;

	wish_anything(seed, which, &wish, pair, sizeof(pair));
	now = atomic_fetch_add(&generation, 1) + 2;
	if (!model->in_force) {
		must(apply(paths[which], &wish, &err), &err);
		model->in_force = true;
		forget(model);
		note(model, &wish, now);
		++*commits;
	} else if (dice == 0 && !model->all) {
		must(revert(names[which], usual.timeout_ns, &err), &err);
		model->in_force = false;
		++*commits;
	} else {
		bool before = model->all;

		if (dice == 1)
			wish = (struct scope_wish){.all = true};
		else if (dice == 2)
			wish = (struct scope_wish){.clear = true};
		must(rescope(names[which], &wish, NULL, &err), &err);
		note(model, &wish, now);
		*commits += before != model->all;
	}
	atomic_fetch_add(&generation, 1);
}

static void never_a_mixed_chain(void **state)
{
	pthread_t threads[WORKERS];
	unsigned long commits = 0;
	struct suture_error err;
	unsigned seed = 20261121;

	(void)state;
	for (size_t i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, play, (void *)i);
	for (unsigned long i = 0; i < operations; i++) {
		operate(&seed, &commits);
		/* Some time in which the model can be held against what is seen. */
		if (i % 4 == 0)
			usleep(300);
	}
	quit = true;
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < PATCHES; i++)
		if (models[i].in_force)
			must(revert(names[i], usual.timeout_ns, &err), &err);
	print_message("%lu operations, %lu commits, %lu chains, %lu held against the model, %lu "
		      "handed over, %lu mixed, %lu wrong\n",
		      operations, commits, chains, judged, adopted, mixed, wrong);
	assert_int_equal(mixed, 0);
	assert_int_equal(wrong, 0);
	assert_true(judged > operations / 10);
	assert_int_equal(call_pair(0), OLD);
	assert_int_equal(call_pair(1), OLD);
}

/* ---- one thing at a time -------------------------------------------------------------------- */

static int in(const char *key, const char *value)
{
	int seen;

	scope_enter(key, value);
	seen = call_pair(0);
	scope_leave();
	return seen;
}

static void wider_and_back(void **state)
{
	static const uint8_t jump = 0xe9;
	struct suture_error err;
	bool changed;
	struct site *site;

	(void)state;
	must(apply(paths[0], &(struct scope_wish){.value = "room=42"}, &err), &err);
	assert_int_equal(in("room", "42"), NEW);
	assert_int_equal(in("room", "43"), OLD);
	assert_int_equal(call_pair(0), OLD);
	must(rescope("rooms", &(struct scope_wish){.value = "room=43"}, &changed, &err), &err);
	assert_true(changed);
	assert_int_equal(in("room", "43"), NEW);
	must(rescope("rooms", &(struct scope_wish){.value = "room=43"}, &changed, &err), &err);
	assert_false(changed);
	assert_int_equal(rescope("rooms", &(struct scope_wish){.value = "match=1"}, &changed, &err),
			 -SUTURE_E_USAGE);
	must(rescope("rooms", &(struct scope_wish){.all = true}, &changed, &err), &err);
	assert_true(changed);
	assert_int_equal(call_pair(0), NEW);
	/* One plain jump, straight to the replacement. */
	site = site_find(&agent.sites, (uintptr_t)room_first);
	assert_non_null(site);
	assert_int_equal(site_top(site)->trampoline.replacement, site_top(site)->enters);
	assert_memory_equal(site_top(site)->trampoline.new_bytes, &jump, 1);
	must(rescope("rooms", &(struct scope_wish){.all = true}, &changed, &err), &err);
	assert_false(changed);
	must(rescope("rooms", &(struct scope_wish){.clear = true}, &changed, &err), &err);
	assert_true(changed);
	assert_int_equal(call_pair(0), OLD);
	assert_int_equal(in("room", "42"), OLD);
	must(revert("rooms", usual.timeout_ns, &err), &err);
	assert_int_equal(rescope("rooms", &(struct scope_wish){.all = true}, &changed, &err),
			 -SUTURE_E_NOT_APPLIED);
}

/* What is open keeps what it has; taking the patch out waits for it, and says who is in the way. */
static void an_open_scope_holds_things_up(void **state)
{
	struct suture_error err;
	bool changed;

	(void)state;
	scope_enter("room", "42");
	must(apply(paths[0], &(struct scope_wish){.value = "room=42"}, &err), &err);
	assert_int_equal(call_pair(0), OLD);
	scope_leave();
	scope_enter("room", "42");
	assert_int_equal(call_pair(0), NEW);
	must(rescope("rooms", &(struct scope_wish){.clear = true}, &changed, &err), &err);
	assert_int_equal(call_pair(0), NEW);
	assert_int_equal(revert("rooms", 5000000, &err), -SUTURE_E_BUSY_STACK);
	assert_non_null(strstr(err.message, "is in a scope"));
	assert_int_equal(call_pair(0), NEW);
	scope_leave();
	must(revert("rooms", usual.timeout_ns, &err), &err);
	/* The same when it is widened to all calls: old ones are let finish. */
	must(apply(paths[0], &(struct scope_wish){.value = "room=42"}, &err), &err);
	scope_enter("room", "7");
	{
		struct transaction_options soon = {.timeout_ns = 5000000};
		struct transaction_result result = {0};

		assert_int_equal(rescope_run(&agent, "rooms", &(struct scope_wish){.all = true},
					     &soon, &result, &err),
				 -SUTURE_E_BUSY_STACK);
		transaction_result_fini(&result);
	}
	assert_int_equal(call_pair(0), OLD);
	scope_leave();
	/* And what was asked for in vain is forgotten. */
	assert_int_equal(in("room", "7"), OLD);
	assert_int_equal(in("room", "42"), NEW);
	must(revert("rooms", usual.timeout_ns, &err), &err);
}

static void applied_otherwise(void **state)
{
	struct suture_error err;

	(void)state;
	must(apply(paths[0], &(struct scope_wish){.value = "room=1"}, &err), &err);
	must(apply(paths[0], &(struct scope_wish){.value = "room=1"}, &err), &err);
	assert_int_equal(apply(paths[0], &(struct scope_wish){.value = "room=2"}, &err),
			 -SUTURE_E_NAME_TAKEN);
	assert_int_equal(apply(paths[0], NULL, &err), -SUTURE_E_NAME_TAKEN);
	must(revert("rooms", usual.timeout_ns, &err), &err);
	must(apply(paths[0], NULL, &err), &err);
	assert_int_equal(apply(paths[0], &(struct scope_wish){.value = "room=2"}, &err),
			 -SUTURE_E_NAME_TAKEN);
	/* One that all have becomes one that some have. */
	must(rescope("rooms", &(struct scope_wish){.value = "room=2"}, NULL, &err), &err);
	assert_int_equal(in("room", "2"), NEW);
	assert_int_equal(in("room", "1"), OLD);
	must(revert("rooms", usual.timeout_ns, &err), &err);
	assert_int_equal(in("room", "2"), OLD);
	assert_int_equal(apply(paths[0], &(struct scope_wish){.value = "room"}, &err),
			 -SUTURE_E_USAGE);
	assert_int_equal(apply(paths[0], &(struct scope_wish){.value = "=1"}, &err),
			 -SUTURE_E_USAGE);
}

static const int constant_data = 5;

static void data_is_for_all(void **state)
{
	struct suture_error err;
	struct handmade patch;
	char path[256];

	(void)state;
	handmade_init(&patch, "tables");
	handmade_code(&patch, "int new_first(void) { return 2; }\nconst int other = 6;\n");
	handmade_replace(&patch, room_first, "new_first");
	handmade_data(&patch, FORMAT_DATA_CONST, &constant_data, sizeof(constant_data), "other");
	handmade_build(&patch, folder, path, sizeof(path));
	handmade_fini(&patch);
	assert_int_equal(apply(path, &(struct scope_wish){.value = "room=1"}, &err),
			 -SUTURE_E_UNSUPPORTED);
	assert_non_null(strstr(err.message, "can't be scoped"));
}

/* On one that only some calls get nothing is built. */
static void nothing_on_a_scoped_one(void **state)
{
	struct suture_error err;
	struct patch_file file;
	struct handmade patch;
	char path[256];

	(void)state;
	must(patch_file_read(paths[0], &file, &err), &err);
	handmade_init(&patch, "upon");
	handmade_code(&patch, "int new_first(void) { return 3; }\n"
			      "int new_second(void) { return 3; }\n");
	handmade_replace(&patch, room_first, "new_first");
	handmade_replace(&patch, room_second, "new_second");
	handmade_depend(&patch, "rooms", file.hash);
	handmade_build(&patch, folder, path, sizeof(path));
	handmade_fini(&patch);
	patch_file_fini(&file);
	must(apply(paths[0], &(struct scope_wish){.value = "room=1"}, &err), &err);
	assert_int_equal(apply(path, NULL, &err), -SUTURE_E_DEPENDENCY);
	assert_non_null(strstr(err.next, "--all"));
	must(rescope("rooms", &(struct scope_wish){.all = true}, NULL, &err), &err);
	/* The one above may be scoped: its old code is the one below. */
	must(apply(path, &(struct scope_wish){.value = "room=1"}, &err), &err);
	assert_int_equal(in("room", "1"), 3);
	assert_int_equal(in("room", "2"), NEW);
	assert_int_equal(call_pair(0), NEW);
	assert_int_equal(rescope("rooms", &(struct scope_wish){.clear = true}, NULL, &err),
			 -SUTURE_E_DEPENDENCY);
	must(revert("upon", usual.timeout_ns, &err), &err);
	assert_int_equal(in("room", "1"), NEW);
	must(revert("rooms", usual.timeout_ns, &err), &err);
	assert_int_equal(in("room", "1"), OLD);
}

/* --replace, and the counters: of the new code alone. */
static void replaced_and_counted(void **state)
{
	struct transaction_options options = usual;
	struct transaction_result result;
	struct suture_error err;
	struct patch_file file;
	uint64_t calls = 0;
	struct patch *patch;

	(void)state;
	must(apply(paths[1], &(struct scope_wish){.value = "match=1"}, &err), &err);
	options.replace = options.count = true;
	options.scope = (struct scope_wish){.value = "room=1"};
	must(patch_file_read(paths[0], &file, &err), &err);
	must(transaction_apply(&agent, &file, &options, &result, &err), &err);
	transaction_result_fini(&result);
	assert_int_equal(in("room", "1"), NEW);
	assert_int_equal(in("room", "2"), OLD);
	scope_enter("match", "1");
	assert_int_equal(call_pair(1), OLD);
	scope_leave();
	patch = agent_find(&agent, "rooms");
	for (size_t i = 0; i < patch->file.functions.count; i++)
		calls += patch->counters[i].calls;
	assert_int_equal(calls, 2);
	must(revert("rooms", usual.timeout_ns, &err), &err);
}

/* A stub leaves every register that a call may use as it was. */
static void registers_stay(void **state)
{
	struct suture_error err;
	struct handmade patch;
	char path[256];

	(void)state;
	handmade_init(&patch, "registers");
	handmade_code(&patch, "int new_registers(void) { return 2; }\n");
	handmade_replace(&patch, registers, "new_registers");
	handmade_build(&patch, folder, path, sizeof(path));
	handmade_fini(&patch);
	must(apply(path, &(struct scope_wish){.value = "room=1"}, &err), &err);
	for (int inside = 0; inside < 2; inside++) {
		uint64_t r10 = 10, r11 = 11, rax = 8, r8 = 88, rdi = 77;
		double xmm = 1.5;

		if (inside)
			scope_enter("room", "1");
		__asm__ volatile("mov %[in10], %%r10\n\tmov %[in11], %%r11\n\t"
				 "mov %[in8], %%r8\n\tmov %[indi], %%rdi\n\t"
				 "mov %[inax], %%rax\n\tmovsd %[inx], %%xmm7\n\t"
				 "sub $128, %%rsp\n\t"
				 "call registers\n\t"
				 "add $128, %%rsp\n\t"
				 "mov %%r10, %[in10]\n\tmov %%r11, %[in11]\n\t"
				 "mov %%r8, %[in8]\n\tmov %%rdi, %[indi]\n\t"
				 "mov %%rax, %[inax]\n\tmovsd %%xmm7, %[inx]"
				 : [in10] "+m"(r10), [in11] "+m"(r11), [in8] "+m"(r8),
				   [indi] "+m"(rdi), [inax] "+m"(rax), [inx] "+m"(xmm)
				 :
				 : "r10", "r11", "r8", "rdi", "rax", "xmm7", "memory", "cc", "rcx",
				   "rdx", "rsi", "r9");
		if (inside)
			scope_leave();
		/* What is returned is eax; the others are what neither function writes. */
		assert_int_equal((int)rax, inside ? NEW : OLD);
		assert_true(r10 == 10 && r11 == 11 && r8 == 88 && rdi == 77 && xmm == 1.5);
	}
	must(revert("registers", usual.timeout_ns, &err), &err);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wider_and_back),
		cmocka_unit_test(an_open_scope_holds_things_up),
		cmocka_unit_test(applied_otherwise),
		cmocka_unit_test(data_is_for_all),
		cmocka_unit_test(nothing_on_a_scoped_one),
		cmocka_unit_test(replaced_and_counted),
		cmocka_unit_test(registers_stay),
		cmocka_unit_test(never_a_mixed_chain),
	};

	if (argc > 1)
		operations = strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
