/* SPDX-License-Identifier: MIT */
/*
 * C++ names as people write them, by the demangler of the C++ runtime. For texts alone: documents
 * and files keep the names that linkers know.
 */
#ifndef BUILDER_READABLE_H
#define BUILDER_READABLE_H

/*
 * A copy of the text with each mangled name in it made readable; "()" behind one goes, since its
 * parameters are told. The caller frees it; NULL without memory.
 */
char *readable_text(const char *text);

#endif
