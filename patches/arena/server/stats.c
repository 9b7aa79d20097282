/*
 * Stats: one line of NAME=NUMBER. "duplicated" is the coin that players own, or have taken away
 * with them, without the ledgers knowing where it came from. It should be 0.
 */
#include "stats.h"

#include "clock.h"
#include "protocol.h"
#include "room.h"
#include "tick.h"
#include "world.h"

void stats_show(struct world *world, struct reply *reply)
{
	struct tick_figures ticks;
	long long coin = 0;
	long long ledger = 0;
	int players = 0;

	for (int i = 0; i < world->room_count; i++) {
		struct room_figures room;

		room_measure(world->rooms[i], &room);
		coin += room.coin;
		ledger += room.ledger;
		players += room.players;
	}
	tick_measure(world->ticks, &ticks);
	reply_add(reply, "ok stats uptime_ms=%llu players=%d connections=%d rooms=%d requests=%llu",
	          (unsigned long long)(clock_ns() - world->started_ns) / 1000000, players,
	          world->connections, world->room_count, (unsigned long long)world->requests);
	reply_add(reply, " tick_hz=%d ticks=%llu gap_last_us=%llu gap_max_us=%llu", world->tick_hz,
	          (unsigned long long)ticks.ticks, (unsigned long long)ticks.gap_last_us,
	          (unsigned long long)ticks.gap_max_us);
	reply_add(reply, " work_max_us=%llu skipped=%llu coin=%lld duplicated=%lld\n",
	          (unsigned long long)ticks.work_max_us, (unsigned long long)ticks.skipped, coin,
	          coin - ledger);
}
