/* SPDX-License-Identifier: MIT */
/* See kit.h. */
#include "kit.h"

#include <pthread.h>
#include <semaphore.h>

__attribute__((noinline)) int tx_one(int x)
{
	__asm__ volatile("" ::: "memory");
	return x * 3 + 1;
}

__attribute__((noinline)) int tx_two(int x)
{
	__asm__ volatile("" ::: "memory");
	return x * 5 + 2;
}

char kit_folder[128];
struct agent kit_agent;
const struct transaction_options kit_quick = {.timeout_ns = 60000000000ull};

/* All code of the test program, to be compared byte for byte. */
struct kit_text kit_text(void)
{
	struct image image;
	struct kit_text text = {0};

	assert_int_equal(image_take(&image, NULL), 0);
	for (size_t i = 0; i < image.modules[0].phnum; i++) {
		const ElfW(Phdr) *phdr = &image.modules[0].phdr[i];

		if (phdr->p_type == PT_LOAD && (phdr->p_flags & PF_X)) {
			text.start = (const uint8_t *)(image.modules[0].bias + phdr->p_vaddr);
			text.size = phdr->p_memsz;
		}
	}
	image_fini(&image);
	text.bytes = malloc(text.size);
	memcpy(text.bytes, text.start, text.size);
	return text;
}

void kit_assert_text(struct kit_text *text)
{
	assert_memory_equal(text->bytes, text->start, text->size);
	free(text->bytes);
	text->bytes = NULL;
}

/* Protections of everything that was mapped before, as the kernel tells them. */
void kit_assert_no_writable_code(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "rwx"))
			fail_msg("writable and executable: %s", line);
	fclose(maps);
}

static sem_t enter, leave;
static pthread_t stander;
static int (*stands_in)(int);

__attribute__((noinline)) int kit_room(int x)
{
	sem_post(&enter);
	sem_wait(&leave);
	return x;
}

static void *stand(void *arg)
{
	stands_in(1);
	return arg;
}

void kit_stand(int (*function)(int))
{
	stands_in = function;
	sem_init(&enter, 0, 0);
	sem_init(&leave, 0, 0);
	pthread_create(&stander, NULL, stand, NULL);
	sem_wait(&enter);
}

void kit_let_out(void)
{
	sem_post(&leave);
	pthread_join(stander, NULL);
}

int kit_make(void **state)
{
	(void)state;
	test_folder_make(kit_folder, sizeof(kit_folder));
	setenv("SUTURE_DIR", kit_folder, 1);
	return agent_init(&kit_agent, NULL);
}

int kit_clean(void **state)
{
	(void)state;
	test_folder_remove(kit_folder);
	return 0;
}

struct patch_file kit_open(struct handmade *patch)
{
	struct patch_file file;
	struct suture_error err;
	char path[256];

	handmade_build(patch, kit_folder, path, sizeof(path));
	handmade_fini(patch);
	if (patch_file_read(path, &file, &err))
		fail_msg("%s", err.message);
	return file;
}

/* A patch that makes tx_one and tx_two return other values. */
struct patch_file kit_simple(const char *name)
{
	struct handmade patch;

	handmade_init(&patch, name);
	handmade_code(&patch, "int new_one(int x) { return x * 1000; }\n"
			      "int new_two(int x) { return x * 2000; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_replace(&patch, tx_two, "new_two");
	return kit_open(&patch);
}

int kit_put(const char *name, struct transaction_options options, struct transaction_result *result,
	    struct suture_error *err)
{
	struct patch_file file;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.so", kit_folder, name);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	return transaction_apply(&kit_agent, &file, &options, result, err);
}

void kit_apply(struct patch_file *file, struct transaction_result *result)
{
	struct suture_error err;

	if (transaction_apply(&kit_agent, file, &kit_quick, result, &err))
		fail_msg("%s: %s", suture_code_name(err.code), err.message);
}

void kit_revert(const char *name, struct transaction_result *result)
{
	struct suture_error err;

	if (transaction_revert(&kit_agent, name, &kit_quick, result, &err))
		fail_msg("%s: %s", suture_code_name(err.code), err.message);
}

void kit_take_out(const char *name)
{
	struct transaction_result result;

	kit_revert(name, &result);
	transaction_result_fini(&result);
}
