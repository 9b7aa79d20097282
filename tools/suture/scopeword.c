/* SPDX-License-Identifier: MIT */
/* See scopeword.h. */
#include "cli/scopeword.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { SHARES = 10000 };

/* "5", "0.25", "12.5%": at most two digits behind the point, at most 100. */
static bool parse_percent(const char *text, unsigned *share)
{
	unsigned value = 0, unit = SHARES / 100;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3)
		return false;
	for (; digits; digits--, text++)
		value = value * 10 + (unsigned)(*text - '0');
	value *= unit;
	if (*text == '.') {
		digits = strspn(++text, "0123456789");
		if (digits == 0 || digits > 2)
			return false;
		for (; digits; digits--, text++)
			value += (unit /= 10) * (unsigned)(*text - '0');
	}
	if (*text == '%')
		text++;
	*share = value;
	return *text == '\0' && value <= SHARES;
}

error_t scopeword_option(struct scopeword *word, int key, char *argument, struct argp_state *state)
{
	const char *equals;

	switch (key) {
	case SCOPEWORD_SCOPE:
		equals = strchr(argument, '=');
		if (!equals || equals == argument)
			return options_fail(state, "a scope is KEY=VALUE, like room=42, not '%.*s'",
					    text_fit(argument, 80), argument);
		word->value = argument;
		return 0;
	case SCOPEWORD_PERCENT:
		if (!parse_percent(argument, &word->share))
			return options_fail(state,
					    "--percent is 0 to 100, by hundredths, not '%.*s'",
					    text_fit(argument, 40), argument);
		word->by_share = true;
		return 0;
	case SCOPEWORD_NEW:
		word->fresh = argument;
		return 0;
	case SCOPEWORD_KEY:
		word->key = argument;
		return 0;
	case SCOPEWORD_ALL:
		word->all = true;
		return 0;
	case SCOPEWORD_CLEAR:
		word->clear = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

unsigned scopeword_count(const struct scopeword *word)
{
	return (word->value != NULL) + (unsigned)word->by_share + (word->fresh != NULL) +
	       (unsigned)word->all + (unsigned)word->clear;
}

bool scopeword_add(const struct scopeword *word, struct json_object *params)
{
	bool ok = true;

	if (word->value)
		ok = rpc_json_add(params, "scope", rpc_json_string(word->value));
	if (word->by_share)
		ok = ok && rpc_json_add(params, "share", json_object_new_int((int)word->share));
	if (word->fresh)
		ok = ok && rpc_json_add(params, "new", rpc_json_string(word->fresh));
	if (word->key)
		ok = ok && rpc_json_add(params, "key", rpc_json_string(word->key));
	if (word->all)
		ok = ok && rpc_json_add(params, "all", json_object_new_boolean(true));
	if (word->clear)
		ok = ok && rpc_json_add(params, "clear", json_object_new_boolean(true));
	return ok;
}

static void append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? ", " : "", more);
}

void scopeword_format(struct json_object *scope, char *text, size_t size)
{
	struct json_object *values = rpc_json_get_array(scope, "values"), *percent;
	const char *key = rpc_json_get_string(scope, "key", "");
	size_t count = values ? json_object_array_length(values) : 0;
	char part[400];

	text[0] = '\0';
	if (!scope) {
		snprintf(text, size, "all");
		return;
	}
	for (size_t i = 0; i < count && i < 3; i++) {
		snprintf(part, sizeof(part), "%s=%s", key,
			 json_object_get_string(json_object_array_get_idx(values, i)));
		append(text, size, part);
	}
	if (count > 3) {
		snprintf(part, sizeof(part), "%zu more", count - 3);
		append(text, size, part);
	}
	if (json_object_object_get_ex(scope, "percent", &percent) &&
	    json_object_get_double(percent) > 0) {
		snprintf(part, sizeof(part), "%g %% by %s", json_object_get_double(percent),
			 *key ? key : "outermost scope");
		append(text, size, part);
	}
	if (rpc_json_get_bool(scope, "new", false)) {
		snprintf(part, sizeof(part), "new %s", key);
		append(text, size, part);
	}
	if (!*text)
		snprintf(text, size, "nobody");
}

void scopeword_format_left(struct json_object *scope, char *text, size_t size)
{
	int64_t left = rpc_json_get_int(scope, "values_left", 0);
	long long with = rpc_json_get_int(scope, "values_new", 0);
	const char *key = rpc_json_get_string(scope, "key", "");

	text[0] = '\0';
	if (!scope)
		return;
	if (!left && !with) {
		snprintf(text, size, "no %s%.64s is known: none was entered yet, or all have ended",
			 *key ? "value of " : "scope", key);
	} else if (left || !rpc_json_get_bool(scope, "new", false)) {
		snprintf(text, size, "%lld known value%s the new code, %lld the old", with,
			 with == 1 ? " has" : "s have", (long long)left);
	} else {
		snprintf(text, size, "no known value has the old code any more");
	}
}
