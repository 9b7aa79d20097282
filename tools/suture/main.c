/* SPDX-License-Identifier: MIT */
/* suture: the operator's command line. */
#include "cli/cli.h"

#include <locale.h>

int main(int argc, char **argv)
{
	setlocale(LC_ALL, ""); /* widths of what is printed; numbers are ours and stay plain */
	setlocale(LC_NUMERIC, "C");
	return cli_main(argc, argv);
}
