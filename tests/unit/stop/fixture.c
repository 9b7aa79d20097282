/* SPDX-License-Identifier: MIT */
/* See fixture.h. */
#include "fixture.h"

#include "arch/arch.h"

#include <link.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern uint8_t __start_busy_text[], __stop_busy_text[];
extern uint8_t __start_patch_text[], __stop_patch_text[];

void (*_Atomic fixture_wait_inside)(void);
_Atomic unsigned long fixture_new_calls;
_Atomic unsigned long fixture_mixes;

/*
 * Begins with a long instruction, as a gate that is closed while threads run needs it; one of one
 * byte (push) makes threads on the lazy rung crash.
 */
__asm__(".pushsection busy_text, \"ax\", @progbits\n"
	".balign 64\n"
	".globl fixture_old\n"
	".type fixture_old, @function\n"
	"fixture_old:\n"
	".cfi_startproc\n"
	"subq $8, %rsp\n" /* 4 bytes; the boundary at +4 is inside of the jump */
	".cfi_def_cfa_offset 16\n"
	"call fixture_old_body\n"
	"addq $8, %rsp\n"
	".cfi_def_cfa_offset 8\n"
	"ret\n"
	".cfi_endproc\n"
	".size fixture_old, . - fixture_old\n"
	".popsection\n");

__attribute__((used, noinline, section("busy_text"))) int fixture_old_body(void)
{
	void (*inside)(void) = fixture_wait_inside;

	if (fixture_new_calls)
		fixture_mixes++;
	if (inside)
		inside();
	if (fixture_new_calls)
		fixture_mixes++;
	return FIXTURE_OLD;
}

__attribute__((noinline, section("patch_text"))) static int fixture_new(void)
{
	fixture_new_calls++;
	return FIXTURE_NEW;
}

/* ---- writing -------------------------------------------------------------------------------- */

static uint8_t *entry(void)
{
	return (uint8_t *)(uintptr_t)fixture_old;
}

static uint8_t *site(void)
{
	return entry() + arch_native()->entry_mark_size(entry(), 16);
}

static void sync_cores(void)
{
	arch_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0, 0, 0);
}

static void store_first(const uint8_t bytes[2])
{
	uint16_t word;

	memcpy(&word, bytes, 2);
	__atomic_store_n((uint16_t *)site(), word, __ATOMIC_SEQ_CST);
	sync_cores();
}

static void make_wanted(const struct fixture *fixture, uint8_t bytes[16])
{
	memcpy(bytes, fixture->saved, 16);
	if (!fixture->to_old)
		arch_native()->near_jump((uint64_t)site(), (uint64_t)(uintptr_t)fixture_new, bytes);
}

static int gate_close(void *arg)
{
	struct fixture *fixture = arg;
	uint8_t gate[8];

	fixture->gates++;
	if (fixture->before_gate)
		fixture->before_gate(fixture);
	arch_native()->gate(gate);
	store_first(gate);
	if (fixture->at_gate)
		fixture->at_gate(fixture);
	return 0;
}

static void gate_undo(void *arg)
{
	struct fixture *fixture = arg;
	uint8_t bytes[16];

	fixture->undone_gates++;
	fixture->to_old = !fixture->to_old;
	make_wanted(fixture, bytes);
	fixture->to_old = !fixture->to_old;
	store_first(bytes);
	if (fixture->at_undone_gate)
		fixture->at_undone_gate(fixture);
}

static int write_rest(void *arg)
{
	struct fixture *fixture = arg;
	uint8_t bytes[16];

	fixture->writes++;
	if (fixture->at_write)
		fixture->at_write(fixture);
	if (fixture->fail_write)
		return fixture->fail_write;
	make_wanted(fixture, bytes);
	/* Nobody is inside: new calls may be counted from here on, or no longer. */
	fixture_new_calls = 0;
	if (fixture->commit.gate_possible)
		memcpy(site() + 2, bytes + 2, 14);
	else
		memcpy(site(), bytes, 16);
	sync_cores();
	return 0;
}

static void gate_open(void *arg)
{
	struct fixture *fixture = arg;
	uint8_t bytes[16];

	fixture->opens++;
	make_wanted(fixture, bytes);
	store_first(bytes);
}

static void undo(void *arg)
{
	struct fixture *fixture = arg;
	uint8_t bytes[16];

	fixture->undos++;
	fixture->to_old = !fixture->to_old;
	make_wanted(fixture, bytes);
	fixture->to_old = !fixture->to_old;
	memcpy(site() + 2, bytes + 2, 14);
	store_first(bytes);
}

/* ---- setup ---------------------------------------------------------------------------------- */

struct objects {
	struct unwind_object list[64];
	size_t count;
};

static int add_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct objects *objects = data;

	(void)size;
	if (objects->count < 64 && unwind_object_from_phdr(info, &objects->list[objects->count]))
		objects->count++;
	return 0;
}

void fixture_init(struct fixture *fixture, enum stop_rung rung)
{
	static uint8_t original[16];
	static bool known;
	uintptr_t page = (uintptr_t)__start_busy_text & ~(uintptr_t)4095;
	struct objects objects = {.count = 0};
	struct stop_range old, patch;

	memset(fixture, 0, sizeof(*fixture));
	arch_syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0,
		     0, 0);
	assert_int_equal(mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	if (!known)
		memcpy(original, site(), 16);
	known = true;
	memcpy(fixture->saved, original, 16);
	dl_iterate_phdr(add_object, &objects);
	assert_int_equal(unwind_table_create(objects.list, objects.count, NULL, &fixture->unwind,
					     &fixture->err),
			 0);
	old = (struct stop_range){(uintptr_t)__start_busy_text, (uintptr_t)__stop_busy_text,
				  (uintptr_t)site(), 7};
	/* Nobody may be inside the new one when it is taken out. */
	patch = (struct stop_range){(uintptr_t)__start_patch_text, (uintptr_t)__stop_patch_text, 0,
				    8};
	fixture->busy[0] = old.start < patch.start ? old : patch;
	fixture->busy[1] = old.start < patch.start ? patch : old;
	fixture->old = old;
	fixture->commit = (struct stop_commit){.gate_possible = true,

					       .gate_close_stopped = gate_close,
					       .gate_undo_stopped = gate_undo,
					       .write_stopped = write_rest,
					       .gate_open_stopped = gate_open,
					       .undo_stopped = undo,
					       .arg = fixture};
	fixture->request = (struct stop_request){.unwind = fixture->unwind,
						 .busy = fixture->busy,
						 .busy_count = 2,
						 .rung = rung,
						 .timeout_ns = UINT64_C(60000000000),
						 .commit = &fixture->commit};
}

void fixture_fini(struct fixture *fixture)
{
	assert_true(fixture_is_original(fixture));
	unwind_table_destroy(fixture->unwind);
}

int fixture_apply(struct fixture *fixture)
{
	fixture->to_old = false;
	return stop_run(&fixture->request, &fixture->result, &fixture->err);
}

int fixture_revert(struct fixture *fixture)
{
	fixture->to_old = true;
	return stop_run(&fixture->request, &fixture->result, &fixture->err);
}

bool fixture_is_original(const struct fixture *fixture)
{
	return memcmp(site(), fixture->saved, 16) == 0;
}

/* ---- looking at threads --------------------------------------------------------------------- */

void fixture_wait_asleep(pid_t tid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	for (;;) {
		FILE *file = fopen(path, "r");
		char *end;

		if (!file)
			return;
		if (!fgets(text, sizeof(text), file))
			text[0] = '\0';
		fclose(file);
		end = strrchr(text, ')');
		if (end && (end[2] == 'S' || end[2] == 'D'))
			return;
		usleep(200);
	}
}

pid_t fixture_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static void *sleeper(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

bool fixture_can_stop(void)
{
	struct fixture fixture;
	pthread_t thread;
	int rc;

	fixture_init(&fixture, STOP_RUNG_FULL);
	pthread_create(&thread, NULL, sleeper, NULL);
	rc = fixture_apply(&fixture);
	if (!rc)
		rc = fixture_revert(&fixture);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	if (rc)
		print_message("%s\n", fixture.err.message);
	unwind_table_destroy(fixture.unwind);
	return rc != -SUTURE_E_PERMISSION;
}
