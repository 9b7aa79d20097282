/* SPDX-License-Identifier: MIT */
/*
 * Fault injection for tests: NULL in production. A step that can fail asks first, and fails without
 * any effect when the hook says so. Set before threads look at it, never while a transaction runs.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>

extern bool (*fault_hook)(const char *step);

static inline bool fault_injected(const char *step)
{
	return fault_hook && fault_hook(step);
}

/* 0, or an error that names the step. */
int fault_at(const char *step, struct suture_error *err);

#endif
