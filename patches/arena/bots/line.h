/*
 * Line: what the server says, taken apart. A line is words, and some words are NAME=VALUE.
 */
#ifndef ARENA_LINE_H
#define ARENA_LINE_H

#include <stdexcept>
#include <string>
#include <vector>

/* The server answered something that can't be right. */
struct WrongAnswer : std::runtime_error {
	using std::runtime_error::runtime_error;
};

class Line
{
      public:
	Line() = default;
	explicit Line(const std::string &text);

	const std::string &text() const
	{
		return text_;
	}
	size_t size() const
	{
		return words_.size();
	}

	/* Word i, or "" past the end. */
	const std::string &word(size_t i) const;

	/* True if the line starts with these words. */
	bool starts(const char *first, const char *second = nullptr) const;

	/* Both throw WrongAnswer when there is no such number. */
	long long number(size_t i) const;
	long long value(const char *name) const;

	bool has(const char *name) const;

      private:
	const std::string *find(const char *name) const;

	std::string text_;
	std::vector<std::string> words_;
};

/* A reply with the rows that belong to it. */
struct Reply {
	Line line;
	std::vector<std::string> rows;
};

/* How many rows follow this reply. */
size_t line_rows(const Line &line);

#endif
