/*
 * pem.h: one labelled object out of PEM text (RFC 7468).
 */
#ifndef CLI_PEM_H
#define CLI_PEM_H

#include "evidence/writer.h"

/* Whether the text holds a line that begins an object. */
bool pem_is(struct span text);
/*
 * The first object with this label ("PUBLIC KEY"), decoded into w, which has room
 * enough if that is as large as the text. Text before and after is ignored.
 * NOT_FOUND: no such object; MALFORMED, TRUNCATED: it is none; FULL.
 */
ASSAY_MUST_USE enum assay_err pem_decode(struct span text, const char *label, struct writer *w);

#endif
