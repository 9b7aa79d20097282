#include <cstddef>
#include <cstdio>

int steps(int value)
{
	int sum = 0;

	{
		struct Local {
			int go(int v)
			{
				static int count = 0;

				return v + ++count;
			}
		};

		sum += Local().go(value);
	}
	{
		struct Local {
			int go(int v)
			{
				static int count = 0;

				count += 10;
				return v * count;
			}
		};

		sum += Local().go(value);
	}
	return sum;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", steps(value));
}
