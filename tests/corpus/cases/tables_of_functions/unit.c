#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

typedef int change(int);

/* clang makes nameless tables of these, one behind the other where the loader writes addresses. */
__attribute__((noinline)) static change *first(int value)
{
	switch (value) {
	case 0:
		return toupper;
	case 1:
		return tolower;
	case 2:
		return abs;
	case 3:
		return toascii;
	}
	return isdigit;
}

__attribute__((noinline)) static change *second(int value)
{
	switch (value) {
	case 0:
		return isupper;
	case 1:
		return toupper;
	case 2:
		return islower;
	case 3:
		return tolower;
	}
	return isspace;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%c %c", first(value)('m'), second(value)('N'));
}
