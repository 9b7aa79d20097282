/* SPDX-License-Identifier: MIT */
/* Error codes and error objects: no allocation, texts are cut off rather than overrun. */
#include "base/error.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code_entry {
	enum suture_code code;
	const char *name;
	int exit_code;
	bool retryable;
	const char *text;
};

static const struct code_entry codes[] = {
#define CODE_ENTRY(name, number, exit_code, retryable, text) \
	{SUTURE_E_##name, #name, exit_code, retryable, text},
	SUTURE_ERRORS(CODE_ENTRY)
#undef CODE_ENTRY
};

static const struct code_entry *code_find(enum suture_code code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return &codes[i];
	return NULL;
}

const char *suture_code_name(enum suture_code code)
{
	const struct code_entry *entry = code_find(code);

	if (code == SUTURE_OK)
		return "OK";
	return entry ? entry->name : "UNKNOWN";
}

const char *suture_code_text(enum suture_code code)
{
	const struct code_entry *entry = code_find(code);

	if (code == SUTURE_OK)
		return "done";
	return entry ? entry->text : "an unknown error";
}

int suture_code_exit(enum suture_code code)
{
	const struct code_entry *entry = code_find(code);

	if (code == SUTURE_OK)
		return 0;
	return entry ? entry->exit_code : 1;
}

bool suture_code_retryable(enum suture_code code)
{
	const struct code_entry *entry = code_find(code);

	return entry && entry->retryable;
}

enum suture_code suture_code_from_name(const char *name)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].name, name) == 0)
			return codes[i].code;
	return SUTURE_E_INTERNAL;
}

/* Like vsnprintf(). What is cut off is cut off between characters. */
static int put(char *text, size_t size, const char *fmt, va_list args)
{
	int length = vsnprintf(text, size, fmt, args);

	if (length >= 0 && (size_t)length >= size)
		text_mend(text);
	return length;
}

int error_set(struct suture_error *err, enum suture_code code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -(int)code;
	err->code = code;
	err->next[0] = '\0';
	va_start(args, fmt);
	put(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return -(int)code;
}

int error_errno(struct suture_error *err, enum suture_code code, int errnum, const char *fmt, ...)
{
	/* Not strerror(): it looks for a translation, under libc's locks (base/forkguard.h). */
	const char *reason = strerrordesc_np(errnum);
	va_list args;
	int length;

	if (!err)
		return -(int)code;
	err->code = code;
	err->next[0] = '\0';
	va_start(args, fmt);
	length = put(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	if (length >= 0 && (size_t)length < sizeof(err->message))
		snprintf(err->message + length, sizeof(err->message) - (size_t)length, ": %s",
			 reason ? reason : "unknown error");
	return -(int)code;
}

int error_context(struct suture_error *err, const char *fmt, ...)
{
	char context[SUTURE_ERROR_MESSAGE_SIZE];
	size_t length, room;
	va_list args;

	if (!err)
		return -(int)SUTURE_E_INTERNAL;
	va_start(args, fmt);
	put(context, sizeof(context) - 2, fmt, args);
	va_end(args);
	strcat(context, ": ");
	length = strlen(context);
	room = sizeof(err->message) - 1 - length;
	room = (size_t)text_fit(err->message, room);
	memmove(err->message + length, err->message, room);
	err->message[length + room] = '\0';
	memcpy(err->message, context, length);
	return -(int)err->code;
}

int error_next(struct suture_error *err, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -(int)SUTURE_E_INTERNAL;
	va_start(args, fmt);
	put(err->next, sizeof(err->next), fmt, args);
	va_end(args);
	return -(int)err->code;
}

int error_no_memory(struct suture_error *err)
{
	return error_set(err, SUTURE_E_NO_MEMORY, "out of memory");
}
