/*
 * How every target is driven: it reads a line, does what it says, answers with a line. The end of
 * its input is its end.
 */
#ifndef TARGET_LINES_H
#define TARGET_LINES_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static inline bool lines_next(char *line, size_t size)
{
	if (!fgets(line, (int)size, stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

#define lines_answer(...)            \
	do {                         \
		printf(__VA_ARGS__); \
		putchar('\n');       \
		fflush(stdout);      \
	} while (0)

#endif
