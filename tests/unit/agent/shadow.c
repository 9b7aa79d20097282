/* SPDX-License-Identifier: MIT */
/*
 * Shadow variables: what they hold, when they are made and freed, many threads at once, and a
 * reader that is interrupted anywhere.
 */
#include "../test.h"

#include "agent/shadow.h"
#include "base/forkguard.h"

#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static size_t count(void)
{
	size_t variables, bytes;

	shadow_usage(&variables, &bytes);
	return variables;
}

static size_t bytes(void)
{
	size_t variables, size;

	shadow_usage(&variables, &size);
	return size;
}

static atomic_int constructed, destroyed;

static int construct(const void *object, void *data, void *arg)
{
	(void)object;
	atomic_fetch_add(&constructed, 1);
	*(long *)data = (long)(intptr_t)arg;
	return 0;
}

static int give_up(const void *object, void *data, void *arg)
{
	(void)object;
	(void)data;
	(void)arg;
	return 1;
}

static void destroy(const void *object, void *data)
{
	(void)object;
	(void)data;
	atomic_fetch_add(&destroyed, 1);
}

static void one_per_object_and_id(void **state)
{
	int a = 0, b = 0;
	long *first, *second;

	(void)state;
	constructed = destroyed = 0;
	assert_null(shadow_get(&a, 1));
	first = shadow_get_or_alloc(&a, 1, sizeof(long), construct, (void *)11);
	assert_int_equal(*first, 11);
	assert_ptr_equal(shadow_get_or_alloc(&a, 1, sizeof(long), construct, (void *)12), first);
	assert_int_equal(constructed, 1);
	second = shadow_get_or_alloc(&b, 1, 64, NULL, NULL);
	assert_ptr_not_equal(second, first);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(((uint8_t *)second)[i], 0);
	/* Also where somebody else's have been. */
	for (int i = 0; i < 100; i++) {
		memset(second, 0xff, 64);
		shadow_free(&b, 1, NULL);
		second = shadow_get_or_alloc(&b, 1, 64, NULL, NULL);
		for (size_t k = 0; k < 64; k++)
			assert_int_equal(((uint8_t *)second)[k], 0);
	}
	shadow_get_or_alloc(&a, 2, 1, NULL, NULL);
	assert_int_equal(count(), 3);
	shadow_free(&a, 1, destroy);
	shadow_free(&a, 1, destroy); /* again: nothing */
	assert_int_equal(destroyed, 1);
	assert_null(shadow_get(&a, 1));
	assert_non_null(shadow_get(&a, 2));
	assert_int_equal(shadow_free_all(1, destroy), 1);
	assert_int_equal(shadow_free_all(2, NULL), 1);
	assert_int_equal(count(), 0);
	assert_null(shadow_get_or_alloc(&a, 3, 8, give_up, NULL));
	assert_null(shadow_get(&a, 3));
}

static int nested(const void *object, void *data, void *arg)
{
	(void)arg;
	*(long *)data = 5;
	assert_non_null(shadow_get_or_alloc(object, 22, sizeof(long), construct, (void *)6));
	/* Even itself: what the constructor attached wins. */
	assert_non_null(shadow_get_or_alloc(object, 21, sizeof(long), construct, (void *)7));
	return 0;
}

static void constructors_may_use_shadows(void **state)
{
	int object = 0;

	(void)state;
	assert_int_equal(*(long *)shadow_get_or_alloc(&object, 21, sizeof(long), nested, NULL), 7);
	assert_int_equal(count(), 2);
	shadow_fini();
}

static void many_survive_growing(void **state)
{
	enum { MANY = 20000 };
	char *objects = malloc(MANY);

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		shadow_get_or_alloc(objects + i, 7, sizeof(long), construct, (void *)i);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(*(long *)shadow_get(objects + i, 7), i);
	assert_int_equal(count(), MANY);
	assert_int_equal(bytes(), MANY * sizeof(long));
	destroyed = 0;
	shadow_free(NULL, 7, destroy); /* of nobody: not of anybody */
	assert_int_equal(count(), MANY);
	/* Each by itself, though others of that id are in the same chains. */
	for (size_t i = 0; i < MANY; i += 2)
		shadow_free(objects + i, 7, destroy);
	assert_int_equal(destroyed, MANY / 2);
	assert_int_equal(bytes(), MANY / 2 * sizeof(long));
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(shadow_get(objects + i, 7) != NULL, i % 2);
	for (size_t i = 0; i < MANY; i += 2)
		shadow_get_or_alloc(objects + i, 7, sizeof(long), construct, (void *)i);
	destroyed = 0;
	assert_int_equal(shadow_free_all(7, destroy), MANY);
	assert_int_equal(destroyed, MANY);
	assert_int_equal(count(), 0);
	shadow_fini();
	free(objects);
}

/* Attaches more than there were: the table grows under the one who frees. */
static void destroy_and_attach(const void *object, void *data)
{
	for (size_t i = 0; i < 8; i++)
		shadow_get_or_alloc((const char *)object + i, 9, sizeof(long), NULL, NULL);
	destroy(object, data);
}

static void destructors_may_use_shadows(void **state)
{
	enum { SOME = 600 };
	char *objects = malloc(SOME * 8);

	(void)state;
	for (size_t i = 0; i < SOME; i++)
		shadow_get_or_alloc(objects + i * 8, 8, sizeof(long), construct, NULL);
	destroyed = 0;
	assert_int_equal(shadow_free_all(8, destroy_and_attach), SOME);
	assert_int_equal(destroyed, SOME);
	assert_int_equal(count(), SOME * 8);
	shadow_fini();
	free(objects);
}

static atomic_int arrived;

/* Takes its time while others come for the same. */
static int construct_slowly(const void *object, void *data, void *arg)
{
	while (atomic_load(&arrived) < 4)
		usleep(100);
	usleep(20000);
	return construct(object, data, arg);
}

static void *attach_slowly(void *object)
{
	atomic_fetch_add(&arrived, 1);
	return shadow_get_or_alloc(object, 30, sizeof(long), construct_slowly, NULL);
}

static void of_many_who_come_at_once_one_constructs(void **state)
{
	pthread_t threads[4];
	void *got[4];
	int object;

	(void)state;
	constructed = 0;
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, attach_slowly, &object);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], &got[i]);
	assert_int_equal(constructed, 1);
	for (size_t i = 0; i < 4; i++)
		assert_ptr_equal(got[i], got[0]);
	shadow_fini();
}

enum { OBJECTS = 512, THREADS = 4, ROUNDS = 20000 };

static char stable[OBJECTS], churning[OBJECTS];
static atomic_bool stop;
static atomic_long wrong;

/* Objects of `stable` always have theirs, whatever happens around them. */
static void *reads(void *arg)
{
	(void)arg;
	for (size_t i = 0; !atomic_load(&stop); i++) {
		const long *data = shadow_get(stable + i % OBJECTS, 1);

		if (!data || *data != (long)(i % OBJECTS))
			atomic_fetch_add(&wrong, 1);
		shadow_get(churning + i % OBJECTS, 2);
	}
	return NULL;
}

/* Each thread has objects of its own to attach to and to free; all meet in one more. */
static void *churns(void *arg)
{
	size_t self = (size_t)arg;

	for (size_t i = 0; i < ROUNDS; i++) {
		const char *object =
			churning +
			(self * 7 + i * THREADS) / THREADS % (OBJECTS / THREADS) * THREADS + self;
		long *data =
			shadow_get_or_alloc(object, 2, sizeof(long), construct, (void *)object);

		if (!data || *data != (long)(intptr_t)object)
			atomic_fetch_add(&wrong, 1);
		if (i % 3)
			shadow_free(object, 2, destroy);
		shadow_get_or_alloc(churning, 3, sizeof(long), construct, NULL);
	}
	return NULL;
}

static void readers_never_miss_while_others_change(void **state)
{
	pthread_t readers[2], writers[THREADS];

	(void)state;
	for (size_t i = 0; i < OBJECTS; i++)
		shadow_get_or_alloc(stable + i, 1, sizeof(long), construct, (void *)i);
	constructed = destroyed = 0;
	for (size_t i = 0; i < 2; i++)
		pthread_create(&readers[i], NULL, reads, NULL);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&writers[i], NULL, churns, (void *)i);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(writers[i], NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(wrong, 0);
	assert_int_equal(shadow_free_all(3, destroy), 1);
	shadow_free_all(2, destroy);
	assert_int_equal(constructed, destroyed);
	assert_int_equal(count(), OBJECTS);
	shadow_fini();
}

/* ---- a reader at each of its instructions, while others change everything ------------------- */

enum { CROWD = 200, KEPT = 4096 };

static void *kept[KEPT];
static size_t kept_count;
static bool keeping;

void __real_free(void *memory);
void __wrap_free(void *memory);

/* Whoever still reads it walks into nothing. */
void __wrap_free(void *memory)
{
	if (!keeping || !memory || kept_count == KEPT) {
		__real_free(memory);
		return;
	}
	memset(memory, 0xee, malloc_usable_size(memory));
	kept[kept_count++] = memory;
}

/* Where a signal comes in the middle of TSan's own work, its handler waits for itself. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
static char crowd[CROWD], newcomers[2 * CROWD];
static size_t wanted; /* whom the reader looks for */

static void others_go(void)
{
	for (size_t i = 0; i < CROWD; i++)
		if (i != wanted)
			shadow_free(crowd + i, 1, NULL);
}

static void the_table_grows(void)
{
	for (size_t i = 0; i < sizeof(newcomers); i++)
		shadow_get_or_alloc(newcomers + i, 2, sizeof(long), NULL, NULL);
}

static void it_goes_itself(void)
{
	shadow_free(crowd + wanted, 1, NULL);
	others_go();
}

enum { TRAP_FLAG = 0x100 };

/* With a sanitizer there are ten times as many. */
#ifdef __SANITIZE_ADDRESS__
enum { STRIDE = 13 };
#else
enum { STRIDE = 1 };
#endif

static void (*happens)(void); /* after so many instructions: */
static unsigned steps, happens_at;
static bool stepping;

/* One for each instruction; the first is raised, and sets the flag. */
static void step(int number, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	(void)number;
	(void)info;
	if (stepping && steps++ != happens_at) {
		*flags |= TRAP_FLAG;
		return;
	}
	*flags &= ~(greg_t)TRAP_FLAG;
	if (stepping)
		happens();
	stepping = false;
}

/* False: it was done before so many instructions. */
static bool read_interrupted(const void *object, unsigned at, void **data)
{
	bool interrupted;

	steps = 0;
	happens_at = at;
	stepping = true;
	raise(SIGTRAP);
	*data = shadow_get(object, 1);
	interrupted = !stepping;
	stepping = false;
	raise(SIGTRAP);
	return interrupted;
}

static void *gather(void)
{
	void *data = NULL;

	for (size_t i = 0; i < CROWD; i++) {
		void *each = shadow_get_or_alloc(crowd + i, 1, sizeof(long), NULL, NULL);

		data = i == wanted ? each : data;
	}
	return data;
}

static void part(void)
{
	keeping = false;
	while (kept_count)
		__real_free(kept[--kept_count]);
	shadow_fini();
}

/* The one who has most others before it. */
static size_t find_last_in_line(void)
{
	unsigned most = 0;
	size_t found = 0;
	void *data;

	gather();
	for (wanted = 0; wanted < CROWD; wanted++) {
		read_interrupted(crowd + wanted, UINT32_MAX, &data);
		if (steps > most) {
			most = steps;
			found = wanted;
		}
	}
	part();
	return found;
}

static void at_each_instruction(void (*what)(void), bool may_miss)
{
	bool interrupted = true;

	happens = what;
	for (unsigned at = 1; interrupted; at += STRIDE) {
		void *data = gather(), *got;

		keeping = true;
		interrupted = read_interrupted(crowd + wanted, at, &got);
		if (got != data && (got || !may_miss))
			fail_msg("instruction %u: %p, not %p", at, got, data);
		part();
	}
}

/* Instructions that looking for one of them takes, on average. */
static unsigned way(size_t objects)
{
	char *crowded = malloc(objects);
	unsigned total = 0;
	void *data;

	for (size_t i = 0; i < objects; i++)
		shadow_get_or_alloc(crowded + i, 1, sizeof(long), NULL, NULL);
	for (size_t i = 0; i < CROWD; i++) {
		read_interrupted(crowded + i * (objects / CROWD), UINT32_MAX, &data);
		assert_non_null(data);
		total += steps;
	}
	shadow_fini();
	free(crowded);
	return total / CROWD;
}

static void the_way_does_not_grow_with_their_number(void **state)
{
	struct sigaction action = {.sa_sigaction = step, .sa_flags = SA_SIGINFO}, before;
	unsigned few, many;

	(void)state;
	sigaction(SIGTRAP, &action, &before);
	few = way(CROWD);
	many = way(200 * CROWD);
	print_message("%u and %u instructions\n", few, many);
	assert_true(many < 2 * few);
	sigaction(SIGTRAP, &before, NULL);
}

static sem_t inside, leave;
static bool stayed;

static void stay(void)
{
	stayed = true;
	sem_post(&inside);
	sem_wait(&leave);
}

static void *read_and_stay(void *at)
{
	void *data;

	read_interrupted(crowd + wanted, (unsigned)(uintptr_t)at, &data);
	if (!stayed)
		sem_post(&inside);
	return data;
}

/* What is freed in the child is freed: its parent's readers are nobody to wait for. */
static void child_frees(void)
{
	size_t variables = 0;

	alarm(60);
	kept_count = 0;
	keeping = true;
	for (; variables < 4; variables++)
		shadow_free(crowd + variables, 1, NULL);
	/* What they held, and the nodes of the first at least. */
	_exit(kept_count > variables ? 0 : 1);
}

static void readers_stay_behind_when_it_forks(void **state)
{
	struct sigaction action = {.sa_sigaction = step, .sa_flags = SA_SIGINFO}, before;

	(void)state;
	fork_guard_begin();
	shadow_guard_fork();
	sigaction(SIGTRAP, &action, &before);
	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	wanted = CROWD - 1;
	happens = stay;
	gather();
	for (unsigned at = 1; happens; at += STRIDE) {
		pthread_t reader;
		int status;
		pid_t child;

		stayed = false;
		pthread_create(&reader, NULL, read_and_stay, (void *)(uintptr_t)at);
		sem_wait(&inside);
		child = fork();
		if (child == 0)
			child_frees();
		assert_int_equal(waitpid(child, &status, 0), child);
		if (status)
			fail_msg("instruction %u: status %#x", at, status);
		if (stayed)
			sem_post(&leave);
		pthread_join(reader, NULL);
		happens = stayed ? stay : NULL;
	}
	part();
	sigaction(SIGTRAP, &before, NULL);
}

static void a_reader_goes_on_whatever_happens(void **state)
{
	struct sigaction action = {.sa_sigaction = step, .sa_flags = SA_SIGINFO}, before;

	(void)state;
	sigaction(SIGTRAP, &action, &before);
	wanted = find_last_in_line();
	at_each_instruction(others_go, false);
	at_each_instruction(the_table_grows, false);
	at_each_instruction(it_goes_itself, true);
	sigaction(SIGTRAP, &before, NULL);
}
#else
static void not_here(void **state)
{
	(void)state;
	print_message("skipped: not on this processor, or not with this sanitizer\n");
	skip();
}
#define a_reader_goes_on_whatever_happens	not_here
#define the_way_does_not_grow_with_their_number not_here
#define readers_stay_behind_when_it_forks	not_here
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_per_object_and_id),
		cmocka_unit_test(constructors_may_use_shadows),
		cmocka_unit_test(destructors_may_use_shadows),
		cmocka_unit_test(of_many_who_come_at_once_one_constructs),
		cmocka_unit_test(many_survive_growing),
		cmocka_unit_test(readers_never_miss_while_others_change),
		cmocka_unit_test(a_reader_goes_on_whatever_happens),
		cmocka_unit_test(the_way_does_not_grow_with_their_number),
		cmocka_unit_test(readers_stay_behind_when_it_forks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
