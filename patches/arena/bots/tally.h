/*
 * Tally: everything that the bots have counted. One for the whole run; only the fleet's thread
 * uses it.
 */
#ifndef ARENA_TALLY_H
#define ARENA_TALLY_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "latency.h"

struct Tally {
	uint64_t requests = 0; /* answered ones */
	uint64_t news = 0;

	uint64_t wrong = 0;
	std::map<std::string, uint64_t> wrong_reasons;
	std::vector<std::string> wrong_examples; /* the first few */
	uint64_t unanswered = 0;
	uint64_t lost = 0; /* connections that ended before the bot said quit */

	/* All since the start, and since the last reset. */
	Latency latency;
	Latency latency_since_reset;
	uint64_t latency_now_us = 0; /* the longest since the last status */

	/* Gaps between ticks, as they arrive here. */
	uint64_t ticks = 0;
	uint64_t gap_max_us = 0;
	uint64_t gap_since_reset_us = 0;
	uint64_t gap_now_us = 0;

	long long coin_sent = 0; /* to other bots, gifts and purchases */
	long long coin_received = 0;
	uint64_t trades = 0;
	uint64_t steps = 0;
	uint64_t corners_cut = 0;
	uint64_t stuck = 0;
	uint64_t slowed_down = 0;
	uint64_t price_changes = 0;
	uint64_t dreams = 0;  /* times that a bot did not want anything */
	uint64_t matches = 0; /* that began while they played */

	void count_latency(uint64_t us);
	void count_gap(uint64_t us);
	void count_wrong(const std::string &who, const std::string &reason,
	                 const std::string &detail);
	void reset();
};

#endif
