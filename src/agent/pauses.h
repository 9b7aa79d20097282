/* SPDX-License-Identifier: MIT */
/* Histogram of pauses: what operators want to see before they dare the next patch. */
#ifndef AGENT_PAUSES_H
#define AGENT_PAUSES_H

#include <stdint.h>

enum { PAUSE_BUCKETS = 96 };

/* Buckets grow by a factor of 2^(1/4): a percentile is at most 19 % too high. */
struct pauses {
	uint64_t count;
	uint64_t max_ns;
	uint64_t sum_ns;
	uint64_t buckets[PAUSE_BUCKETS];
};

void pauses_add(struct pauses *pauses, uint64_t ns);

/* Upper bound of the bucket in which the share (0..1) of all pauses lies; 0 without any. */
uint64_t pauses_percentile_ns(const struct pauses *pauses, double share);

/* How many were at most 2^power µs long; power below 24. */
uint64_t pauses_within(const struct pauses *pauses, unsigned power);

#endif
