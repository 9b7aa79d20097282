/* SPDX-License-Identifier: MIT */
/*
 * Undo under fire: in apply, revert and replace every allocation, mapping, file operation, thread,
 * step of the plan and write of code fails once. Whatever fails, the process is as it was before,
 * or as it was to become, and the answer says which; nothing is leaked on the way.
 *
 * The linker's --wrap brings the calls of our own code here (tests.cmake has the list); what libc
 * does inside itself stays as it is.
 */
#include "kit.h"

#include "base/fault.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- what can fail ------------------------------------------------------------------------- */

static __thread bool armed; /* this thread's calls count */
static unsigned countdown;  /* the call that fails */
static const char *fired;

static bool fails(const char *what)
{
	if (!armed || !countdown || --countdown)
		return false;
	fired = what;
	return true;
}

#define WRAP(result, name, bad, error, parameters, arguments) \
	result __real_##name parameters;                      \
	result __wrap_##name parameters;                      \
	result __wrap_##name parameters                       \
	{                                                     \
		if (!fails(#name))                            \
			return __real_##name arguments;       \
		errno = error;                                \
		return bad;                                   \
	}

WRAP(void *, malloc, NULL, ENOMEM, (size_t size), (size))
WRAP(void *, calloc, NULL, ENOMEM, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, NULL, ENOMEM, (void *old, size_t size), (old, size))
WRAP(char *, strdup, NULL, ENOMEM, (const char *text), (text))
WRAP(void *, mmap, MAP_FAILED, ENOMEM,
     (void *at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset))
WRAP(int, mprotect, -1, ENOMEM, (void *at, size_t size, int protection), (at, size, protection))
WRAP(int, memfd_create, -1, EMFILE, (const char *name, unsigned flags), (name, flags))
WRAP(ssize_t, write, -1, ENOSPC, (int fd, const void *data, size_t size), (fd, data, size))
WRAP(ssize_t, pread, -1, EIO, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
WRAP(int, mkdir, -1, EACCES, (const char *path, mode_t mode), (path, mode))
WRAP(int, rename, -1, EACCES, (const char *from, const char *to), (from, to))
WRAP(FILE *, fopen, NULL, EMFILE, (const char *path, const char *mode), (path, mode))
WRAP(DIR *, opendir, NULL, EMFILE, (const char *path), (path))
WRAP(void *, dlopen, NULL, EMFILE, (const char *path, int flags), (path, flags))
WRAP(int, dlinfo, -1, EINVAL, (void *handle, int request, void *out), (handle, request, out))
WRAP(int, pthread_create, EAGAIN, EAGAIN,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg),
     (thread, attributes, run, arg))
WRAP(int, clone, -1, EAGAIN,
     (int (*run)(void *), void *stack, int flags, void *arg, void *a, void *b, void *c),
     (run, stack, flags, arg, a, b, c))
/* The mode is passed on whether it is there or not, as libc itself would. */
WRAP(int, open, -1, EMFILE, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP(int, openat, -1, EMFILE, (int folder, const char *path, int flags, mode_t mode),
     (folder, path, flags, mode))
WRAP(int, fcntl, -1, EPERM, (int fd, int command, long arg), (fd, command, arg))

int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **text, const char *format, ...)
{
	va_list args;
	int length;

	if (fails("asprintf"))
		return -1;
	va_start(args, format);
	length = vasprintf(text, format, args);
	va_end(args);
	return length;
}

static bool fail_step(const char *step)
{
	return fails(step);
}

static int fail_write(enum code_writer_step step, void *context)
{
	(void)context;
	/* A failing undo is the one thing that can't be undone: tested with the writer. */
	return step != CODE_WRITER_UNDO && fails("write of code") ? -5 /* EIO */ : 0;
}

/* ---- what must be as before ---------------------------------------------------------------- */

static const int table_of_costs[4] = {10, 20, 30, 40};
int tx_setting = 5;

static int cost(int i)
{
	const int *volatile table = table_of_costs;

	return table[i];
}

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Mappings of files, with their protections; those of patches are counted instead. */
static char *mappings(unsigned *patches)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char *text = NULL, *line = NULL;
	size_t size = 0, room = 0;
	FILE *out = open_memstream(&text, &size);

	*patches = 0;
	while (getline(&line, &room, maps) > 0) {
		unsigned long start, end;
		char access[8];
		int path = 0;

		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %n", &start, &end, access, &path) != 3 ||
		    line[path] != '/')
			continue;
		if (strstr(line, "rwx"))
			fail_msg("writable and executable: %s", line);
		if (strstr(line, kit_folder))
			++*patches;
		else
			fprintf(out, "%lx-%lx %s %s", start, end, access, line + path);
	}
	free(line);
	fclose(maps);
	fclose(out);
	return text;
}

struct world {
	struct kit_text text;
	char *mappings;
	unsigned patch_mappings, fds, applied;
	int one, two, cost, setting;
	enum patch_state states[2];
};

static enum patch_state state_of(const char *name)
{
	const struct patch *patch = agent_find(&kit_agent, name);

	return patch ? patch->state : PATCH_STATE_COUNT;
}

static struct world look(void)
{
	struct world world = {.text = kit_text(),
			      .fds = count_fds(),
			      .applied = kit_agent.applied,
			      .one = tx_one(2),
			      .two = tx_two(2),
			      .cost = cost(2),
			      .setting = tx_setting,
			      .states = {state_of("fault-a"), state_of("fault-b")}};

	world.mappings = mappings(&world.patch_mappings);
	return world;
}

static void forget(struct world *world)
{
	free(world->text.bytes);
	free(world->mappings);
}

static bool known_as_before(const struct world *world)
{
	for (size_t i = 0; i < 2; i++) {
		enum patch_state now = state_of(i ? "fault-b" : "fault-a");

		/* One whose hooks ran before it was given up stays mapped, but not in force. */
		if (now != world->states[i] &&
		    !(world->states[i] == PATCH_STATE_COUNT && now == PATCH_LOADED))
			return false;
	}
	return true;
}

/* mapped: also what is mapped, to the last patch. */
static void expect_same(const struct world *before, bool mapped, unsigned step)
{
	struct world now = look();
	bool same = memcmp(before->text.bytes, now.text.bytes, now.text.size) == 0 &&
		    strcmp(before->mappings, now.mappings) == 0 && before->fds == now.fds &&
		    before->applied == now.applied && before->one == now.one &&
		    before->two == now.two && before->cost == now.cost &&
		    before->setting == now.setting && known_as_before(before) &&
		    (!mapped || before->patch_mappings == now.patch_mappings);

	if (!same)
		fail_msg("call %u (%s) failed, and left: answers %d %d %d %d, were %d %d %d %d; "
			 "descriptors %u, were %u; mappings of patches %u, were %u; states %d %d, "
			 "were %d %d%s%s",
			 step, fired, now.one, now.two, now.cost, now.setting, before->one,
			 before->two, before->cost, before->setting, now.fds, before->fds,
			 now.patch_mappings, before->patch_mappings, now.states[0], now.states[1],
			 before->states[0], before->states[1],
			 strcmp(before->mappings, now.mappings) ? "; other mappings" : "",
			 memcmp(before->text.bytes, now.text.bytes, now.text.size) ? "; other code"
										   : "");
	forget(&now);
}

/* With a sanitizer there are five times as many calls, each slower: a part of them will do. */
#ifdef __SANITIZE_ADDRESS__
enum { STRIDE = 8 };
#else
enum { STRIDE = 1 };
#endif

/* ---- what is done -------------------------------------------------------------------------- */

static void build(const char *name, const char *code, bool hooks)
{
	struct handmade patch;
	char path[256];

	handmade_init(&patch, name);
	handmade_code(&patch, code);
	handmade_code(&patch,
		      "const int costs[4] = {1, 2, 3, 4}; int setting = 6;\n"
		      "int hook(void) { return 0; }\n"
		      "int (*volatile old)(int) __attribute__((section(\".data.s\"))) = 0;\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_replace(&patch, tx_two, "new_two");
	handmade_original(&patch, "old", "new_two");
	handmade_data(&patch, FORMAT_DATA_CONST, table_of_costs, sizeof(table_of_costs), "costs");
	handmade_data(&patch, FORMAT_DATA_SET, &tx_setting, sizeof(tx_setting), "setting");
	for (int kind = FORMAT_HOOK_PRE_APPLY; hooks && kind <= FORMAT_HOOK_POST_REVERT; kind++)
		handmade_hook(&patch, (enum format_hook_kind)kind, "hook");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
}

static int put(const char *name, bool replace, struct suture_error *err)
{
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct patch_file file;
	char path[256];
	bool was = armed;
	int rc;

	/* Reading the file is the caller's part: patch_file has its own tests. */
	armed = false;
	snprintf(path, sizeof(path), "%s/%s.so", kit_folder, name);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	armed = was;
	options.replace = replace;
	options.count = true;
	rc = transaction_apply(&kit_agent, &file, &options, &result, err);
	armed = false;
	transaction_result_fini(&result);
	return rc;
}

static int take(const char *name, struct suture_error *err)
{
	struct transaction_result result;
	int rc = transaction_revert(&kit_agent, name, &kit_quick, &result, err);

	armed = false;
	transaction_result_fini(&result);
	return rc;
}

enum act { APPLY, REVERT, REPLACE };

static int carry_out(enum act act, struct suture_error *err)
{
	return act == APPLY    ? put("fault-a", false, err)
	       : act == REVERT ? take("fault-a", err)
			       : put("fault-b", true, err);
}

static void must(int rc, const struct suture_error *err)
{
	if (rc)
		fail_msg("%s: %s", suture_code_name(err->code), err->message);
}

/* Every call fails once. */
static void series(enum act act, bool hooks)
{
	struct suture_error err = {0};
	unsigned step = 0, given_up = 0;
	bool all = false;

	while (!all) {
		struct world before;
		int rc;

		if (act != APPLY)
			must(put("fault-a", false, &err), &err);
		before = look();
		step += STRIDE;
		fired = "none";
		countdown = step;
		fault_hook = fail_step;
		kit_agent.writer.fault = fail_write;
		armed = true;
		err = (struct suture_error){0};
		rc = carry_out(act, &err);
		armed = false;
		fault_hook = NULL;
		kit_agent.writer.fault = NULL;
		all = countdown > 0;
		countdown = 0;
		if (all)
			must(rc, &err);
		assert_int_not_equal(rc, -SUTURE_E_UNCERTAIN);
		if (rc) {
			assert_int_equal(rc, -(int)err.code);
			assert_true(err.message[0]);
			expect_same(&before, !hooks, step);
			given_up++;
		}
		forget(&before);
		/* Done or not, it is said rightly if this works. */
		if (act == REPLACE)
			must(take(rc ? "fault-a" : "fault-b", &err), &err);
		else if ((act == REVERT) == (rc != 0))
			must(take("fault-a", &err), &err);
	}
	print_message("  %u calls, every %d. failed, %u times a reason to give up\n", step - 1,
		      STRIDE, given_up);
	assert_true(given_up > 20);
}

static void under_fire(enum act act, bool hooks)
{
	static const char *const code =
		"int new_one(int x) { return x * 1000; }\n"
		"int new_two(int x) { extern int (*volatile old)(int); return old(x) + 1000; }\n";
	struct world before;
	size_t used[2];

	build("fault-a", code, hooks);
	build("fault-b", code, hooks);
	before = look();
	for (int round = 0; round < 2; round++) {
		series(act, hooks);
		used[round] = mallinfo2().uordblks;
	}
	/* The second time everything is there already that stays for good. */
	if (used[1] > used[0] + 4096)
		fail_msg("%zu bytes are lost in a round", used[1] - used[0]);
	assert_int_equal(tx_one(2), before.one);
	assert_memory_equal(before.text.bytes, before.text.start, before.text.size);
	forget(&before);
}

static void apply_under_fire(void **state)
{
	(void)state;
	under_fire(APPLY, false);
}

static void revert_under_fire(void **state)
{
	(void)state;
	under_fire(REVERT, false);
}

static void replace_under_fire(void **state)
{
	(void)state;
	under_fire(REPLACE, false);
}

static void with_hooks(void **state)
{
	(void)state;
	under_fire(APPLY, true);
	under_fire(REPLACE, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apply_under_fire),
		cmocka_unit_test(revert_under_fire),
		cmocka_unit_test(replace_under_fire),
		cmocka_unit_test(with_hooks),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
