#pragma once
#include <cstddef>
#include <cstdio>

struct guard {
	int *counter;
	~guard() { ++*counter; }
};

int first(int value);
int second(int value);

template <typename T> __attribute__((noinline)) T twice(T value)
{
	static T total = 0;

	total += value;
	if (value > 50)
		throw total;
	return value * 2 + total;
}
