/*
 * Path: flooding a flow field and walking down it. Uses no memory but the caller's and the stack;
 * called with the lock of the walker's room held.
 */
#include "path.h"

static const struct {
	int dx;
	int dy;
} path_ways[] = {
        {1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {1, -1}, {-1, 1}, {-1, -1},
};

enum { PATH_WAYS = sizeof(path_ways) / sizeof(path_ways[0]) };

/* A step is as good backwards as forwards: the flood relies on that, it starts at the target. */
static inline bool can_step(int x, int y, int dx, int dy)
{
	return map_is_open(x + dx, y + dy);
}

void path_flood(struct path_field *field, int target_x, int target_y)
{
	uint16_t queue[MAP_CELLS];
	int first = 0;
	int last = 0;

	for (int cell = 0; cell < MAP_CELLS; cell++)
		field->steps[cell] = PATH_UNREACHED;
	if (!map_is_open(target_x, target_y))
		return;
	field->steps[map_cell(target_x, target_y)] = 0;
	queue[last++] = (uint16_t)map_cell(target_x, target_y);
	while (first < last) {
		int cell = queue[first++];
		int x = cell % MAP_WIDTH;
		int y = cell / MAP_WIDTH;

		for (int way = 0; way < PATH_WAYS; way++) {
			int dx = path_ways[way].dx;
			int dy = path_ways[way].dy;
			int next = map_cell(x + dx, y + dy);

			if (!can_step(x, y, dx, dy) || field->steps[next] != PATH_UNREACHED)
				continue;
			field->steps[next] = (uint16_t)(field->steps[cell] + 1);
			queue[last++] = (uint16_t)next;
		}
	}
}

bool path_next(const struct path_field *field, int *x, int *y)
{
	int best_steps = path_steps(field, *x, *y);
	int best_way = -1;

	for (int way = 0; way < PATH_WAYS; way++) {
		int dx = path_ways[way].dx;
		int dy = path_ways[way].dy;

		if (!can_step(*x, *y, dx, dy))
			continue;
		if (path_steps(field, *x + dx, *y + dy) < best_steps) {
			best_steps = path_steps(field, *x + dx, *y + dy);
			best_way = way;
		}
	}
	if (best_way < 0)
		return false;
	*x += path_ways[best_way].dx;
	*y += path_ways[best_way].dy;
	return true;
}
