/*
 * labels.h: lists of labels as operators write them: "site=berlin ring=canary".
 */
#ifndef VERIFIER_LABELS_H
#define VERIFIER_LABELS_H

#include <stdbool.h>

/* Whether every label of list is among those on a device; an empty list always is. */
bool labels_all(const char *list, const char *on);
/* Whether one of them is; of an empty list none is. */
bool labels_any(const char *list, const char *on);

#endif
