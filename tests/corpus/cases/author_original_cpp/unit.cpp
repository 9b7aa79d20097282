#include <cstddef>
#include <cstdio>

struct pile {
	int coins;
	virtual ~pile() {}
	virtual int take(int value);
	int take(int value, int times);
};

namespace rules
{
__attribute__((noinline)) int fee(int value)
{
	return value / 10;
}
}

__attribute__((noinline)) int pile::take(int value)
{
	if (value > coins)
		throw value;
	coins -= value;
	return value;
}

__attribute__((noinline)) int pile::take(int value, int times)
{
	int sum = 0;

	while (times--)
		sum += take(value);
	return sum;
}

extern "C" void play(int value, char *out, size_t size)
{
	static pile p{};

	if (!p.coins)
		p.coins = 1000;
	try {
		int taken = p.take(value, 2);

		snprintf(out, size, "%d fee %d left %d", taken, rules::fee(value), p.coins);
	} catch (int wanted) {
		snprintf(out, size, "no %d", wanted);
	}
}
