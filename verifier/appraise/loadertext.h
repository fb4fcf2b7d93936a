/*
 * loadertext.h: what boot loaders log as EV_IPL and EV_EVENT_TAG: GRUB's commands
 * and files, shim's variables, systemd's sections and command lines, the kernel's
 * EFI stub, Windows' and others' tags.
 *
 * These texts are conventions of programs, not of the TCG: GRUB's prefix and the
 * terminating zero are outside the digest or inside by version (L16), shim and
 * GRUB name files whose content they measure. Each function takes the reader's
 * state, adds what the digest may be of, and sets form, text and component.
 */
#ifndef APPRAISE_LOADERTEXT_H
#define APPRAISE_LOADERTEXT_H

#include "bootproof.h"

/* EV_IPL (and what looks like it). */
void loadertext_ipl(const struct bootreader *r, struct bootevent *ev, struct bootproof *ret);
/* EV_EVENT_TAG: *ret_must is set if its digest must be of its data. */
void loadertext_tag(struct bootevent *ev, struct bootproof *ret, bool *ret_must);
/* After the event's status is known: what GRUB and systemd said, for what follows. */
void loadertext_note(struct bootreader *r, struct bootevent *ev);
/* "Windows trust boundary" of a tag; NULL if unknown. */
const char *loadertext_tag_name(uint32_t tag);
/* The first word, and what follows it, of a text separated by spaces. */
struct span text_word(struct span text, struct span *ret_rest);

#endif
