/*
 * corim_anchors.h: whom a command believes about a CoRIM: --roots and --key.
 *
 * Certificates and keys of files, or of all files of a folder, as struct corim_anchors
 * wants them. What is in a folder and is neither is told and left out; a file that was
 * named must be one.
 */
#ifndef CLI_CORIM_ANCHORS_H
#define CLI_CORIM_ANCHORS_H

#include "cli.h"

#include "verifier/compiler/corim.h"

struct anchors {
	struct corim_anchors a;
	size_t nfiles; /* buffers that the spans of a point into */
	void *files[2 * CORIM_ANCHORS_MAX];
};

/* CLI_YES, or a status after a message. path: a file, or a folder of files. */
int anchors_add_roots(struct anchors *to, const char *path);
/* A public key: PEM, DER, or the key of a certificate. */
int anchors_add_key(struct anchors *to, const char *path);
void anchors_free(struct anchors *a);

#endif
