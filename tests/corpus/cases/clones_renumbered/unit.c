#include <stddef.h>
#include <stdio.h>

/* Worth a copy for each kind, which compilers number as they come. */
__attribute__((noinline)) static int work(const int *list, int count, int kind)
{
	int sum = 0;

	for (int i = 0; i < count; i++) {
		if (kind == 1)
			sum += list[i] * 3;
		else if (kind == 2)
			sum ^= list[i] << 2;
		else if (kind == 3)
			sum -= list[i] / 5;
		else
			sum += list[i] % kind;
	}
	return sum;
}

__attribute__((noinline)) int first(const int *list, int count)
{
	return work(list, count, 1) + 1;
}

__attribute__((noinline)) int second(const int *list, int count)
{
	return work(list, count, 2) + 2;
}

__attribute__((noinline)) int late(const int *list, int count)
{
	return list[count - 1];
}

void play(int value, char *out, size_t size)
{
	int list[4] = {value, value + 1, value * 2, 7};

	snprintf(out, size, "%d %d %d", late(list, 1 + value % 4),
		 first(list, 1 + value % 4), second(list, 1 + value % 3));
}
