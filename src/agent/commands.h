/* SPDX-License-Identifier: MIT */
/* The agent's commands as the admin socket offers them (docs/PROTOCOL.md). */
#ifndef AGENT_COMMANDS_H
#define AGENT_COMMANDS_H

#include "agent/server.h"

/* Their context is the struct agent. Static storage. */
extern const struct server_command agent_commands[];
extern const size_t agent_command_count;

#endif
