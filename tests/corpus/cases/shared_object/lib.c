#include <stdlib.h>

static int calls;
__thread int per_thread = 5;
static __thread int own_thread;
int shared_value = 7;

__attribute__((noinline)) static int helper(int value)
{
	return value * 2 + shared_value;
}

int library_work(int value)
{
	calls++;
	own_thread += value;
	per_thread++;
	return helper(abs(value)) + calls * 1000 + per_thread * 10000 + own_thread * 100000;
}
