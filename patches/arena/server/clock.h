/*
 * Time: one monotonic clock in nanoseconds, for ticks and figures.
 */
#ifndef ARENA_CLOCK_H
#define ARENA_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND 1000000000ULL

static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static inline struct timespec clock_timespec(uint64_t ns)
{
	struct timespec when = {
	        .tv_sec = (time_t)(ns / NS_PER_SECOND),
	        .tv_nsec = (long)(ns % NS_PER_SECOND),
	};

	return when;
}

#endif
