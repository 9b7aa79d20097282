#pragma once
#include <cstddef>
#include <cstdio>

struct guard {
	int *counter;
	~guard() { ++*counter; }
};

int first(int value);
int second(int value);
