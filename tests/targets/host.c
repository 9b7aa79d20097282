/*
 * Loads and unloads a plugin, on demand.
 *
 *   load PATH         → loaded
 *   load-tell PATH    → the same, and tells the agent of it by suture_modules_changed()
 *   unload [hold]     → unloaded; hold: its place is kept, so that the next one lands elsewhere
 *   value X           → plugin_value(X), without its counter, or none
 *   start             → what its constructor got, or none
 *   own X             → a function of the host itself
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lines.h"
#include <suture/suture.h>

static void *plugin;
static int (*value)(int);
static int *at_start;
static int calls;

__attribute__((noipa)) int host_value(int x)
{
	return 7 * x;
}

static void load(const char *path, bool tell)
{
	plugin = dlopen(path, RTLD_NOW);
	if (!plugin) {
		lines_answer("%s", dlerror());
		return;
	}
	value = (int (*)(int))dlsym(plugin, "plugin_value");
	at_start = (int *)dlsym(plugin, "plugin_at_start");
	calls = 1; /* its constructor's */
	if (tell && suture_modules_changed)
		suture_modules_changed();
	lines_answer("loaded");
}

static void unload(bool hold)
{
	void *was = (void *)value;

	dlclose(plugin);
	plugin = NULL;
	if (hold)
		mmap((void *)((size_t)was & ~(size_t)4095), 4096, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	lines_answer("unloaded");
}

int main(void)
{
	char line[512];

	while (lines_next(line, sizeof(line))) {
		if (strncmp(line, "load ", 5) == 0)
			load(line + 5, false);
		else if (strncmp(line, "load-tell ", 10) == 0)
			load(line + 10, true);
		else if (strncmp(line, "unload", 6) == 0 && plugin)
			unload(strcmp(line, "unload hold") == 0);
		else if (strncmp(line, "own ", 4) == 0)
			lines_answer("%d", host_value(atoi(line + 4)));
		else if (!plugin)
			lines_answer("none");
		else if (strcmp(line, "start") == 0)
			lines_answer("%d", *at_start);
		else if (strncmp(line, "value ", 6) == 0)
			lines_answer("%d", value(atoi(line + 6)) - ++calls);
		else
			lines_answer("what?");
	}
	return 0;
}
