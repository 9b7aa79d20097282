/*
 * What every case of the corpus is driven by: a line in, what play() makes of it out. State that
 * play() keeps shows what a patch does to state.
 */
#include <stdio.h>
#include <stdlib.h>

extern void play(int value, char *out, size_t size);

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		char text[512] = "";

		play(atoi(line), text, sizeof(text));
		printf("%s\n", text);
		fflush(stdout);
	}
	return 0;
}
