/* SPDX-License-Identifier: MIT */
/* Waiting for what becomes of a patch that was applied with a time limit. */
#ifndef CLI_AWAIT_H
#define CLI_AWAIT_H

#include "cli/action.h"

/*
 * For struct action: returns when the patch of subject->answer is confirmed, or gone; then with
 * NOT_CONFIRMED. The timer is the agent's: nothing depends on our staying.
 */
void await_confirmation(const struct cli *cli, const struct action *action,
			struct subject *subject);

/* "fix reverts itself in 5 min unless confirmed: suture confirm fix -p 4120", indented. */
void await_hint(FILE *to, const struct subject *subject, struct json_object *confirm,
		const char *name);

#endif
