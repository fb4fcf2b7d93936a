/*
 * bootwords.h: the difference between two descriptions of an event, in words.
 */
#ifndef APPRAISE_BOOTWORDS_H
#define APPRAISE_BOOTWORDS_H

#include "bootevent.h"

/*
 * "kernel command line gained `lab.evil=1`", "Secure Boot variable dbx went back from
 * 371 to 217 entries", "boot order changed from `0001` to `0002`". Both texts are
 * bootevent_text()'s, expected maybe cut (ending in "..."). What does not fit ends in
 * "...", too. cap >= 64.
 */
void bootwords_changed(enum boot_component c, const char *seen, const char *expected,
		       char *ret, size_t cap);
/* "new option ROM at PCI 00:03.0: PciRoot(0x0)/...", "initrd is gone: ..." */
void bootwords_added(enum boot_component c, const char *seen, char *ret, size_t cap);
void bootwords_removed(enum boot_component c, const char *expected, char *ret, size_t cap);

#endif
