/*
 * World: everything that a request may need, put together by main.
 */
#ifndef ARENA_WORLD_H
#define ARENA_WORLD_H

#include <stdint.h>

#include "room.h"

struct tick_threads;

struct world {
	int room_count;
	struct room *rooms[ROOMS_MAX];
	struct tick_threads *ticks;
	int tick_hz;
	uint64_t started_ns;

	/* The network thread's own. */
	unsigned int last_player_id;
	int connections;
	uint64_t requests;
};

#endif
