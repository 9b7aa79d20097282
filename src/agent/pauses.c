/* SPDX-License-Identifier: MIT */
/* Histogram of pauses; see pauses.h. */
#include "agent/pauses.h"

/* Upper bounds in ns: 1 µs times 2^(i/4), by integers: four steps double. */
static uint64_t bound(unsigned bucket)
{
	static const uint64_t quarter[] = {1000, 1189, 1414, 1682};

	return quarter[bucket % 4] << (bucket / 4);
}

void pauses_add(struct pauses *pauses, uint64_t ns)
{
	unsigned bucket = 0;

	while (bucket < PAUSE_BUCKETS - 1 && ns > bound(bucket))
		bucket++;
	pauses->buckets[bucket]++;
	pauses->count++;
	pauses->sum_ns += ns;
	if (ns > pauses->max_ns)
		pauses->max_ns = ns;
}

uint64_t pauses_percentile_ns(const struct pauses *pauses, double share)
{
	uint64_t wanted = (uint64_t)((double)pauses->count * share), seen = 0;

	if (!pauses->count)
		return 0;
	for (unsigned i = 0; i < PAUSE_BUCKETS; i++) {
		seen += pauses->buckets[i];
		if (seen > wanted || seen == pauses->count)
			return bound(i) < pauses->max_ns ? bound(i) : pauses->max_ns;
	}
	return pauses->max_ns;
}

uint64_t pauses_within(const struct pauses *pauses, unsigned power)
{
	uint64_t count = 0;

	/* Every fourth bound is a power of two. */
	for (unsigned i = 0; i <= 4 * power && i < PAUSE_BUCKETS; i++)
		count += pauses->buckets[i];
	return count;
}
