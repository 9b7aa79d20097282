#include <stdio.h>

/* As compilers make it of a range: they compute the one end from the other. */
void play(int value, char *out, size_t size)
{
	const char *end;

	__asm__("lea 6+%P1(%%rip), %0" : "=r"(end) : "i"("copper"));
	snprintf(out, size, "%d %s", value, end - 6);
}
