#include <stddef.h>
#include <stdio.h>

__attribute__((noinline)) int run(int value)
{
	static const void *const places[] = {&&first, &&second, &&third};
	int sum = 0;

	goto *places[value % 3];
first:
	sum += 10;
second:
	sum += 20;
third:
	sum += 30;
	return sum + value;
}

/* Kept in writable memory: they can't be told from what the program put there. */
__attribute__((noinline)) int walk(int value)
{
	static const void *steps[] = {&&far, &&near};

	if (value == 12345)
		steps[0] = steps[1];
	goto *steps[value % 2];
far:
	value += 100;
near:
	return value + 1;
}

static const char *const names[] = {"zero", "one", "two"};

__attribute__((noinline)) static const char *name_of(unsigned value)
{
	return value < sizeof(names) / sizeof(names[0]) ? names[value] : "many";
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d %s", run(value), walk(value), name_of((unsigned)value));
}
