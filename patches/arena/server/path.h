/*
 * Path: how players find their way. A walk is a flow field: for each cell of the map the number of
 * steps from there to the target. It is flooded once when the walk starts, and each tick goes down
 * by one step. Players step to any of eight neighbours and never squeeze past the corner of a wall.
 */
#ifndef ARENA_PATH_H
#define ARENA_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"

enum { PATH_UNREACHED = UINT16_MAX };

struct path_field {
	uint16_t steps[MAP_CELLS];
};

void path_flood(struct path_field *field, int target_x, int target_y);

/* Steps to the target, or PATH_UNREACHED. The cell must be on the map. */
static inline int path_steps(const struct path_field *field, int x, int y)
{
	return field->steps[map_cell(x, y)];
}

/* Moves *x, *y one step down the field. False when no allowed step leads nearer to the target. */
bool path_next(const struct path_field *field, int *x, int *y);

#endif
