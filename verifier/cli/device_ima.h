/*
 * device_ima.h: what is known of a device's IMA list, in words; part of `device show`.
 */
#ifndef CLI_DEVICE_IMA_H
#define CLI_DEVICE_IMA_H

#include <jansson.h>

/* d: the answer of device.show; nothing is printed if no list is known. */
void device_ima_show(const json_t *d);
/* The table of entries that were new to a class: list "first" of this object. */
void device_ima_first(const json_t *o, const char *title);

#endif
