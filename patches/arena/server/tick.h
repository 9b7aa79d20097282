/*
 * Tick: the threads that move the rooms on at a fixed rate, and how punctual they were.
 */
#ifndef ARENA_TICK_H
#define ARENA_TICK_H

#include <stdint.h>

struct room;
struct tick_threads;

struct tick_figures {
	uint64_t ticks;       /* since the start, of the thread that made the most */
	uint64_t gap_last_us; /* between the starts of the last two ticks, the worst thread's */
	uint64_t gap_max_us;  /* longest such gap since the last reset */
	uint64_t work_max_us; /* longest tick since the last reset */
	uint64_t skipped;     /* ticks given up because the thread came far too late */
};

/* Room i is ticked by thread i % threads. NULL when the threads can't be had. */
struct tick_threads *tick_start(struct room **rooms, int room_count, int threads, int hz);
void tick_stop(struct tick_threads *ticks);

/* May be called from every thread. The reset forgets the two maxima. */
void tick_measure(struct tick_threads *ticks, struct tick_figures *figures);
void tick_reset(struct tick_threads *ticks);

#endif
