/* SPDX-License-Identifier: MIT */
/*
 * A child of fork() finds free what the agent's threads hold now and then, whenever the fork comes:
 * libc's locks and the agent's own.
 */
#include "../test.h"

#include "agent/hostcommand.h"
#include "agent/objects.h"
#include "agent/shadow.h"
#include "base/forkguard.h"
#include "image/image.h"
#include "rpc/json.h"
#include "stop/fiber.h"

#include <dlfcn.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	FORKS = 800,
	BURST = 500,
	BURST_OF_SEARCHES = 20, /* each of which takes as long as many of the others */
	MANY = 2000,		/* entries, so that looking for one takes a while */
	CHILD_SECONDS = 30,	/* after which a child hangs, on any machine */
};

static atomic_bool enough;

/* Outside about as long as inside: who always tries again at once keeps a lock from all others, a
 * fork() among them. */
static bool go_on(unsigned burst)
{
	static _Thread_local unsigned rounds;

	if (rounds++ % burst == 0)
		usleep(20);
	return !atomic_load(&enough);
}

static int none(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)info;
	(void)size;
	(void)arg;
	return 0;
}

/* What a command does: parse, look at the modules, tell the time. */
static void *parse(void *unused)
{
	static const char text[] = "{\"a\": 1}";
	struct json_object *value;
	struct suture_error err;

	while (go_on(BURST)) {
		assert_int_equal(rpc_json_parse(text, sizeof(text) - 1, 4, 16, &value, &err), 0);
		json_object_put(value);
	}
	return unused;
}

static void *tell_time(void *unused)
{
	while (go_on(BURST))
		json_object_put(rpc_json_time(1));
	return unused;
}

static void *look(void *unused)
{
	struct suture_error err;
	struct image image;

	while (go_on(BURST)) {
		assert_int_equal(image_take(&image, &err), 0);
		image_fini(&image);
	}
	return unused;
}

static void *hold_and_release(void *unused)
{
	const struct image_module *module = NULL;
	struct suture_error err;
	struct image image;
	void *handle;

	assert_int_equal(image_take(&image, &err), 0);
	for (size_t i = 0; i < image.count; i++)
		if (strstr(image.modules[i].path, "/libc.so"))
			module = &image.modules[i];
	assert_non_null(module);
	while (go_on(BURST)) {
		assert_int_equal(image_module_hold(module, &handle, &err), 0);
		image_module_release(handle);
	}
	image_fini(&image);
	return unused;
}

/* Each of the agent's own locks is held while a list of MANY is searched to its end. */
static void *find_type(void *unused)
{
	struct suture_objects_type how;

	while (go_on(BURST_OF_SEARCHES))
		objects_find("nothing", &how);
	return unused;
}

static void *use_shadows(void *unused)
{
	while (go_on(BURST_OF_SEARCHES)) {
		shadow_get_or_alloc(&enough, 1, 8, NULL, NULL);
		shadow_free(&enough, 1, NULL);
	}
	return unused;
}

static void *find_command(void *unused)
{
	while (go_on(BURST_OF_SEARCHES))
		hostcommand_register("nothing", NULL, NULL);
	return unused;
}

static void *find_fiber(void *unused)
{
	while (go_on(BURST_OF_SEARCHES))
		fiber_remove(&enough);
	return unused;
}

/* What a forked worker may do, libc's documentation notwithstanding, and servers do. */
static void live_as_child(void)
{
	struct suture_objects_type how;
	time_t now = 1;
	struct tm parts;
	void *handle;

	alarm(CHILD_SECONDS);
	freelocale(duplocale(LC_GLOBAL_LOCALE));
	localtime_r(&now, &parts);
	dl_iterate_phdr(none, NULL);
	handle = dlopen("libm.so.6", RTLD_NOW);
	if (handle)
		dlclose(handle);
	objects_find("nothing", &how);
	shadow_free(&now, 2, NULL);
	hostcommand_register("nothing", NULL, NULL);
	fiber_remove(&now);
	_exit(handle ? 0 : 1);
}

static void child_ends_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Whether it got all locks: one that waited for too long goes on without, and may have a child that
 * hangs. */
static bool fork_one(void)
{
	struct timespec begun, ended;
	pid_t pid;
	bool waited;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	pid = fork();
	if (pid == 0)
		live_as_child();
	clock_gettime(CLOCK_MONOTONIC, &ended);
	waited = ended.tv_sec - begun.tv_sec >= FORK_GUARD_SECONDS;
	if (waited)
		waitpid(pid, NULL, 0);
	else
		child_ends_well(pid);
	return !waited;
}

static void test_children_do_not_hang(void **state)
{
	void *(*const work[])(void *) = {parse,	    tell_time,	 look,	       hold_and_release,
					 find_type, use_shadows, find_command, find_fiber};
	pthread_t threads[sizeof(work) / sizeof(work[0])];
	int good = 0;

	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	print_message("skipped: a fork() beside threads that allocate copies the sanitizer's own "
		      "locks as they stand\n");
	skip();
#endif
	for (size_t i = 0; i < sizeof(work) / sizeof(work[0]); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work[i], NULL), 0);
	for (int i = 0; i < FORKS; i++)
		good += fork_one();
	atomic_store(&enough, true);
	for (size_t i = 0; i < sizeof(work) / sizeof(work[0]); i++)
		pthread_join(threads[i], NULL);
	assert_true(good > 0);
}

static sem_t inside, leave;

static void *stay_inside(void *unused)
{
	fork_guard_enter();
	sem_post(&inside);
	sem_wait(&leave);
	fork_guard_leave();
	return unused;
}

static void enter_as_child(void)
{
	alarm(CHILD_SECONDS);
	fork_guard_enter();
	fork_guard_leave();
	_exit(0);
}

/* Who forks in a module's constructor, while the agent waits for the loader, gets on. */
static void test_fork_gives_up(void **state)
{
	pthread_t thread;
	pid_t pid;

	(void)state;
	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, stay_inside, NULL), 0);
	sem_wait(&inside);
	pid = fork();
	if (pid == 0)
		enter_as_child();
	child_ends_well(pid);
	sem_post(&leave);
	pthread_join(thread, NULL);
	/* And what it did not get it does not give back. */
	fork_guard_enter();
	fork_guard_leave();
}

/* A command or a hook that forks, inside. */
static void test_fork_inside(void **state)
{
	pid_t pid;

	(void)state;
	fork_guard_enter();
	pid = fork();
	if (pid == 0) {
		fork_guard_leave();
		enter_as_child();
	}
	fork_guard_leave();
	child_ends_well(pid);
}

static void iterate(struct suture_objects *to)
{
	(void)to;
}

static int run(struct suture_call *call, void *arg)
{
	(void)call;
	(void)arg;
	return 0;
}

static void register_many(void)
{
	static char stacks[MANY][16];
	char name[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		objects_register(name, &(struct suture_objects_type){.iterate = iterate});
		hostcommand_register(name, &(struct suture_command){.run = run}, NULL);
		fiber_add(&(struct suture_fiber){
			.stack = stacks[i], .stack_size = sizeof(stacks[i]), .context = stacks[i]});
	}
}

static int begin(void **state)
{
	(void)state;
	register_many();
	fork_guard_begin();
	objects_guard_fork();
	shadow_guard_fork();
	hostcommand_guard_fork();
	fiber_guard_fork();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_children_do_not_hang),
		cmocka_unit_test(test_fork_gives_up),
		cmocka_unit_test(test_fork_inside),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
