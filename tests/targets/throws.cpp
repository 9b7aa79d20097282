/*
 * Exceptions thrown below a patched function, caught above it; in C++ thrown and caught inside too.
 * inside.
 *
 *   through VALUE   thrown two calls below, caught above middle()  → what came of it
 *   inside VALUE    thrown and caught in guarded()                 → what came of it
 *   nested VALUE    guarded() catches, cleans up and throws another → what came of it
 */
#include "throws.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "lines.h"

static int cleaned;

struct Counter {
	~Counter()
	{
		cleaned += 10;
	}
};

static __attribute__((noinline)) int pick(int value)
{
	if (value < 0)
		throw std::runtime_error("below zero: " + std::to_string(value));
	if (value > 99)
		throw value;
	return value * 2;
}

static __attribute__((noinline)) std::string guarded(int value, bool again)
{
	Counter counter;

	try {
		return "fine " + std::to_string(pick(value));
	} catch (const std::exception &error) {
		if (again)
			throw std::logic_error("again: " + std::string(error.what()));
		return "caught " + std::string(error.what());
	}
}

static std::string answer(const std::string &verb, int value)
{
	cleaned = 0;
	try {
		if (verb == "through")
			return "fine " + std::to_string(middle(pick, value, &cleaned));
		return guarded(value, verb == "nested");
	} catch (const std::exception &error) {
		return "out " + std::string(error.what());
	} catch (int number) {
		return "number " + std::to_string(number);
	}
}

int main()
{
	char line[64];

	while (lines_next(line, sizeof(line))) {
		std::string text = line;
		size_t space = text.find(' ');
		std::string result =
			answer(text.substr(0, space), space == text.npos ? 0 : atoi(line + space));

		lines_answer("%s, cleaned %d", result.c_str(), cleaned);
	}
	return 0;
}
