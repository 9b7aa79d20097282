/*
 * Tally: counting.
 */
#include "tally.h"

#include <algorithm>

static constexpr size_t examples_max = 20;

void Tally::count_latency(uint64_t us)
{
	requests++;
	latency.add(us);
	latency_since_reset.add(us);
	latency_now_us = std::max(latency_now_us, us);
}

void Tally::count_gap(uint64_t us)
{
	gap_max_us = std::max(gap_max_us, us);
	gap_since_reset_us = std::max(gap_since_reset_us, us);
	gap_now_us = std::max(gap_now_us, us);
}

void Tally::count_wrong(const std::string &who, const std::string &reason,
                        const std::string &detail)
{
	wrong++;
	wrong_reasons[reason]++;
	if (wrong_examples.size() < examples_max)
		wrong_examples.push_back(who + ": " + reason + ": " + detail);
}

void Tally::reset()
{
	latency_since_reset.clear();
	gap_since_reset_us = 0;
}
