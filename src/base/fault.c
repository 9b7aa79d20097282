/* SPDX-License-Identifier: MIT */
#include "base/fault.h"

bool (*fault_hook)(const char *step);
