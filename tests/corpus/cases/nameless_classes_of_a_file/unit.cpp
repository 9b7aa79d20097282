#include <cstdio>
#include <cstddef>

static struct {
	int base;
	int go(int v)
	{
		static int count = 0;

		return base + v + ++count;
	}
} one = {100};

static struct {
	int base;
	int go(int v)
	{
		static int count = 0;

		count += 10;
		return base + v * count;
	}
} two = {200};

int steps(int value)
{
	return one.go(value) + two.go(value) * 1000;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", steps(value));
}
