/*
 * bootlog.h: the boot log as a file, for assay_attester_config.boot_log.
 *
 * Reads what the kernel (or a file in its place) has now, whole or not at all. It
 * does not look inside: the verifier replays it.
 */
#ifndef COLLECT_BOOTLOG_H
#define COLLECT_BOOTLOG_H

#include <assay/attester.h>

/* Where Linux shows the firmware's log; root only. */
#define BOOTLOG_KERNEL "/sys/kernel/security/tpm0/binary_bios_measurements"

/*
 * self: the path, a NUL-terminated string. NOT_FOUND: no such file. DENIED: not
 * permitted to read it. TOO_LARGE: more than cap bytes. IO: anything else.
 */
enum assay_err bootlog_read(void *self, uint8_t *buffer, size_t cap, size_t *ret_len);

#endif
