/*
 * statedir.h: what the agent keeps between runs, in a directory of its own.
 *
 *   ak.blob     the attestation key, wrapped by the TPM (assay_tpm_key())
 *   enrolment   text: device, pending, verifier-key, ak-name; ends in a checksum
 *   key.der     instead of it: a software key
 *   starts      text: how often an agent was started whose key is in no TPM
 *   lock        held while an agent runs
 *
 * Files are 0600, replaced whole (written beside, synced, renamed) and never
 * repaired: one that is damaged is an error that names it, and stays as it is.
 */
#ifndef AGENT_STATEDIR_H
#define AGENT_STATEDIR_H

#include <assay/attester.h>

#define STATEDIR_TEXT_MAX 200

struct enrolment {
	bool enrolled; /* there is such a file */
	bool pending;  /* waits for an operator's approval */
	char device[33];
	char ak_name[2 * 66 + 1]; /* hex */
	bool has_pin;
	uint8_t pin[32]; /* SHA-256 of the verifier's SubjectPublicKeyInfo */
};

struct statedir {
	int fd, lock;
	const char *path, *key_file;
	/* after an error: what to tell, naming the file */
	char complaint[STATEDIR_TEXT_MAX + 512];
	uint8_t key[ASSAY_KEY_BLOB_MAX];
	size_t key_len; /* 0: there is none */
	struct enrolment enrolment;
};

/*
 * Opens the directory, making it (0700) if make is set; takes the lock if lock is
 * set; reads both files. NOT_FOUND, DENIED, IO: the directory. BUSY: another agent
 * runs on it. TAMPERED: a file is damaged, or is there without the other.
 */
ASSAY_MUST_USE enum assay_err statedir_open(struct statedir *s, const char *path, bool make,
					    bool lock);
/* The same with another key file than ak.blob; key_file NULL: the key is not kept here. */
struct statedir_use {
	bool make, lock;
	const char *key_file;
};
ASSAY_MUST_USE enum assay_err statedir_open_for(struct statedir *s, const char *path,
						const struct statedir_use *use);
/* One start more than the last one, stored before it is returned. */
ASSAY_MUST_USE enum assay_err statedir_count_start(struct statedir *s, uint64_t *ret);
void statedir_close(struct statedir *s);
/* EXISTS rather than replace a key that is there. */
ASSAY_MUST_USE enum assay_err statedir_write_key(struct statedir *s, const uint8_t *key,
						 size_t len);
ASSAY_MUST_USE enum assay_err statedir_write_enrolment(struct statedir *s,
						       const struct enrolment *e);

#endif
