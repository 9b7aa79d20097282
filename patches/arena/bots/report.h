/*
 * Report: what a run found, for people and as JSON. The shapes are described in README.md.
 */
#ifndef ARENA_REPORT_H
#define ARENA_REPORT_H

#include <string>

#include "observer.h"

class Fleet;

std::string report_json(const Fleet &fleet);
std::string report_status(const Fleet &fleet);
std::string report_figures(const ServerFigures &figures);
void report_summary(const Fleet &fleet);

std::string report_quote(const std::string &text);

/* Renamed into place, so that a reader never sees half of it; - is stdout. */
bool report_write(const std::string &path, const std::string &text);

#endif
