/*
 * boottext.h: an event in one line of words.
 *
 * "kernel command line: /vmlinuz root=...", "Secure Boot variable dbx: 371 entries".
 * The line begins with boot_component_text() of the event's component, so that
 * what was stored as text can be told apart again. It holds nothing that differs
 * between two boots of the same software (load addresses), is printable ASCII, and
 * says nothing about proof: that is ->status.
 */
#ifndef APPRAISE_BOOTTEXT_H
#define APPRAISE_BOOTTEXT_H

#include "bootevent.h"

#define BOOTTEXT_MAX 1024 /* longest line worth asking for, NUL included */

/* Never fails; cap >= 64. What does not fit ends in "...". */
void bootevent_text(const struct bootevent *ev, char *ret, size_t cap);
/* The component whose text a stored line begins with; BOOT_OTHER if none. */
enum boot_component boottext_component(struct span line);

#endif
