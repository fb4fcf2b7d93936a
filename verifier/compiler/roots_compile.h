/*
 * roots_compile.h: a directory of certificates and revocation lists into the image
 * that roots.h searches.
 *
 * Reads files (PEM or DER, one or many each, in folders too); runs in the compiler
 * process or in the command line, once. A certificate that is self-issued and whose
 * own signature holds is a root; every other is an intermediate, which is trusted
 * only through a root. A bad file is a warning, never fatal.
 */
#ifndef COMPILER_ROOTS_COMPILE_H
#define COMPILER_ROOTS_COMPILE_H

#include "verifier/appraise/roots.h"

#define ROOTS_FILE_MAX (8u << 20)
#define ROOTS_FOLDER_DEPTH 8

struct roots_source {
	const char *dir;  /* certificates, and revocation lists if there are any */
	const char *crls; /* further revocation lists, or NULL */
	/* One line for people about one file; may be NULL. Both are escaped text. */
	void (*warn)(void *arg, const char *path, const char *text);
	void *arg;
};

struct roots_image {
	uint8_t *bytes; /* malloc'd; roots_image_free() */
	size_t len;
	unsigned files, bad_files;
	unsigned roots, intermediates, crls, duplicates;
};

/*
 * UNREACHABLE if a directory cannot be read (errno tells why), TOO_MANY or TOO_LARGE
 * over the limits of roots.h, NO_MEMORY. An empty directory gives an image without
 * roots. The same files give the same image, in whatever order they are found.
 */
ASSAY_MUST_USE enum assay_err roots_compile(const struct roots_source *src,
					    struct roots_image *ret);
void roots_image_free(struct roots_image *image);

#endif
