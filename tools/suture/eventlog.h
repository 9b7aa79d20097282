/* SPDX-License-Identifier: MIT */
/* Records of what happened, as lines for people. */
#ifndef CLI_EVENTLOG_H
#define CLI_EVENTLOG_H

#include "cli/group.h"

/* The title of the columns that eventlog_put() writes. many: with the process in front. */
void eventlog_title(bool many);

/* One line, and one more where there is more to say. */
void eventlog_put(const struct cli *cli, const struct subject *subject, struct json_object *event,
		  bool many);

#endif
