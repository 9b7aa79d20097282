/* SPDX-License-Identifier: MIT */
/* See denials.h. */
#include "agent/denials.h"

#include <stdio.h>
#include <string.h>

static bool is_recent(const struct denial *denial, uint64_t now_s)
{
	return denial->used && now_s - denial->recorded_at < DENIALS_PAUSE_S;
}

bool denials_count(struct denials *denials, uid_t uid, const char *what, uint64_t now_s,
		   unsigned *more)
{
	struct denial *room = NULL;

	for (size_t i = 0; i < DENIALS_KINDS; i++) {
		struct denial *denial = &denials->kinds[i];

		if (denial->used && denial->uid == uid &&
		    strncmp(denial->what, what, DENIALS_WHAT - 1) == 0) {
			if (is_recent(denial, now_s)) {
				denial->more++;
				return false;
			}
			*more = denial->more;
			denial->more = 0;
			denial->recorded_at = now_s;
			return true;
		}
		if (!is_recent(denial, now_s) && (!room || !denial->used))
			room = denial;
	}
	if (!room)
		return false;
	*room = (struct denial){.used = true, .uid = uid, .recorded_at = now_s};
	snprintf(room->what, sizeof(room->what), "%s", what);
	*more = 0;
	return true;
}
