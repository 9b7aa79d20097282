#include <cstddef>
#include <cstdio>

struct Step {
	virtual int go(int value) = 0;
};

static Step *first;
static Step *second;

int steps(int value)
{
	{
		struct Local : Step {
			int go(int v) override
			{
				static int count = 0;

				return v + ++count;
			}
		};

		if (!first)
			first = new Local;
	}
	{
		struct Local : Step {
			int go(int v) override
			{
				static int count = 0;

				count += 10;
				return v * count;
			}
		};

		if (!second)
			second = new Local;
	}
	return value;
}

extern "C" void play(int value, char *out, size_t size)
{
	value = steps(value);
	snprintf(out, size, "%d %d", first->go(value), second->go(value));
}
