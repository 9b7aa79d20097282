/* SPDX-License-Identifier: MIT */
/* By the letters of the Itanium C++ ABI, and what gcc and clang make of them; see classnumber.h. */
#include "classnumber.h"

#include <ctype.h>
#include <string.h>

bool classnumber_is_of_nameless(const char *name)
{
	if (strncmp(name, "_Z", 2) != 0)
		return false;
	for (const char *at = name; (at = strstr(at, "Ut")); at += 2)
		if (at[2 + strspn(at + 2, "0123456789")] == '_')
			return true;
	return strstr(name, "._anon_") || strstr(name, "$_");
}

bool classnumber_is_in(const char *name)
{
	if (classnumber_is_of_nameless(name))
		return true;
	if (strncmp(name, "_ZZ", 3) != 0)
		return false;
	for (const char *at = name; (at = strstr(at, "E_")); at += 2)
		if (isdigit((unsigned char)at[2]) ||
		    (at[2] == '_' && isdigit((unsigned char)at[3])))
			return true;
	return false;
}

bool classnumber_is_in_lambda(const char *name)
{
	for (const char *at = name; (at = strstr(at, "$_")); at += 2)
		if (strncmp(at + 2 + strspn(at + 2, "0123456789"), "cl", 2) == 0)
			return true;
	return strstr(name, "Ul");
}

void classnumber_drop(char *readable)
{
	static const char *const signs[] = {"{unnamed type#", "._anon_", "$_"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		for (char *at = readable; (at = strstr(at, signs[i]));) {
			at += strlen(signs[i]);
			memmove(at, at + strspn(at, "0123456789"),
				strlen(at + strspn(at, "0123456789")) + 1);
		}
}
