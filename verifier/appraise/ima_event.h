/*
 * ima_event.h: what an entry of an IMA list is about, by its template and name.
 *
 * Entries with a field `buf` are measurements of data, not of files: names are those
 * that kernels give them (process_buffer_measurement and its callers).
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

/* *ret_key, for KEY: the certificate in buf; its der is empty if it is none. */
enum ima_event ima_event(const struct imalog_entry *e, struct x509 *ret_key);

#endif
