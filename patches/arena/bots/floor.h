/*
 * Floor: what a client knows about the map, and how far it is from here to there by two rules:
 * with and without squeezing diagonally past the corner of a wall.
 */
#ifndef ARENA_FLOOR_H
#define ARENA_FLOOR_H

#include <random>
#include <string>
#include <vector>

struct Cell {
	int x = 0;
	int y = 0;

	bool operator==(const Cell &other) const
	{
		return x == other.x && y == other.y;
	}
};

enum class Corners { Squeeze, Respect };

class Floor
{
      public:
	static constexpr int unreached = -1;

	Floor() = default;
	explicit Floor(std::vector<std::string> rows) : rows_(std::move(rows))
	{
	}

	int width() const
	{
		return rows_.empty() ? 0 : (int)rows_[0].size();
	}
	int height() const
	{
		return (int)rows_.size();
	}
	const std::vector<std::string> &rows() const
	{
		return rows_;
	}

	bool is_open(Cell cell) const;
	bool is_neighbour(Cell from, Cell to) const;

	/* True for a diagonal step with a wall on either side. */
	bool cuts_corner(Cell from, Cell to) const;

	/* Steps from each cell (row by row) to the target, or unreached. */
	std::vector<int> distances(Cell target, Corners corners) const;
	int distance(Cell from, Cell to, Corners corners) const;

	template <typename Random> Cell pick(Random &random) const
	{
		std::uniform_int_distribution<int> column(0, width() - 1);
		std::uniform_int_distribution<int> row(0, height() - 1);
		Cell cell;

		do {
			cell.x = column(random);
			cell.y = row(random);
		} while (!is_open(cell));
		return cell;
	}

      private:
	std::vector<std::string> rows_;
};

#endif
