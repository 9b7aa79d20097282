/* SPDX-License-Identifier: MIT */
/*
 * Threads of unusual kinds: workers that the kernel made for io_uring, threads in the vDSO, far
 * more that run than there are processors, and threads that are born while others are stopped.
 */
#include "fixture.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const enum stop_rung rungs[] = {STOP_RUNG_LAZY, STOP_RUNG_FULL};
static atomic_int quit, running;

static void there_and_back(struct fixture *fixture)
{
	int rc = fixture_apply(fixture);

	if (!rc)
		rc = fixture_revert(fixture);
	if (rc)
		print_message("%s: %s\n", stop_rung_name(fixture->request.rung),
			      fixture->err.message);
	assert_int_equal(rc, 0);
}

/* ---- io_uring ------------------------------------------------------------------------------- */

#ifdef SYS_io_uring_setup
struct ring {
	int fd;
	struct io_uring_params params;
	uint8_t *submit, *complete;
	struct io_uring_sqe *entries;
};

static bool ring_open(struct ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->params);
	if (ring->fd < 0)
		return false;
	ring->submit =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->complete =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->entries =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	assert_true(ring->submit != MAP_FAILED && ring->complete != MAP_FAILED &&
		    (void *)ring->entries != MAP_FAILED);
	return true;
}

/* Has a worker read a byte, which it waits for. */
static void ring_read(struct ring *ring, int fd, void *to)
{
	uint32_t *tail = (uint32_t *)(ring->submit + ring->params.sq_off.tail);

	ring->entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_READ,
						 .flags = IOSQE_ASYNC,
						 .fd = fd,
						 .addr = (uintptr_t)to,
						 .len = 1,
						 .off = UINT64_MAX};
	*(uint32_t *)(ring->submit + ring->params.sq_off.array) = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	assert_int_equal(syscall(SYS_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0), 1);
}

static int ring_result(struct ring *ring)
{
	struct io_uring_cqe *results =
		(struct io_uring_cqe *)(ring->complete + ring->params.cq_off.cqes);

	while (syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		assert_int_equal(errno, EINTR);
	return results[0].res;
}

static void ring_close(struct ring *ring)
{
	munmap(ring->submit, 4096);
	munmap(ring->complete, 4096);
	munmap(ring->entries, 4096);
	close(ring->fd);
}

static unsigned count_workers(void)
{
	DIR *folder = opendir("/proc/self/task");
	unsigned count = 0;

	for (struct dirent *entry; (entry = readdir(folder));) {
		char path[300], name[32] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && strncmp(name, "iou-wrk", 7) == 0)
			count++;
		fclose(file);
	}
	closedir(folder);
	return count;
}
#endif

/* They are on the list of threads, and the kernel lets nobody trace them. */
static void workers_of_the_kernel_are_nobody(void **state)
{
	(void)state;
#ifdef SYS_io_uring_setup
	struct ring ring;
	int fds[2];
	char byte = 0;

	if (!ring_open(&ring)) {
		print_message("no io_uring here: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(pipe(fds), 0);
	ring_read(&ring, fds[0], &byte);
	for (unsigned i = 0; !count_workers() && i < 5000; i++)
		usleep(1000);
	assert_true(count_workers() > 0);
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;

		fixture_init(&fixture, rungs[i]);
		there_and_back(&fixture);
		assert_int_equal(fixture.result.threads, 0);
		assert_true(count_workers() > 0);
		fixture_fini(&fixture);
	}
	assert_int_equal(byte, 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(ring_result(&ring), 1);
	assert_int_equal(byte, 'x');
	ring_close(&ring);
	close(fds[0]);
	close(fds[1]);
#else
	skip();
#endif
}

/* ---- the vDSO ------------------------------------------------------------------------------- */

static void *tell_time(void *arg)
{
	struct timespec now;

	running++;
	while (!quit)
		clock_gettime(CLOCK_MONOTONIC, &now);
	return arg;
}

/* The kernel's own code in the process: where it lies, by its program headers. */
static struct stop_range find_vdso(void)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR), end = base;
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)base;
	const Elf64_Phdr *parts;

	if (!base)
		return (struct stop_range){0};
	parts = (const Elf64_Phdr *)(base + header->e_phoff);
	for (size_t i = 0; i < header->e_phnum; i++)
		if (parts[i].p_type == PT_LOAD && base + parts[i].p_memsz > end)
			end = base + parts[i].p_memsz;
	return (struct stop_range){.start = base, .end = end};
}

static void stacks_in_the_vdso_are_walked(void **state)
{
	enum { LOOKS = 2000, WANTED = 20 };
	struct stop_range vdso = find_vdso();
	struct fixture fixture;
	pthread_t thread;
	unsigned inside = 0;

	(void)state;
	if (!vdso.start)
		skip();
	quit = running = 0;
	pthread_create(&thread, NULL, tell_time, NULL);
	while (!running)
		usleep(100);
	usleep(1000);
	fixture_init(&fixture, STOP_RUNG_FULL);
	fixture.request.commit = NULL;
	for (unsigned i = 0; i < LOOKS && inside < WANTED; i++) {
		struct stop_thread *threads;
		size_t count;

		assert_int_equal(stop_inspect(&fixture.request, &threads, &count, &fixture.result,
					      &fixture.err),
				 0);
		assert_int_equal(count, 1);
		assert_int_equal(threads[0].view.reason, STOP_REASON_NONE);
		assert_true(threads[0].complete);
		if (threads[0].view.backtrace[0] >= vdso.start &&
		    threads[0].view.backtrace[0] < vdso.end)
			inside++;
		free(threads);
	}
	print_message("  found in the vDSO %u times\n", inside);
	assert_int_equal(inside, WANTED);
	quit = 1;
	pthread_join(thread, NULL);
	fixture_fini(&fixture);
}

/* ---- more than there are processors --------------------------------------------------------- */

enum { CROWD = 1000 };

static pthread_barrier_t together;

/* Nice to what else runs on this machine: the caller of the stop is among it. */
static void *spin(void *arg)
{
	setpriority(PRIO_PROCESS, (id_t)fixture_gettid(), 19);
	pthread_barrier_wait(&together);
	while (!quit) {
		fixture_old();
		for (volatile int i = 0; i < 20000; i++)
			;
	}
	return arg;
}

static void a_thousand_that_spin(void **state)
{
	static pthread_t threads[CROWD];
	pthread_attr_t attr;

	(void)state;
	quit = 0;
	fixture_mixes = 0;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	pthread_barrier_init(&together, NULL, CROWD + 1);
	for (size_t i = 0; i < CROWD; i++)
		assert_int_equal(pthread_create(&threads[i], &attr, spin, NULL), 0);
	pthread_barrier_wait(&together);
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;

		fixture_init(&fixture, rungs[i]);
		fixture.request.timeout_ns = UINT64_C(60000000000);
		there_and_back(&fixture);
		assert_int_equal(fixture.result.threads, CROWD);
		print_message("  %s: %u attempts, %llu us\n", stop_rung_name(rungs[i]),
			      fixture.result.attempts,
			      (unsigned long long)fixture.result.pause_ns / 1000);
		fixture_fini(&fixture);
	}
	quit = 1;
	for (size_t i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&attr);
	assert_int_equal(fixture_mixes, 0);
}

/* ---- born in the middle --------------------------------------------------------------------- */

static atomic_int born_inside;
static sem_t leave, inside;
static pthread_t child;

static void wait_in_semaphore(void)
{
	sem_post(&inside);
	while (sem_wait(&leave))
		;
}

static void *call_once(void *arg)
{
	fixture_old();
	return arg;
}

/* A thread that the first look can't have seen goes in before the gate closes. */
static void bear(struct fixture *fixture)
{
	fixture->before_gate = NULL;
	fixture_wait_inside = wait_in_semaphore;
	pthread_create(&child, NULL, call_once, NULL);
	while (sem_wait(&inside))
		;
	born_inside = 1;
}

static void let_out(struct fixture *fixture)
{
	fixture->at_undone_gate = NULL;
	fixture_wait_inside = NULL;
	sem_post(&leave);
}

static void who_is_born_in_between_is_found(void **state)
{
	struct fixture fixture;

	(void)state;
	born_inside = 0;
	fixture_init(&fixture, STOP_RUNG_LAZY);
	fixture.request.timeout_ns = UINT64_C(20000000000);
	fixture.before_gate = bear;
	fixture.at_undone_gate = let_out;
	assert_int_equal(fixture_apply(&fixture), 0);
	assert_int_equal(born_inside, 1);
	assert_true(fixture.undone_gates >= 1);
	pthread_join(child, NULL);
	assert_int_equal(fixture_revert(&fixture), 0);
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_of_the_kernel_are_nobody),
		cmocka_unit_test(stacks_in_the_vdso_are_walked),
		cmocka_unit_test(a_thousand_that_spin),
		cmocka_unit_test(who_is_born_in_between_is_found),
	};

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
