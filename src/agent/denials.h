/* SPDX-License-Identifier: MIT */
/*
 * Who was refused, for the record: each user's tries at the same thing once a minute, with a count
 * of those between, and no more than a few kinds at a time. So nobody who may do nothing pushes out
 * of the record what others did. The server's thread.
 */
#ifndef AGENT_DENIALS_H
#define AGENT_DENIALS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { DENIALS_KINDS = 16, DENIALS_WHAT = 24, DENIALS_PAUSE_S = 60 };

struct denials {
	struct denial {
		bool used;
		uid_t uid;
		char what[DENIALS_WHAT];
		uint64_t recorded_at; /* seconds of any clock that does not go back */
		unsigned more;	      /* since */
	} kinds[DENIALS_KINDS];
};

/* One more. True where it is to be recorded; *more are those since the last that was. */
bool denials_count(struct denials *denials, uid_t uid, const char *what, uint64_t now_s,
		   unsigned *more);

#endif
