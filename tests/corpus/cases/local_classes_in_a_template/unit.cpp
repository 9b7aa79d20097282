#include <cstdio>
#include <cstddef>

template <class T> int apply(T &t, int v)
{
	static int count = 0;

	count += sizeof(T);
	return t.base + v * count;
}

int steps(int value)
{
	int sum = 0;
	{
		struct Local {
			int base;
		} one = {100};

		sum += apply(one, value);
	}
	{
		struct Local {
			int base;
			int more;
		} two = {200, 1};

		sum += apply(two, value) * 1000;
	}
	return sum;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", steps(value));
}
