#include <cstdio>
#include <cstddef>

int steps(int value)
{
	int sum = 0;
	{
		struct {
			int go(int v)
			{
				static int count = 0;

				return v + ++count;
			}
		} one;

		sum += one.go(value);
	}
	{
		struct {
			int go(int v)
			{
				static int count = 0;

				count += 10;
				return v * count;
			}
		} two;

		sum += two.go(value) * 1000;
	}
	return sum;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", steps(value));
}
