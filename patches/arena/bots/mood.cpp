/*
 * Mood: the moods there are. A class for each; what several have in common is a template around
 * another mood.
 */
#include "mood.h"

namespace
{

/* Takes things as they come. */
class Even : public Mood
{
      public:
	int bend(int dice, long long) const override
	{
		return dice;
	}

	const char *name() const override
	{
		return "even";
	}
};

/* Walks about rather than to spend the last coin. */
class Thrifty : public Mood
{
      public:
	int bend(int dice, long long coin) const override
	{
		bool spends = dice >= WISH_WALK && dice < WISH_BUY;

		return spends && coin < reserve ? dice % WISH_WALK : dice;
	}

	const char *name() const override
	{
		return "thrifty";
	}

      private:
	static constexpr long long reserve = 20;
};

/* Any other mood, but at times it just stands there: one time in Often. */
template <typename Base, int Often> class Dreamy : public Base
{
      public:
	int bend(int dice, long long coin) const override
	{
		if (dice % Often == 0)
			throw NotNow(this->name());
		return Base::bend(dice, coin);
	}
};

template <typename Kind> std::unique_ptr<Mood> mood_make()
{
	return std::make_unique<Kind>();
}

} // namespace

std::unique_ptr<Mood> Mood::of(unsigned number)
{
	static std::unique_ptr<Mood> (*const moods[])() = {
	        mood_make<Even>,
	        mood_make<Thrifty>,
	        mood_make<Dreamy<Even, 8>>,
	        mood_make<Dreamy<Thrifty, 16>>,
	};

	return moods[number % (sizeof(moods) / sizeof(moods[0]))]();
}
