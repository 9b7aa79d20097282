/*
 * Mood: how a bot is disposed. Bends the dice that decide what it does next, so that not all of
 * them play alike.
 */
#ifndef ARENA_MOOD_H
#define ARENA_MOOD_H

#include <memory>
#include <stdexcept>

/* The bot does nothing this time. */
struct NotNow : std::runtime_error {
	using std::runtime_error::runtime_error;
};

/* What the dice (0 to 99) mean: each up to its number, not included. */
enum Wish {
	WISH_WALK = 37,
	WISH_BUY = 50,
	WISH_SELL = 60,
	WISH_TRADE = 75,
	WISH_ASK = 94,
	WISH_ALL = 100
};

class Mood
{
      public:
	virtual ~Mood() = default;

	/* The dice as this mood sees them; throws NotNow. */
	virtual int bend(int dice, long long coin) const = 0;

	virtual const char *name() const = 0;

	/* One of all moods, the same for the same number. */
	static std::unique_ptr<Mood> of(unsigned number);
};

#endif
