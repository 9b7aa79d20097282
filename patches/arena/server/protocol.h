/*
 * Protocol: the words of a request and the text of a reply. Every request is one line and gets
 * exactly one reply, "ok …" or "err CODE …"; rows that start with "| " belong to the reply above
 * them, which says rows=N; lines that start with "* " are news that nobody asked for. See
 * README.md.
 */
#ifndef ARENA_PROTOCOL_H
#define ARENA_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

enum {
	PROTOCOL_VERSION = 1,
	PROTOCOL_LINE_MAX = 256, /* bytes of a request, without its newline */
	PROTOCOL_WORDS_MAX = 8,
	PROTOCOL_REPLY_MAX = 8192,
};

struct reply {
	size_t used;
	char text[PROTOCOL_REPLY_MAX];
};

/* Cuts the line into words, in place. Returns how many there are, or -1 for too many. */
int protocol_split(char *line, char *words[PROTOCOL_WORDS_MAX]);

/* True if text is a whole decimal number within the limits; *number is set only then. */
bool protocol_number(const char *text, int least, int most, int *number);

/* True for 1 to 15 letters, digits, '_' and '-'. */
bool protocol_is_name(const char *text);

/* Appends to the reply; what does not fit any more is cut off. */
__attribute__((format(printf, 2, 3))) void reply_add(struct reply *reply, const char *format, ...);

#endif
