/* SPDX-License-Identifier: MIT */
/* The link, by the driver that made the target. */
#include "emit.h"

#include "base/error.h"
#include "base/file.h"
#include "process.h"
#include "strings.h"

#include <string.h>

static const char *const options[] = {
	"-shared",
	"-nostdlib",
	"-nostartfiles",
	"-Wl,-z,now",
	"-Wl,-z,relro",
	"-Wl,-z,noexecstack",
	"-Wl,-z,text",
	"-Wl,--no-undefined",
	"-Wl,--no-gc-sections",
	"-Wl,--build-id=sha1",
	"-Wl,--eh-frame-hdr",
	"-Wl,--hash-style=gnu",
	/* The agent moves the debug information with the code; see patch/prelink.c. */
	"-Wl,--emit-relocs",
};

int emit_link(struct session *session, const char *const *objects, size_t count,
	      const char *work_dir, const char *output)
{
	const char *compiler = session->units[0].input->compiler;
	const char *log = arena_format(&session->arena, "%s/link.log", work_dir);
	struct strings argv = {0};
	struct process_job job = {.argv = &argv, .directory = work_dir, .error_path = log};
	cleanup_memory uint8_t *text = NULL;
	size_t size = 0;
	int code;

	strings_add(&argv, compiler ? compiler : "cc");
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		strings_add(&argv, options[i]);
	strings_add(&argv, "-o");
	strings_add(&argv, output);
	for (size_t i = 0; i < count; i++)
		strings_add(&argv, objects[i]);
	if (!strings_ok(&argv) || !log) {
		strings_fini(&argv);
		return error_no_memory(session->err);
	}
	code = process_run(&job, 1, 1, NULL, NULL, session->err);
	if (!code && !process_succeeded(&job)) {
		if (file_read(log, 1 << 20, &text, &size, NULL))
			size = 0;
		code = error_set(session->err, SUTURE_E_INTERNAL,
				 "%s could not link the patch: %.*s", argv.items[0],
				 size > 600 ? 600 : (int)size, text ? (const char *)text : "");
	}
	strings_fini(&argv);
	return code;
}
