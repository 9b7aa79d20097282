#include <stddef.h>
#include <stdio.h>

__attribute__((noinline, target_clones("avx2", "default"))) int weigh(const int *list, int count)
{
	int sum = count > 3 ? list[1] * list[2] - list[3] : 0;

	for (int i = 0; i < count; i++)
		sum += list[i] * i;
	return sum;
}

void play(int value, char *out, size_t size)
{
	const int list[] = {1, 2, 3, 4, 5, 6, 7, 8, value};

	snprintf(out, size, "%d", weigh(list, 9));
}
