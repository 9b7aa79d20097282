#include <stdio.h>

static int numbers[4] = {1, 2, 3, 4};
__attribute__((noinline)) int triple(int value)
{
	return value * 3 + numbers[value & 3];
}
__asm__(".globl beyond\n.hidden beyond\n.set beyond, triple + 0x1000\n");
extern char beyond[] __attribute__((visibility("hidden")));

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d", triple(value), (int)(beyond - (char *)triple));
}
