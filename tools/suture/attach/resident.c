/* SPDX-License-Identifier: MIT */
/* What the agent's exported variables tell; see resident.h, and src/agent/lifetime.c. */
#include "cli/attach/resident.h"

#include <string.h>

static bool find(const struct remote *remote, const struct module *agent, const char *name,
		 uint64_t *at)
{
	struct symbol symbol;

	if (!module_symbol(remote, agent, name, &symbol))
		return false;
	*at = symbol.start;
	return true;
}

/* What a file has there, or nobody has written yet, is never the variable's own address. */
static bool has_begun(const struct remote *remote, const struct module *agent)
{
	uint64_t at, value;

	return find(remote, agent, "suture_begun", &at) &&
	       remote_read(remote, at, &value, sizeof(value)) && value == at;
}

void resident_find(const struct remote *remote, const struct modules *modules,
		   struct resident *resident)
{
	const struct module *agent = modules_named(modules, "libsuture.so");
	uint64_t served, filters;

	*resident = (struct resident){.loaded = agent != NULL, .filters = -1};
	if (!agent || !has_begun(remote, agent) ||
	    !find(remote, agent, "suture_start", &resident->start))
		return;
	resident->begun = true;
	find(remote, agent, "suture_made_dumpable", &resident->dumpable);
	find(remote, agent, "suture_why", &resident->why);
	if (find(remote, agent, "suture_filters", &filters) &&
	    !remote_read(remote, filters, &resident->filters, sizeof(resident->filters)))
		resident->filters = -1;
	if (find(remote, agent, "suture_served_pid", &served) &&
	    !remote_read(remote, served, &resident->served, sizeof(resident->served)))
		resident->served = 0;
}

/* And what was found there is used further, if that is given. */
static bool look(const struct process *process, struct resident *resident,
		 bool (*use)(const struct remote *remote, const struct resident *resident,
			     void *context),
		 void *context)
{
	struct suture_error err;
	struct modules modules;
	struct remote remote;
	bool done;

	if (!process->exe[0] || remote_open(process->pid, &remote, &err))
		return false;
	done = modules_read(&remote, &modules, &err) == 0;
	if (done) {
		resident_find(&remote, &modules, resident);
		modules_fini(&modules);
		done = !use || use(&remote, resident, context);
	}
	remote_close(&remote);
	return done;
}

bool resident_read(const struct process *process, struct resident *resident)
{
	return look(process, resident, NULL, NULL);
}

static bool read_why(const struct remote *remote, const struct resident *resident, void *text)
{
	char *end = (char *)text + SUTURE_ERROR_MESSAGE_SIZE - 1;

	if (!resident->why || !remote_read(remote, resident->why, text, SUTURE_ERROR_MESSAGE_SIZE))
		return false;
	*end = '\0';
	return *(char *)text != '\0';
}

bool resident_why(const struct process *process, char text[SUTURE_ERROR_MESSAGE_SIZE])
{
	struct resident resident;

	return look(process, &resident, read_why, text);
}

static bool note_dumpable(const struct remote *remote, const struct resident *resident,
			  void *context)
{
	const int yes = 1;

	(void)context;

	return resident->dumpable && remote_write(remote, resident->dumpable, &yes, sizeof(yes));
}

bool resident_note_dumpable(const struct process *process)
{
	struct resident resident;

	return look(process, &resident, note_dumpable, NULL);
}
