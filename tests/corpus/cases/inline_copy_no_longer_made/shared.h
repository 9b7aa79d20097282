#pragma once

int scaled(int value);

/* Both files have a copy of their own; the linker took the first one's, which calls scaled(). */
__attribute__((noinline)) inline int score(int value)
{
	int sum = 0;

	for (int i = 0; i < value; i++)
		sum += scaled(i);
	return sum;
}
