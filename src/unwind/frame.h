/* SPDX-License-Identifier: MIT */
/* The records of .eh_frame: which functions there are, and where their CFI programs lie. */
#ifndef UNWIND_FRAME_H
#define UNWIND_FRAME_H

#include "unwind/unwind.h"

#include "base/reader.h"

/* An object's unwind data as a reader whose position 0 is the address `base`. */
struct frame_data {
	struct reader reader;
	uintptr_t base;
};

struct frame_cie {
	size_t position; /* in frame_data; identifies it */
	uint64_t code_align;
	int64_t data_align;
	uint64_t return_column;
	uint8_t fde_encoding;
	bool has_augmentation;
	bool signal_frame;
	size_t program; /* CFI instructions at [program, end) */
	size_t end;
};

struct frame_fde {
	size_t position;
	size_t cie;
	uintptr_t start; /* [start, end) of the code */
	uintptr_t end;
	size_t program;
	size_t program_end;
};

struct frame_list {
	struct frame_entry {
		uintptr_t start; /* of the function */
		size_t position; /* of its FDE */
	} * entries;		 /* owned; by rising start */
	size_t count;
	size_t capacity;
};

/* A copy of the reader at position, not failed. */
struct reader frame_reader(const struct frame_data *data, size_t position, size_t end);

/* Reads a pointer of one of the DW_EH_PE encodings; false when it isn't supported. */
bool frame_pointer(const struct frame_data *data, struct reader *reader, uint8_t encoding,
		   uintptr_t data_base, uintptr_t *value);

/*
 * Lists an object's functions, from the search table or, where there is none of the usual form,
 * from .eh_frame. What can't be read ends the list. Fails with NO_MEMORY only.
 */
int frame_list(const struct unwind_object *object, const struct frame_data *data,
	       struct frame_list *list, struct suture_error *err);
void frame_list_fini(struct frame_list *list);

/* False when the record is not of the kind, or not understood. */
bool frame_read_cie(const struct frame_data *data, size_t position, struct frame_cie *cie);
bool frame_read_fde(const struct frame_data *data, size_t position, struct frame_cie *cie,
		    struct frame_fde *fde);

#endif
