/* SPDX-License-Identifier: MIT */
/*
 * stop_bench [ROUNDS [N...]]: the pause of a commit that writes nothing, in one run: median and
 * 95th percentile of the pause, and of the whole call, for N threads that sleep in the mixed ways
 * of a server, on both rungs; and for 100 of which half spin.
 */
#include "arch/arch.h"
#include "stop/stop.h"

#include <linux/membarrier.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_int quit;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

__attribute__((noinline)) static int patched(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x * 3;
}

static void *sleeper(void *arg)
{
	size_t kind = (size_t)arg % 4;
	struct epoll_event event;
	int fd = kind == 0 ? epoll_create1(EPOLL_CLOEXEC) : -1;

	patched((int)kind);
	while (!quit) {
		switch (kind) {
		case 0:
			epoll_wait(fd, &event, 1, 20000);
			break;
		case 1:
			pthread_mutex_lock(&mutex);
			while (!quit)
				pthread_cond_wait(&cond, &mutex);
			pthread_mutex_unlock(&mutex);
			break;
		case 2:
			usleep(20000000);
			break;
		default:
			poll(NULL, 0, 20000);
		}
	}
	return NULL;
}

static void *spinner(void *arg)
{
	(void)arg;
	while (!quit) {
		patched(1);
		for (volatile int i = 0; i < 100000; i++)
			;
	}
	return NULL;
}

static int sync_gate(void *arg)
{
	(void)arg;
	arch_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0, 0, 0);
	return 0;
}

static void nothing(void *arg)
{
	(void)arg;
}

struct objects {
	struct unwind_object list[64];
	size_t count;
};

static int add_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct objects *objects = data;

	(void)size;
	if (objects->count < 64 && unwind_object_from_phdr(info, &objects->list[objects->count]))
		objects->count++;
	return 0;
}

static struct unwind_table *table;

/* As the agent does: what was loaded meanwhile (libgcc, at the first cancellation) is in. */
static int refresh(void *arg, const struct unwind_table **unwind, struct suture_error *err)
{
	struct objects objects = {.count = 0};
	struct unwind_table *fresh;
	int rc;

	(void)arg;
	dl_iterate_phdr(add_object, &objects);
	rc = unwind_table_create(objects.list, objects.count, table, &fresh, err);
	if (rc)
		return rc;
	unwind_table_destroy(table);
	table = fresh;
	*unwind = fresh;
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void measure(const struct stop_request *request, const char *what, size_t threads,
		    size_t rounds)
{
	uint64_t *pauses = calloc(rounds, sizeof(*pauses)), *calls = calloc(rounds, sizeof(*calls));
	unsigned attempts = 0, asleep = 0;
	struct stop_result result;
	struct suture_error err;

	for (size_t i = 0; i < rounds; i++) {
		uint64_t start = now_ns();

		if (stop_run(request, &result, &err)) {
			fprintf(stderr, "stop_bench: %s\n%s\n", err.message, err.next);
			exit(1);
		}
		calls[i] = now_ns() - start;
		pauses[i] = result.pause_ns;
		attempts += result.attempts;
		asleep = result.asleep;
	}
	qsort(pauses, rounds, sizeof(*pauses), compare);
	qsort(calls, rounds, sizeof(*calls), compare);
	printf("%-5s %-14s N=%-5zu pause %8.3f ms (p95 %8.3f)  call %8.3f ms  asleep %u  "
	       "attempts %.2f\n",
	       stop_rung_name(result.rung), what, threads, (double)pauses[rounds / 2] / 1e6,
	       (double)pauses[rounds * 95 / 100] / 1e6, (double)calls[rounds / 2] / 1e6, asleep,
	       (double)attempts / (double)rounds);
	fflush(stdout);
	free(pauses);
	free(calls);
}

static void run(struct stop_request *request, size_t count, bool spinning, size_t rounds)
{
	pthread_t *threads = calloc(count, sizeof(*threads));
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	quit = 0;
	for (size_t i = 0; i < count; i++)
		if (pthread_create(&threads[i], &attr, spinning && i % 2 ? spinner : sleeper,
				   (void *)i)) {
			fprintf(stderr, "stop_bench: only %zu threads\n", i);
			count = i;
		}
	usleep(200000);
	request->rung = STOP_RUNG_LAZY;
	measure(request, spinning ? "half spinning" : "sleeping", count, rounds);
	request->rung = STOP_RUNG_FULL;
	measure(request, spinning ? "half spinning" : "sleeping", count, rounds);
	quit = 1;
	pthread_cond_broadcast(&cond);
	for (size_t i = 0; i < count; i++) {
		/* Sleepers sleep long: their sleep is cut short by cancellation. */
		pthread_cancel(threads[i]);
		pthread_mutex_trylock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
	/* Cancelled waiters take the mutex in turn; not worth joining before the next size. */
	usleep(300000);
	pthread_mutex_init(&mutex, NULL);
	free(threads);
}

int main(int argc, char **argv)
{
	static const size_t standard[] = {10, 100, 1000};
	size_t rounds = argc > 1 ? (size_t)atol(argv[1]) : 50;
	struct objects objects = {.count = 0};
	struct stop_commit commit = {.gate_possible = true,

				     .gate_close_stopped = sync_gate,
				     .gate_undo_stopped = nothing,
				     .write_stopped = sync_gate,
				     .gate_open_stopped = nothing,
				     .undo_stopped = nothing};
	struct stop_range range = {(uintptr_t)patched, (uintptr_t)patched + 8, (uintptr_t)patched,
				   0};
	struct stop_request request = {.busy = &range,
				       .busy_count = 1,
				       .timeout_ns = UINT64_C(20000000000),
				       .commit = &commit};
	struct unwind_table *again;
	struct unwind_statistics statistics;
	uint64_t start;

	arch_syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0,
		     0, 0);
	dl_iterate_phdr(add_object, &objects);
	start = now_ns();
	if (unwind_table_create(objects.list, objects.count, NULL, &table, NULL))
		return 1;
	printf("tables built in %.3f ms, ", (double)(now_ns() - start) / 1e6);
	start = now_ns();
	if (unwind_table_create(objects.list, objects.count, table, &again, NULL))
		return 1;
	unwind_table_statistics(table, &statistics);
	printf("again in %.3f ms: %zu objects, %zu rows, %zu KiB\n",
	       (double)(now_ns() - start) / 1e6, statistics.objects, statistics.rows,
	       statistics.bytes >> 10);
	request.unwind = table;
	request.refresh = refresh;
	if (argc > 2)
		for (int i = 2; i < argc; i++)
			run(&request, (size_t)atol(argv[i]), false, rounds);
	else
		for (size_t i = 0; i < 3; i++)
			run(&request, standard[i], false, rounds);
	run(&request, 100, true, rounds < 20 ? rounds : 20);
	unwind_table_destroy(again);
	unwind_table_destroy(table);
	return 0;
}
