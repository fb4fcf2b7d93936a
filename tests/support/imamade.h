/*
 * imamade.h: binary IMA lists under construction, for tests.
 */
#ifndef TESTS_SUPPORT_IMAMADE_H
#define TESTS_SUPPORT_IMAMADE_H

#include "evidence/imalog.h"
#include "evidence/writer.h"

#define IMAMADE_ROOM 16384

struct imamade {
	uint8_t buf[IMAMADE_ROOM];
	struct writer w;
	uint16_t alg; /* of template hashes */
	bool big;
};

void imamade_begin(struct imamade *m, uint16_t alg, bool big);
/* Fields with their lengths; static, good until the next call. */
struct span imamade_data(const struct imamade *m, const struct span *fields, size_t n);
/* "sha256:" NUL and as many bytes of fill as the algorithm has; one of a few static
 * buffers in turn. */
struct span imamade_digest(const char *prefix, size_t size, uint8_t fill);
/* An entry of PCR 10 with the hash of its data; violation: zeros. */
void imamade_entry(struct imamade *m, const char *name, struct span data, bool violation);
/* ima-ng, sha256. */
void imamade_file(struct imamade *m, const char *path, uint8_t fill);
/* Template ima: its name is padded when hashed. */
void imamade_old(struct imamade *m, const char *path, uint8_t fill);
/* The same of a kernel with ima_hash=md5: the digest has 16 bytes. */
void imamade_old_md5(struct imamade *m, const char *path, uint8_t fill);
/* The list so far; asserts that it fitted. */
struct span imamade_list(const struct imamade *m);

#endif
