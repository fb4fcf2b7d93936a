/*
 * keys.h: the files of the state directory that hold keys, and how they come to be.
 *
 *   keys/ledger.key     32 random bytes: row MACs and the ledger's head
 *   tls/cert.pem, tls/key.pem           device listener, self-signed P-256
 *   tls/console-cert.pem, -key.pem      operators' TLS port, its own key
 *
 * Files are 0600, directories 0700. An existing file is never replaced.
 */
#ifndef VERIFIER_KEYS_H
#define VERIFIER_KEYS_H

#include <assay/error.h>

#include <stddef.h>
#include <stdint.h>

/* A whole file of at most cap bytes; dir may be "" for a path. NOT_FOUND, DENIED,
 * TOO_LARGE, IO. */
ASSAY_MUST_USE enum assay_err keys_read_file(const char *dir, const char *name, uint8_t *buf,
					     size_t cap, size_t *ret_len);
/* The absolute path of something that exists, into ret. TOO_LARGE if it does not fit. */
ASSAY_MUST_USE enum assay_err keys_real_path(const char *path, char *ret, size_t cap);
/* A new file with these bytes, synced. EXISTS if it is there. */
ASSAY_MUST_USE enum assay_err keys_write_file(const char *dir, const char *name,
					      const uint8_t *bytes, size_t len);
/* A P-256 key and a self-signed certificate for ten years, both PEM. */
ASSAY_MUST_USE enum assay_err keys_make_tls(const char *dir, const char *cert, const char *key,
					    const char *common_name);

#endif
