/* SPDX-License-Identifier: MIT */
/*
 * An object file as parts: functions, their children, data, and anonymous content (jump tables,
 * constant pools, compiler-made tables). Every relocation refers to a part, a merged string or
 * constant, or a name outside the unit. O and P are both seen this way; correlate.h pairs them.
 */
#ifndef BUILDER_PART_H
#define BUILDER_PART_H

#include "arch/arch.h"
#include "arena.h"
#include "object.h"

#include <stdbool.h>
#include <stdint.h>

enum part_kind {
	PART_FUNCTION,
	PART_CHILD,   /* .cold of a function: no entry of its own, lives and dies with its parent */
	PART_DATA,    /* a named variable: has an identity */
	PART_CONTENT, /* known by what it holds only; each patch may have its own copy */
};

/* What makes two same-named static variables different ones. From DWARF; zeroes where unknown. */
struct part_identity {
	const char *owner;    /* function that declares it, or NULL */
	unsigned line;	      /* of the declaration */
	const char *file;     /* of the definition, or NULL */
	const char **inlined; /* a function: names of what was put into it, possibly repeated */
	size_t inlined_count;
	size_t inlined_capacity;
	/* Of a variable: its name; which piece of it, and how the value is made from it
	 * ("" as it is) */
	const char *variable;
	const char *form;
};

struct part {
	enum part_kind kind;
	uint32_t section; /* or OBJECT_COMMON */
	uint32_t symbol;  /* first that names it, or 0 */
	uint64_t start;	  /* in the section */
	uint64_t size;
	const char *name; /* "" for anonymous content */
	size_t stem;	  /* length of name without the compiler's numbering */
	bool numbered;	  /* the compiler made the name: it says nothing about identity */
	struct part_identity identity;
	struct part *parent; /* PART_CHILD: the function */
	struct part *twin;   /* in the other object, or NULL */
	bool global;
	bool weak;
	bool writable;
	bool tls;
	bool unpaired;	     /* ambiguous: must not be used (data) */
	bool was_constant;   /* P: the original's compiler saw that nobody writes it */
	bool anew;	     /* P: a constant that the patch has another one of */
	bool relaid;	     /* P: the layout of its type is refused */
	bool changed;	     /* differs from its twin */
	bool elsewhere;	     /* P: differs, and what runs is another unit's copy of it */
	const char *because; /* why it is in the patch */
	bool replaced;	     /* P: gets a site in the target */
	bool has_target;     /* proven address in the binary (thread-local: offset in the block) */
	bool replaceable;    /* its bytes in the binary are proven */
	bool unlike;	     /* its description (below) is of other code or contents, or lacks it */
	struct part *coded;  /* of a description: what it is sure to describe, or NULL */
	bool lost;	     /* a weak default; what the binary calls so is another unit's */
	uint64_t target;
	uint64_t target_size;
	unsigned below;		/* 1 + index of the patch below that has it; 0: the binary */
	const char *proof_name; /* its name in V, where it may have another number */
	/*
	 * V: by offset, where its twin in O has the same instruction (INT64_MIN: nowhere); NULL:
	 * at the same offset.
	 */
	const int64_t *moved;
	uint32_t lsda_section; /* exception table of the function, or 0 */
	uint64_t lsda_offset;
};

struct part_set {
	const struct object *object;
	const struct arch_ops *arch;
	struct part **list; /* by section, then start */
	size_t count;
	size_t *first; /* per section: index of its first part; section_count + 1 entries */
	struct part **by_symbol;	    /* part that each symbol names, or NULL */
	const struct part_set *description; /* whose DWARF tells of it, or NULL: its own does */
};

enum reference_kind {
	REFERENCE_PART,
	REFERENCE_MERGED,   /* into a section of merged strings or constants */
	REFERENCE_EXTERNAL, /* a name that the unit does not define */
	REFERENCE_ABSOLUTE,
	REFERENCE_OTHER, /* metadata: sections without parts */
	REFERENCE_NONE,	 /* no symbol */
};

struct reference {
	enum reference_kind kind;
	struct part *part;
	const struct object_symbol *symbol;
	uint32_t section; /* MERGED, OTHER */
	int64_t offset;	  /* from the part's, section's or symbol's start to what is meant */
};

/* Splits the object. Parts live in arena. */
int part_set_build(struct arena *arena, const struct arch_ops *arch, const struct object *object,
		   struct part_set *set, struct suture_error *err);

/* What relocation `reloc` of section `section` refers to. */
struct reference part_reference(const struct part_set *set, uint32_t section,
				const struct object_reloc *reloc);

/* The part at an offset of a section, or NULL. A section with one part has no other. */
struct part *part_at(const struct part_set *set, uint32_t section, int64_t offset);

/* Constant contents that any patch may copy: by flags, not by name. */
bool part_section_merged(const struct object_section *section);

/* Writable for the program, after the loader's relocations are done. */
bool part_section_writable(const struct object_section *section);

#endif
