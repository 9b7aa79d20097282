/*
 * Protocol: words, numbers and replies. Works on the caller's memory only and may be called from
 * every thread.
 */
#include "protocol.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "player.h"

int protocol_split(char *line, char *words[PROTOCOL_WORDS_MAX])
{
	int count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, " \t\r", &rest); word;
	     word = strtok_r(NULL, " \t\r", &rest)) {
		if (count == PROTOCOL_WORDS_MAX)
			return -1;
		words[count++] = word;
	}
	return count;
}

bool protocol_number(const char *text, int least, int most, int *number)
{
	char *end;
	long value;

	/* strtol would take leading blanks; a word of a request has none. */
	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return false;
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most)
		return false;
	*number = (int)value;
	return true;
}

bool protocol_is_name(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > PLAYER_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!(c < 128 && isalnum(c)) && c != '_' && c != '-')
			return false;
	}
	return true;
}

void reply_add(struct reply *reply, const char *format, ...)
{
	size_t space = sizeof(reply->text) - reply->used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(reply->text + reply->used, space, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length < space) {
		reply->used += (size_t)length;
		return;
	}
	/* Cut off, but still ended: the client must see where the reply is over. */
	reply->used = sizeof(reply->text) - 1;
	reply->text[reply->used - 1] = '\n';
}
