/*
 * health.h: the health claims: name, type and unit of each, in one table for both ends.
 *
 * All are claimed by the device's software: they can lower a decision, never raise one.
 * Each is optional, and its absence is a fact. An item without instance speaks of the
 * device as a whole; where instances are said to exist it is the worst or the sum of
 * them, and they explain it.
 *
 * Canonical form of values: NUMBER decimal, an optional '-', no leading zeros, within
 * 64 bits; BOOL "true" or "false"; TIME a NUMBER of seconds since 1970 UTC, not
 * negative; TEXT printable ASCII, other bytes and backslashes as \xhh.
 */
#ifndef EVIDENCE_HEALTH_H
#define EVIDENCE_HEALTH_H

#include "reader.h"

enum health_type { HEALTH_NUMBER, HEALTH_BOOL, HEALTH_TEXT, HEALTH_TIME };

/* X(ID, "name", TYPE, "unit", "what instances are, or empty", "what it says") */
#define HEALTH_CLAIMS(X)                                                                           \
	X(BOOT_COUNT, "boot_count", NUMBER, "", "", "starts of this machine that the agent saw")   \
	X(CLOCK_ERROR, "clock_error", NUMBER, "ms", "", "how far off the clock may be, at most")   \
	X(CLOCK_OFFSET, "clock_offset", NUMBER, "ms", "", "the clock's offset from its source")    \
	X(CLOCK_SYNCHRONIZED, "clock_synchronized", BOOL, "", "", "the clock follows a source")    \
	X(CLOCK_TIME, "clock_time", TIME, "s", "", "the device's clock when this was collected")   \
	X(DISK_FREE, "disk_free", NUMBER, "percent", "mount point", "free space, the least")       \
	X(EMPTY_PASSWORDS, "empty_passwords", NUMBER, "", "account",                               \
	  "accounts that need no password")                                                        \
	X(FAILED_UNITS, "failed_units", NUMBER, "", "unit", "systemd units that failed")           \
	X(FIRMWARE_VERSION, "firmware_version", TEXT, "", "", "version that the firmware tells")   \
	X(FS_ERRORS, "fs_errors", NUMBER, "", "device", "errors that file systems have counted")   \
	X(FS_READ_ONLY, "fs_read_only", NUMBER, "", "mount point",                                 \
	  "file systems that errors have made read-only")                                          \
	X(INODES_FREE, "inodes_free", NUMBER, "percent", "mount point", "free inodes, the least")  \
	X(KERNEL, "kernel", TEXT, "", "", "release of the kernel")                                 \
	X(KERNEL_BUILD, "kernel_build", TEXT, "", "", "build of the kernel")                       \
	X(LAST_UPDATE, "last_update", TIME, "s", "", "when packages or firmware last changed")     \
	X(LISTENER, "listener", TEXT, "", "socket",                                                \
	  "program that owns a listening socket, by protocol, address and port")                   \
	X(LISTENERS, "listeners", NUMBER, "", "", "sockets that listen to others than this host")  \
	X(LOCKDOWN, "lockdown", TEXT, "", "", "kernel lockdown: none, integrity, confidentiality") \
	X(MEMORY_AVAILABLE, "memory_available", NUMBER, "percent", "", "memory to be had")         \
	X(MEMORY_PRESSURE, "memory_pressure", NUMBER, "percent", "",                               \
	  "time in the last minute that tasks waited for memory, rounded up")                      \
	X(MODULE_SIGNING, "module_signing", BOOL, "", "", "only signed kernel modules are loaded") \
	X(OS, "os", TEXT, "", "", "name of the operating system")                                  \
	X(OS_VERSION, "os_version", TEXT, "", "", "version of the operating system")               \
	X(TEMPERATURE, "temperature", NUMBER, "Celsius", "sensor", "temperature, the highest")     \
	X(TPM_LOCKOUT, "tpm_lockout", NUMBER, "", "", "failed authorisations the TPM counts")      \
	X(UPTIME, "uptime", NUMBER, "s", "", "since the start of the kernel")

enum health_id {
	HEALTH_NONE = 0,
#define X(id, name, type, unit, instances, doc) HEALTH_##id##_ID,
	HEALTH_CLAIMS(X)
#undef X
	HEALTH_COUNT
};

struct health_info {
	const char *name;
	enum health_type type;
	const char *unit;
	const char *instances; /* "" if there are none */
	const char *doc;
};

/* In ascending order of names; NULL for NONE and out of range. */
const struct health_info *health_info(enum health_id id);
/* NONE if there is no such claim. */
enum health_id health_by_name(struct span name);

/*
 * The value of a claim of this type: *ret_number (0 and 1 for BOOL, 0 for TEXT).
 * MALFORMED if it is not in canonical form.
 */
ASSAY_MUST_USE enum assay_err health_parse(enum health_type t, struct span value,
					   int64_t *ret_number);

#endif
