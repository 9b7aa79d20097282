/*
 * Floor: written from the rules of the game, not from the server's code, so that the two can
 * disagree.
 */
#include "floor.h"

#include <cstdlib>
#include <deque>

bool Floor::is_open(Cell cell) const
{
	return cell.x >= 0 && cell.x < width() && cell.y >= 0 && cell.y < height() &&
	       rows_[(size_t)cell.y][(size_t)cell.x] == '.';
}

bool Floor::is_neighbour(Cell from, Cell to) const
{
	return abs(from.x - to.x) <= 1 && abs(from.y - to.y) <= 1 && !(from == to);
}

bool Floor::cuts_corner(Cell from, Cell to) const
{
	return from.x != to.x && from.y != to.y &&
	       !(is_open({from.x, to.y}) && is_open({to.x, from.y}));
}

std::vector<int> Floor::distances(Cell target, Corners corners) const
{
	std::vector<int> steps((size_t)(width() * height()), unreached);
	auto at = [&](Cell cell) -> int & { return steps[(size_t)(cell.y * width() + cell.x)]; };
	std::deque<Cell> queue;

	if (!is_open(target))
		return steps;
	at(target) = 0;
	queue.push_back(target);
	while (!queue.empty()) {
		Cell cell = queue.front();

		queue.pop_front();
		for (int dy = -1; dy <= 1; dy++) {
			for (int dx = -1; dx <= 1; dx++) {
				Cell next = {cell.x + dx, cell.y + dy};

				if (!is_open(next) || at(next) != unreached)
					continue;
				if (corners == Corners::Respect && cuts_corner(cell, next))
					continue;
				at(next) = at(cell) + 1;
				queue.push_back(next);
			}
		}
	}
	return steps;
}

int Floor::distance(Cell from, Cell to, Corners corners) const
{
	if (!is_open(from))
		return unreached;
	return distances(to, corners)[(size_t)(from.y * width() + from.x)];
}
