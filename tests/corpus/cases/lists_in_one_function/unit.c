#include <stddef.h>
#include <stdio.h>

/* Lists in files of their own, where variables of one name have the same lines. */
__attribute__((noinline)) static int total(int value)
{
	int sum = 0;

#define ENTRY(name, begin) \
	{ \
		static int count = begin; \
		sum = sum * 10 + count; \
		count += value; \
	}
#include "one.h"
#include "two.h"
	return sum;
}

__attribute__((noinline)) static const char *word(void)
{
	return "old";
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%s %d", word(), total(value));
}
