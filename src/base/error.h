/* SPDX-License-Identifier: MIT */
/*
 * Filling error objects. The origin of a failure calls error_set() once; callers put context in
 * front with error_context(). All functions accept err == NULL and then only return the code.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <suture/error.h>

/* Replaces the whole error; returns -code, so that `return error_set(...)` reads well. */
int error_set(struct suture_error *err, enum suture_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with ": " and the text of errnum (an errno value, >= 0) behind the message. */
int error_errno(struct suture_error *err, enum suture_code code, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "context: " in front of the message; returns -err->code. */
int error_context(struct suture_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Sets what the user can do next; returns -err->code. */
int error_next(struct suture_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Out of memory, without allocating. */
int error_no_memory(struct suture_error *err);

#endif
