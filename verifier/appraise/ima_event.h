/*
 * ima_event.h: what an entry of an IMA list is about, by its digest and name.
 *
 * Measurements of data, not of files, are those whose digest is that of another field
 * (process_buffer_measurement and its callers), the only one that is not empty, and whose
 * name is no path. The name of the template, which says `ima-buf`, is not hashed: it is the
 * device's word, and not asked.
 */
#ifndef APPRAISE_IMA_EVENT_H
#define APPRAISE_IMA_EVENT_H

#include "evidence/imalog.h"
#include "x509.h"

enum ima_event {
	IMA_EVENT_FILE = 0,
	IMA_EVENT_BOOT_AGGREGATE,
	IMA_EVENT_VIOLATION,
	IMA_EVENT_KEXEC,    /* kexec-cmdline, kexec_load, kexec_execute */
	IMA_EVENT_KEY,	    /* a certificate added to a keyring */
	IMA_EVENT_DM,	    /* dm_table_load and others */
	IMA_EVENT_CRITICAL, /* selinux-state, kernel_info ... */
};

struct ima_measured {
	struct span data; /* of KEXEC, KEY, DM, CRITICAL */
	struct x509 key;  /* of KEY: the certificate in it; its der is empty if it is none */
};
enum ima_event ima_event(const struct imalog_entry *e, struct ima_measured *ret);

#endif
