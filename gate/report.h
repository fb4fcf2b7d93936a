/* report.h: what a gate tells: lines on standard error, and files that are whole. */
#ifndef GATE_REPORT_H
#define GATE_REPORT_H

#include <stdbool.h>

/* "TIME assay-gate event=EVENT ..." */
void gate_say(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Replaces a file by this text, so that a reader never sees half of it; false with errno. */
bool gate_write(const char *path, const char *text);

#endif
