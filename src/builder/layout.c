/* SPDX-License-Identifier: MIT */
/* The layout gate; see layout.h for the rules. */
#include "builder/layout.h"

#include "builder/nameless.h"
#include "builder/outlives.h"
#include "builder/path.h"
#include "builder/signature.h"
#include "builder/types.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

#include <inttypes.h>
#include <string.h>

enum {
	TABLE_WHOLE = 24, /* rows up to which a table is shown as a whole */
	SUMMARY_MOST = 8, /* members that are told in one line */
	BASES_DEEP = 32,
};

static const char next_text[] =
	"keep the layout and add fields with suture_shadow_get(), or accept "
	"the change with --accept-layout and migrate, see "
	"suture-authoring(7)";

/* All types of both objects: a class is more than its own members. */
struct sides {
	const struct types *old;
	const struct types *new;
	const struct outlives *outlives;
};

static const char captures_text[] =
	"leave its captures as they are, or say --accept-layout 'closure at line %u': those that "
	"live keep the code and the captures that they have";
static const char meets_text[] =
	"leave its captures as they are: objects that live would be taken for new ones";

void layout_gate_fini(struct layout_gate *gate)
{
	strings_fini(&gate->exports);
	strings_fini(&gate->reported);
	strings_fini(&gate->notes);
}

static bool is_accepted(const struct layout_gate *gate, const char *name)
{
	const char *space = strchr(name, ' ');

	for (size_t i = 0; i < gate->accepted_count; i++)
		if (strcmp(gate->accepted[i], name) == 0 ||
		    (space && strcmp(gate->accepted[i], space + 1) == 0))
			return true;
	return false;
}

static const struct type_member *find_named(const struct type *type, const struct type_member *like)
{
	for (size_t i = 0; like->name[0] && i < type->member_count; i++)
		if (type->members[i].kind == like->kind &&
		    strcmp(type->members[i].name, like->name) == 0)
			return &type->members[i];
	return NULL;
}

static bool same_place(const struct type_member *left, const struct type_member *right)
{
	return left->kind == right->kind && left->offset == right->offset &&
	       left->size == right->size && nameless_same(left->type, right->type);
}

/* A member of the same place and type whose name the other side doesn't know: a new name. */
static bool is_renamed(const struct type *old, const struct type *new,
		       const struct type_member *member)
{
	for (size_t i = 0; i < new->member_count; i++)
		if (same_place(&new->members[i], member) && !find_named(old, &new->members[i]))
			return true;
	return false;
}

/* Bits that both use, where the new member isn't the old one. */
static bool overlaps(const struct type_member *left, const struct type_member *right)
{
	return left->offset < right->offset + (int64_t)right->size &&
	       right->offset < left->offset + (int64_t)left->size;
}

/* True when what lies at the old member's place is something else in the new type. */
static bool is_overwritten(const struct type *new, const struct type_member *member)
{
	for (size_t i = 0; i < new->member_count; i++)
		if (new->members[i].kind == member->kind && overlaps(&new->members[i], member))
			return true;
	return false;
}

/* The only type of that name, or NULL. */
static const struct type *type_named(const struct types *types, const char *name)
{
	const struct type *found = NULL;

	for (size_t i = 0; i < types->count; i++) {
		if (types->list[i].is_function || strcmp(types->list[i].name, name) != 0)
			continue;
		if (found)
			return NULL;
		found = &types->list[i];
	}
	return found;
}

/*
 * Has the base that a class shares its virtual table with that slot already? What a class overrides
 * of it is at the same place: the table keeps its size, and its contents are data that change
 * (datum.h). What it overrides of another base only has a slot of its own behind those.
 */
static bool base_has_slot(const struct types *types, const struct type *type, int64_t slot,
			  unsigned depth)
{
	for (size_t i = 0; i < type->member_count && depth < BASES_DEEP; i++) {
		const struct type_member *member = &type->members[i];
		const struct type *base = NULL;

		if (member->kind == TYPE_BASE && !member->is_virtual && member->offset == 0)
			base = type_named(types, member->type);
		for (size_t k = 0; base && k < base->member_count; k++)
			if (base->members[k].kind == TYPE_SLOT && base->members[k].offset == slot)
				return true;
		if (base && base_has_slot(types, base, slot, depth + 1))
			return true;
	}
	return false;
}

static bool is_override(const struct types *types, const struct type *type,
			const struct type_member *member)
{
	return member->kind == TYPE_SLOT && base_has_slot(types, type, member->offset, 0);
}

static bool member_breaks(const struct sides *sides, const struct type *old, const struct type *new,
			  const struct type_member *member)
{
	const struct type_member *other = find_named(new, member);

	if (other)
		return !same_place(other, member);
	if (is_renamed(old, new, member))
		return false;
	switch (member->kind) {
	case TYPE_FIELD:
		/* A removed field leaves padding, a removed variant of a union nothing at all. */
		return !old->is_union && is_overwritten(new, member);
	case TYPE_ENUMERATOR:
		return false; /* code that used it doesn't compile any more */
	default:
		return !member->is_implicit && !is_override(sides->old, old, member);
	}
}

/*
 * Slots and bases, without what one side alone tells of: a destructor that nobody wrote is virtual
 * where a base's is, has the slot of that one, and clang tells of it only where something calls it.
 */
static size_t count_slots(const struct types *types, const struct type *type,
			  const struct type *other)
{
	size_t count = 0;

	for (size_t i = 0; i < type->member_count; i++) {
		const struct type_member *member = &type->members[i];

		count += member->kind == TYPE_BASE ||
			 (member->kind == TYPE_SLOT &&
			  (!member->is_implicit || find_named(other, member)) &&
			  !is_override(types, type, member));
	}
	return count;
}

/* Slots that are added make the vtables that exist too short. */
static bool adds_slot(const struct sides *sides, const struct type *old, const struct type *new)
{
	return count_slots(sides->old, old, new) != count_slots(sides->new, new, old);
}

static bool type_breaks(const struct sides *sides, const struct type *old, const struct type *new)
{
	if (old->size != new->size || adds_slot(sides, old, new))
		return true;
	for (size_t i = 0; i < old->member_count; i++)
		if (member_breaks(sides, old, new, &old->members[i]))
			return true;
	return false;
}

/* "12" or, for bits inside a byte, "12.3". */
static void add_place(struct bytes *out, const struct type_member *member)
{
	if (member->kind == TYPE_FIELD || member->kind == TYPE_BASE) {
		bytes_add_format(out, "%" PRId64, member->offset / 8);
		if (member->offset % 8 || (member->size % 8 && member->size))
			bytes_add_format(out, ".%" PRId64, member->offset % 8);
	} else {
		bytes_add_format(out, "%" PRId64, member->offset);
	}
}

static void add_cell(struct bytes *out, const struct type_member *member, size_t width)
{
	struct bytes cell = {0};

	if (member) {
		add_place(&cell, member);
		bytes_add_format(&cell, " %s %s", member->name[0] ? member->name : "(base)",
				 member->type);
		if (member->size && member->kind == TYPE_FIELD && member->size % 8)
			bytes_add_format(&cell, " :%" PRIu64, member->size);
	}
	bytes_add(&cell, "", 1);
	bytes_add_format(out, "%-*s", (int)width, bytes_ok(&cell) ? (char *)cell.data : "");
	out->failed |= !bytes_ok(&cell);
	bytes_fini(&cell);
}

/* "coin 0->4, x 4->0": the heart of the matter in one line. */
static void add_summary(struct bytes *out, const struct sides *sides, const struct type *old,
			const struct type *new)
{
	const char *comma = "";
	size_t told = 0;

	if (old->size != new->size) {
		bytes_add_format(out, "size %" PRIu64 "->%" PRIu64, old->size, new->size);
		comma = ", ";
	}
	for (size_t i = 0; i < old->member_count; i++) {
		const struct type_member *member = &old->members[i];
		const struct type_member *other = find_named(new, member);

		if (!member_breaks(sides, old, new, member) || told++ >= SUMMARY_MOST)
			continue;
		bytes_add_format(out, "%s%s ", comma, member->name[0] ? member->name : "(base)");
		comma = ", ";
		if (!other) {
			bytes_add_format(out, "gone");
		} else if (other->offset != member->offset) {
			add_place(out, member);
			bytes_add_format(out, "->");
			add_place(out, other);
		} else {
			bytes_add_format(out, "%s -> %s", member->type, other->type);
			if (other->size != member->size)
				bytes_add_format(out, " (%" PRIu64 "->%" PRIu64 " bits)",
						 member->size, other->size);
		}
	}
	for (size_t i = 0; i < new->member_count; i++) {
		if (find_named(old, &new->members[i]) || !new->members[i].name[0] ||
		    told++ >= SUMMARY_MOST)
			continue;
		bytes_add_format(out, "%s%s new at ", comma, new->members[i].name);
		add_place(out, &new->members[i]);
		comma = ", ";
	}
	if (told > SUMMARY_MOST)
		bytes_add_format(out, " and %zu more", told - SUMMARY_MOST);
}

/* One line of the table: what both sides have at a place. */
struct row {
	const struct type_member *left;
	const struct type_member *right;
};

static bool same_row(const struct row *row)
{
	return row->left && row->right && same_place(row->left, row->right) &&
	       strcmp(row->left->name, row->right->name) == 0;
}

/* Merges both lists by place; they are nearly always in order. Returns the number of rows. */
static size_t merge_rows(const struct type *old, const struct type *new, struct row *rows)
{
	size_t i = 0, j = 0, count = 0;

	while (i < old->member_count || j < new->member_count) {
		const struct type_member *left = i < old->member_count ? &old->members[i] : NULL;
		const struct type_member *right = j < new->member_count ? &new->members[j] : NULL;
		struct row *row = &rows[count++];

		*row = (struct row){left, right};
		if (left && right && !old->is_union && left->offset != right->offset) {
			if (left->offset < right->offset)
				row->right = NULL;
			else
				row->left = NULL;
		}
		i += row->left != NULL;
		j += row->right != NULL;
	}
	return count;
}

/* Both layouts beside each other, in order of place; of long runs that are the same, the ends. */
static void add_table(struct bytes *out, const struct type *old, const struct type *new)
{
	struct row *rows = calloc(old->member_count + new->member_count + 1, sizeof(*rows));
	size_t count = rows ? merge_rows(old, new, rows) : 0;
	bool left_out = false;

	out->failed |= !rows;
	bytes_add_format(out, "\n    %-36s  %s", "as it runs", "with the diff");
	for (size_t i = 0; i < count; i++) {
		bool near = count <= TABLE_WHOLE;

		for (size_t j = i > 2 ? i - 2 : 0; j < count && j <= i + 2 && !near; j++)
			near = !same_row(&rows[j]);
		if (!near) {
			if (!left_out)
				bytes_add_format(out, "\n    …");
			left_out = true;
			continue;
		}
		left_out = false;
		bytes_add_format(out, "\n    ");
		add_cell(out, rows[i].left, rows[i].right ? 36 : 0);
		if (rows[i].right) {
			bytes_add_format(out, "  ");
			add_cell(out, rows[i].right, 0);
		}
	}
	if (!old->is_enum)
		bytes_add_format(out, "\n    size %-31" PRIu64 "  size %" PRIu64, old->size,
				 new->size);
	free(rows);
}

static unsigned first_line(const struct sides *sides, const struct type *old,
			   const struct type *new)
{
	for (size_t i = 0; i < old->member_count; i++)
		if (member_breaks(sides, old, new, &old->members[i]) && old->members[i].line)
			return old->members[i].line;
	return new->line;
}

/* held: what keeps objects of a closure, or NULL; next: what to do. */
static int report(struct layout_gate *gate, const struct sides *sides, const struct type *old,
		  const struct type *new, const char *held, const char *next, const char *unit,
		  struct refusals *refusals, struct suture_error *err)
{
	struct bytes text = {0};
	const char *used_by = old->used_by ? old->used_by : new->used_by;
	unsigned line = first_line(sides, old, new);

	if (strings_contain(&gate->reported, old->name))
		return 0;
	strings_add(&gate->reported, old->name);
	bytes_add_format(&text, "%s changes layout\n  ", old->name);
	add_summary(&text, sides, old, new);
	bytes_add_format(&text, "   %s:%u", path_base(old->file), line);
	if (used_by)
		bytes_add_format(&text, "   used by %s", used_by);
	else
		bytes_add_format(&text, "   seen in %s", unit);
	if (held)
		bytes_add_format(&text, "\n  objects of it may live on: %s", held);
	add_table(&text, old, new);
	bytes_add(&text, "", 1);
	if (bytes_ok(&text))
		refusals_add(refusals, SUTURE_E_LAYOUT_CHANGED, old->file, line, next, "%s",
			     (char *)text.data);
	else
		refusals->failed = true;
	bytes_fini(&text);
	return strings_ok(&gate->reported) ? 0 : error_no_memory(err);
}

/* Behind the last type of that name. */
static size_t run_end(const struct types *types, size_t from)
{
	size_t end = from;

	while (end < types->count && strcmp(types->list[end].name, types->list[from].name) == 0)
		end++;
	return end;
}

/*
 * Several types of one name (in blocks of one function) are paired by order; one that fits any of
 * the other side's is fine.
 */
static int compare_runs(struct layout_gate *gate, const struct sides *sides, size_t o, size_t o_end,
			size_t p, size_t p_end, const char *unit, struct refusals *refusals,
			struct suture_error *err)
{
	const struct types *old = sides->old, *new = sides->new;

	for (size_t i = o; i < o_end; i++) {
		bool fits = outlives_covers(sides->outlives, old->list[i].place);

		for (size_t j = p; j < p_end && !fits; j++)
			fits = !type_breaks(sides, &old->list[i], &new->list[j]);
		if (!fits) {
			size_t like = p + (i - o) < p_end ? p + (i - o) : p;
			int rc = report(gate, sides, &old->list[i], &new->list[like], NULL,
					next_text, unit, refusals, err);

			if (rc)
				return rc;
		}
	}
	return 0;
}

static bool same_captures(const struct type *old, const struct type *new)
{
	if (old->size != new->size || old->member_count != new->member_count)
		return false;
	for (size_t i = 0; i < old->member_count; i++)
		if (!same_place(&old->members[i], &new->members[i]) ||
		    strcmp(old->members[i].name, new->members[i].name) != 0)
			return false;
	return true;
}

/* Has the new side a closure that the old one has not? Cheap, and all but certain of a no. */
static bool closures_differ(const struct types *old, const struct types *new)
{
	size_t o = 0;

	for (size_t p = 0; p < new->count; p++) {
		bool same = !new->list[p].is_closure;

		while (!same && o < old->count && strcmp(old->list[o].name, new->list[p].name) < 0)
			o++;
		for (size_t i = o;
		     !same && i < old->count && strcmp(old->list[i].name, new->list[p].name) == 0;
		     i++)
			same = same_captures(&old->list[i], &new->list[p]);
		if (!same)
			return true;
	}
	return false;
}

/* The type that a lambda at a place is in the list. */
static const struct type *closure_at(const struct types *types, const struct closure_place *place)
{
	for (size_t i = 0; i < types->count; i++)
		if (types->list[i].is_closure && types->list[i].line == (unsigned)place->line &&
		    strcmp(path_base(types->list[i].file), place->file) == 0)
			return &types->list[i];
	return NULL;
}

struct accepting {
	const struct layout_gate *gate;
	const struct types *old;
};

static bool is_accepted_lambda(void *context, const struct recapture *lambda)
{
	const struct accepting *accepting = context;
	char name[64];

	snprintf(name, sizeof(name), "closure at line %d", lambda->old.line);
	for (size_t i = 0; i < accepting->old->count; i++) {
		const struct type *type = &accepting->old->list[i];

		if (type->is_closure && type->line == (unsigned)lambda->old.line &&
		    strcmp(path_base(type->file), lambda->old.file) == 0 &&
		    is_accepted(accepting->gate, type->name))
			return true;
	}
	return is_accepted(accepting->gate, name);
}

/* Lambdas with other captures are new ones: only old objects are a reason to refuse. */
static int judge_captures(struct layout_gate *gate, const struct sides *sides,
			  struct outlives *outlives, const char *unit, struct refusals *refusals,
			  struct suture_error *err)
{
	struct accepting accepting = {gate, sides->old};
	const struct type unknown = {.name = (char[]){"a lambda"}, .file = (char[]){""}};
	struct outlives_reason reason;
	const struct type *old, *new;
	char next[sizeof(captures_text) + 32];

	if (!outlives->recaptures.count)
		return 0;
	if (!outlives_find(outlives, is_accepted_lambda, &accepting, &reason)) {
		for (size_t i = 0; i < outlives->recaptures.count; i++) {
			const struct recapture *lambda = &outlives->recaptures.list[i];

			if (is_accepted_lambda(&accepting, lambda))
				strings_add_format(&gate->notes,
						   "%s:%d: objects of this lambda that live keep "
						   "their code and captures",
						   lambda->old.file, lambda->old.line);
		}
		return strings_ok(&gate->notes) ? 0 : error_no_memory(err);
	}
	old = closure_at(sides->old, &reason.lambda->old);
	new = closure_at(sides->new, &reason.lambda->new);
	snprintf(next, sizeof(next), captures_text, (unsigned)reason.lambda->old.line);
	return report(gate, sides, old ? old : &unknown, new ? new : &unknown, reason.text,
		      reason.meets ? meets_text : next, unit, refusals, err);
}

static int compare_all(struct layout_gate *gate, const struct sides *sides,
		       const struct layout_objects *objects, struct refusals *refusals,
		       struct suture_error *err)
{
	const struct types *old = sides->old, *new = sides->new;
	size_t o = 0, p = 0;
	int rc = 0;

	while (!rc && o < old->count && p < new->count) {
		int order = strcmp(old->list[o].name, new->list[p].name);
		size_t o_end = run_end(old, o), p_end = run_end(new, p);

		if (order == 0 && old->list[o].is_function) {
			if (!outlives_covers(sides->outlives, old->list[o].place))
				rc = signature_compare(&old->list[o], &new->list[p], objects,
						       &gate->exports, refusals, err);
		} else if (order == 0 && !is_accepted(gate, old->list[o].name)) {
			rc = compare_runs(gate, sides, o, o_end, p, p_end, objects->unit, refusals,
					  err);
		}
		if (order <= 0)
			o = o_end;
		if (order >= 0)
			p = p_end;
	}
	return rc;
}

int layout_compare(struct layout_gate *gate, const struct layout_objects *objects,
		   struct refusals *refusals, struct suture_error *err)
{
	struct types old = {0}, new = {0};
	struct outlives outlives = {0};
	const struct sides sides = {&old, &new, &outlives};
	int rc = types_read(objects->old, &old, err);

	if (!rc)
		rc = types_read(objects->new, &new, err);
	if (!rc && closures_differ(&old, &new))
		rc = outlives_read(objects->old, objects->new, objects->code, &outlives, err);
	if (!rc)
		rc = compare_all(gate, &sides, objects, refusals, err);
	if (!rc)
		rc = judge_captures(gate, &sides, &outlives, objects->unit, refusals, err);
	outlives_fini(&outlives);
	types_fini(&old);
	types_fini(&new);
	return rc;
}
