/* SPDX-License-Identifier: MIT */
#include "base/fault.h"

#include "base/error.h"

bool (*fault_hook)(const char *step);

int fault_at(const char *step, struct suture_error *err)
{
	if (!fault_injected(step))
		return 0;
	return error_set(err, SUTURE_E_INTERNAL, "fault injected at %s", step);
}
