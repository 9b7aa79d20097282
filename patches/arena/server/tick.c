/*
 * Tick: a fixed timestep. Each thread sleeps until the next multiple of the period; one that comes
 * late catches up, unless it is so late that the players would see a fast-forward.
 */
#include "tick.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <suture/suture.h>

#include "clock.h"
#include "log.h"
#include "room.h"

enum { TICK_CATCH_UP_MAX = 5 };

struct tick_thread {
	struct tick_threads *all;
	int number;
	pthread_t thread;
	/* Written by the thread, read by tick_measure; the maxima are set to 0 by tick_reset. */
	atomic_uint_fast64_t ticks;
	atomic_uint_fast64_t gap_last_ns;
	atomic_uint_fast64_t gap_max_ns;
	atomic_uint_fast64_t work_max_ns;
	atomic_uint_fast64_t skipped;
};

struct tick_threads {
	struct room **rooms;
	int room_count;
	uint64_t period_ns;
	atomic_bool stopping; /* set by tick_stop, read by the threads before each tick */
	int count;
	struct tick_thread threads[];
};

static void tick_raise(atomic_uint_fast64_t *most, uint64_t value)
{
	uint_fast64_t seen = atomic_load_explicit(most, memory_order_relaxed);

	while (value > seen &&
	       !atomic_compare_exchange_weak_explicit(most, &seen, value, memory_order_relaxed,
	                                              memory_order_relaxed))
		;
}

static void tick_rooms(struct tick_thread *thread, uint64_t now)
{
	struct tick_threads *all = thread->all;

	for (int i = thread->number; i < all->room_count; i += all->count)
		room_step(all->rooms[i], now);
	tick_raise(&thread->work_max_ns, clock_ns() - now);
	atomic_fetch_add_explicit(&thread->ticks, 1, memory_order_relaxed);
}

static void *tick_run(void *argument)
{
	struct tick_thread *thread = argument;
	struct tick_threads *all = thread->all;
	uint64_t due = clock_ns() + all->period_ns;
	uint64_t last = 0;

	while (!atomic_load_explicit(&all->stopping, memory_order_relaxed)) {
		struct timespec wake = clock_timespec(due);
		uint64_t now;

		/* Any failure is a signal: look at the flag and sleep the rest. */
		if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL))
			continue;
		now = clock_ns();
		if (last) {
			atomic_store_explicit(&thread->gap_last_ns, now - last,
			                      memory_order_relaxed);
			tick_raise(&thread->gap_max_ns, now - last);
		}
		last = now;
		tick_rooms(thread, now);
		/* No lock is held, no room is half way: the moment for what needs one. */
		suture_safepoint();
		due += all->period_ns;
		if (now > due + TICK_CATCH_UP_MAX * all->period_ns) {
			uint64_t missed = (now - due) / all->period_ns;

			atomic_fetch_add_explicit(&thread->skipped, missed, memory_order_relaxed);
			due += missed * all->period_ns;
		}
	}
	return NULL;
}

struct tick_threads *tick_start(struct room **rooms, int room_count, int threads, int hz)
{
	struct tick_threads *ticks =
	        calloc(1, sizeof(*ticks) + (size_t)threads * sizeof(ticks->threads[0]));

	if (!ticks)
		return NULL;
	ticks->rooms = rooms;
	ticks->room_count = room_count;
	ticks->period_ns = NS_PER_SECOND / (uint64_t)hz;
	/* The threads read count: it is final before the first one starts. */
	ticks->count = threads;
	for (int i = 0; i < threads; i++) {
		struct tick_thread *thread = &ticks->threads[i];
		char name[16];

		thread->all = ticks;
		thread->number = i;
		if (pthread_create(&thread->thread, NULL, tick_run, thread)) {
			log_warning("can't start a tick thread");
			ticks->count = i;
			tick_stop(ticks);
			return NULL;
		}
		snprintf(name, sizeof(name), "tick-%d", i);
		pthread_setname_np(thread->thread, name);
	}
	return ticks;
}

void tick_stop(struct tick_threads *ticks)
{
	if (!ticks)
		return;
	atomic_store_explicit(&ticks->stopping, true, memory_order_relaxed);
	for (int i = 0; i < ticks->count; i++)
		pthread_join(ticks->threads[i].thread, NULL);
	free(ticks);
}

static uint64_t tick_most(uint64_t most, atomic_uint_fast64_t *value)
{
	uint64_t now = atomic_load_explicit(value, memory_order_relaxed);

	return now > most ? now : most;
}

void tick_measure(struct tick_threads *ticks, struct tick_figures *figures)
{
	*figures = (struct tick_figures){0};
	for (int i = 0; i < ticks->count; i++) {
		struct tick_thread *thread = &ticks->threads[i];

		figures->ticks = tick_most(figures->ticks, &thread->ticks);
		figures->gap_last_us = tick_most(figures->gap_last_us, &thread->gap_last_ns);
		figures->gap_max_us = tick_most(figures->gap_max_us, &thread->gap_max_ns);
		figures->work_max_us = tick_most(figures->work_max_us, &thread->work_max_ns);
		figures->skipped += tick_most(0, &thread->skipped);
	}
	figures->gap_last_us /= 1000;
	figures->gap_max_us /= 1000;
	figures->work_max_us /= 1000;
}

void tick_reset(struct tick_threads *ticks)
{
	for (int i = 0; i < ticks->count; i++) {
		atomic_store_explicit(&ticks->threads[i].gap_max_ns, 0, memory_order_relaxed);
		atomic_store_explicit(&ticks->threads[i].work_max_ns, 0, memory_order_relaxed);
	}
}
