/*
 * Map: the floor that all rooms share. It never changes while the server runs.
 */
#ifndef ARENA_MAP_H
#define ARENA_MAP_H

#include <stdbool.h>

enum { MAP_WIDTH = 40, MAP_HEIGHT = 16, MAP_CELLS = MAP_WIDTH * MAP_HEIGHT };

extern const char map_rows[MAP_HEIGHT][MAP_WIDTH + 1];

/* Any coordinates may be asked for; outside of the map nothing is open. */
static inline bool map_is_open(int x, int y)
{
	return x >= 0 && x < MAP_WIDTH && y >= 0 && y < MAP_HEIGHT && map_rows[y][x] == '.';
}

static inline int map_cell(int x, int y)
{
	return y * MAP_WIDTH + x;
}

#endif
