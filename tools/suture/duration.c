/* SPDX-License-Identifier: MIT */
/* Durations; see duration.h. */
#include "cli/duration.h"

#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t us;
} units[] = {
	{"us", 1},	 {"ms", 1000},	    {"s", 1000000},
	{"m", 60000000}, {"min", 60000000}, {"h", 3600000000},
};

static const uint64_t longest_us = 24 * 3600000000ULL;

enum { DURATION_DIGITS = 12, DURATION_DECIMALS = 6 };

static int bad_duration(const char *text, const char *what, struct suture_error *err)
{
	error_set(err, SUTURE_E_USAGE, "%s: '%.*s' is not a time", what, text_fit(text, 40), text);
	return error_next(err, "write a number and a unit: 500us, 5ms, 10s, 2m, 1h");
}

/* Digits at *text into *value; how many there were, 0 when there are none or too many. */
static size_t digits(const char **text, size_t most, uint64_t *value)
{
	size_t count = 0;

	for (*value = 0; **text >= '0' && **text <= '9'; (*text)++) {
		if (++count > most)
			return 0;
		*value = *value * 10 + (uint64_t)(**text - '0');
	}
	return count;
}

int duration_parse(const char *text, const char *what, uint64_t *us, struct suture_error *err)
{
	uint64_t whole, fraction = 0, scale = 1, unit = 0, total;
	const char *at = text;
	size_t decimals = 0;

	if (digits(&at, DURATION_DIGITS, &whole) == 0)
		return bad_duration(text, what, err);
	if (*at == '.') {
		at++;
		decimals = digits(&at, DURATION_DECIMALS, &fraction);
		if (decimals == 0)
			return bad_duration(text, what, err);
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(at, units[i].name) == 0)
			unit = units[i].us;
	if (unit == 0)
		return bad_duration(text, what, err);
	for (size_t i = 0; i < decimals; i++)
		scale *= 10;
	if (whole > longest_us / unit)
		total = longest_us + 1;
	else
		total = whole * unit + fraction * unit / scale;
	if (total > longest_us)
		return error_set(err, SUTURE_E_USAGE, "%s: '%.*s' is longer than 24 hours", what,
				 text_fit(text, 40), text);
	if (total == 0)
		return error_set(err, SUTURE_E_USAGE, "%s: '%.*s' is no time at all", what,
				 text_fit(text, 40), text);
	*us = total;
	return 0;
}

void duration_format(uint64_t us, char text[DURATION_TEXT_SIZE])
{
	if (us < 1000)
		snprintf(text, DURATION_TEXT_SIZE, "%" PRIu64 " us", us);
	else if (us < 10000)
		snprintf(text, DURATION_TEXT_SIZE, "%.1f ms", (double)us / 1e3);
	else if (us < 1000000)
		snprintf(text, DURATION_TEXT_SIZE, "%" PRIu64 " ms", us / 1000);
	else if (us < 120000000)
		snprintf(text, DURATION_TEXT_SIZE, "%.1f s", (double)us / 1e6);
	else
		snprintf(text, DURATION_TEXT_SIZE, "%" PRIu64 " min", us / 60000000);
}
