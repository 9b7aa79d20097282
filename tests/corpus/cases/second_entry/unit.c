#include <stdio.h>

__attribute__((noinline)) int scale(int x)
{
	return x * 1000003 + 5;
}
/* As hand-written code enters a function behind its first instruction. */
__asm__(".globl scale_inner\n.type scale_inner, @function\n.set scale_inner, scale + 3\n.size scale_inner, 4");

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", scale(value));
}
