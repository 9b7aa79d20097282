/* SPDX-License-Identifier: MIT */
/* See debuginfo.h. */
#include "builder/debuginfo.h"

Dwfl *debuginfo_open(const char *path, Dwfl_Module **module)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);

	*module = dwfl ? dwfl_report_offline(dwfl, path, path, -1) : NULL;
	if (dwfl)
		dwfl_report_end(dwfl, NULL, NULL);
	return dwfl;
}
