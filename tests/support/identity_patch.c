/* SPDX-License-Identifier: MIT */
/*
 * Writes the assembly of a patch that replaces every function of a binary by one that calls its
 * original: identity_patch BINARY [NOT_THIS_FUNCTION…] >patch.s. What it would replace behaves as
 * before, through jump, island and relocated instructions. Without a digest: seal_patch adds it.
 *
 * Left out, and counted on stderr: functions without a trampoline, and those whose bytes a
 * neighbour's trampoline needs (tiny ones back to back; each by itself could be patched).
 */
#include "base/hash.h"
#include "cli/codefile.h"
#include "patch/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t string_size;
static char *strings[1 << 16];
static size_t string_count;

static size_t add_string(const char *text)
{
	size_t at = string_size;

	strings[string_count++] = strdup(text);
	string_size += strlen(text) + 1;
	return at;
}

static void put_bytes(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf("%s%u%s", i ? "," : "\t.byte ", bytes[i], i + 1 == size ? "\n" : "");
}

static void table(const char *name)
{
	printf("\t.section .suture.%s,\"\",@progbits\n", name);
}

static void put_head(const struct binary *binary)
{
	uint8_t id[FORMAT_BUILD_ID_SIZE] = {0};

	memcpy(id, binary->build_id, binary->build_id_size);
	table("header");
	printf("\t.ascii \"SUTURE\\r\\n\"\n\t.long %d\n\t.short %d, 0\n\t.quad %zu, -1, "
	       "%zu\n\t.zero %d\n",
	       FORMAT_VERSION, binary->machine, add_string("identity"),
	       sizeof(struct format_header), FORMAT_HASH_SIZE);
	table("modules");
	printf("\t.quad %zu\n\t.long %d, %zu\n", add_string(binary->name),
	       binary->executable ? FORMAT_MODULE_EXECUTABLE : 0, binary->build_id_size);
	put_bytes(id, sizeof(id));
}

static void put_function(const struct codefile *file, const struct survey_function *function,
			 size_t number)
{
	uint64_t address = function->address - file->bias;
	uint8_t hash[HASH_SIZE];

	hash_bytes(binary_bytes(&file->binary, address, function->size), function->size, hash);
	printf("\t.text\n\t.p2align 4\nr%zu:\t.cfi_startproc\n\tjmp *s%zu(%%rip)\n\t.cfi_endproc\n"
	       "re%zu:\n\t.section .data.slots,\"aw\"\ns%zu:\t.quad 0\n",
	       number, number, number, number);
	table("functions");
	printf("\t.quad 0, %zu, -1, %#llx, %zu, r%zu, re%zu - r%zu, %llu\n",
	       add_string(function->name), (unsigned long long)address, function->size, number,
	       number, number,
	       (unsigned long long)binary_gap(&file->binary, address + function->size));
	put_bytes(hash, sizeof(hash));
	table("originals");
	printf("\t.quad s%zu, r%zu\n", number, number);
}

static void put_part(const struct codefile *file, const struct survey_function *part)
{
	table("idle");
	printf("\t.quad 0, %zu, %#llx, %zu\n", add_string(part->name),
	       (unsigned long long)(part->address - file->bias), part->size);
}

static bool is_named(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return false;
}

/* Bytes from the entry on that the trampoline changes or relies on. */
static size_t taken(const struct trampoline *plan)
{
	return plan->site - plan->entry + plan->window_size + plan->borrowed_size;
}

static int put_functions(const struct codefile *file, int argc, char **argv)
{
	const struct survey_object *object = &file->object;
	uintptr_t free_from = 0;
	size_t done = 0, refused = 0, blocked = 0, named = 0;
	struct survey survey;
	struct suture_error err;

	if (survey_init(&survey, object, &err))
		return -1;
	for (size_t i = 0; i < object->count; i++) {
		const struct survey_function *function = &object->functions[i];
		struct trampoline plan;
		uintptr_t end;

		if (survey_is_part(&survey, i)) {
			put_part(file, function);
		} else if (is_named(function->name, argc, argv)) {
			named++;
		} else if (survey_plan(&survey, i, &plan, &err) || plan.why_not != ARCH_OK) {
			refused++;
		} else {
			end = function->address + taken(&plan);
			if (plan.hole && plan.hole + plan.hole_size > end)
				end = plan.hole + plan.hole_size;
			if (function->address < free_from ||
			    (i + 1 < object->count && end > object->functions[i + 1].address)) {
				blocked++;
				continue;
			}
			free_from = end;
			put_function(file, function, done++);
		}
	}
	survey_fini(&survey);
	fprintf(stderr,
		"%zu functions, %zu left out by name, %zu in a neighbour's way, %zu can't be had\n",
		done, named, blocked, refused);
	return 0;
}

int main(int argc, char **argv)
{
	struct suture_error err;
	struct codefile file;
	int rc;

	if (argc < 2) {
		fprintf(stderr, "usage: identity_patch BINARY [NOT_THIS_FUNCTION...]\n");
		return 2;
	}
	if (codefile_open(&file, argv[1], &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	put_head(&file.binary);
	rc = put_functions(&file, argc, argv);
	table("strings");
	for (size_t i = 0; i < string_count; i++) {
		printf("\t.asciz \"%s\"\n", strings[i]);
		free(strings[i]);
	}
	puts("\t.section .note.GNU-stack,\"\",@progbits");
	codefile_close(&file);
	return rc || fflush(stdout) ? 1 : 0;
}
