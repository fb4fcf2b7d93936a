/*
 * pe.h: PE/COFF images as firmware measures them.
 *
 * The Authenticode digest ("Windows Authenticode Portable Executable Signature Format",
 * and EDK II's measurement of boot images, which is the same but for what follows the
 * last section), and the sections by name, which are what a unified kernel image is made
 * of. Nothing is loaded or executed; the file is hostile.
 */
#ifndef COMPILER_PE_H
#define COMPILER_PE_H

#include "evidence/digest.h"

#define PE_BYTES_MAX (512u << 20)
#define PE_SECTIONS_MAX 96 /* as firmware takes them */
/* Zeros behind the bytes of one section that is measured: more than any alignment asks. */
#define PE_ZEROS_MAX (1u << 20)

struct pe_section {
	char name[9];
	struct span raw;       /* as it is in the file */
	uint32_t virtual_size; /* what the loader shows of it; more than raw is zeros */
};

struct pe {
	struct span file;
	uint32_t headers_size;
	uint32_t checksum, security; /* offsets of what is not hashed: 4 and 8 bytes */
	uint32_t signatures_size;    /* of the certificate table, at the file's end */
	unsigned nsections;
	struct pe_section section[PE_SECTIONS_MAX];
};

/* BAD_MAGIC: no PE image; MALFORMED, also if the sections together are more than the file,
 * which would be hashed once for each; TRUNCATED, TOO_MANY, TOO_LARGE. *ret borrows. */
ASSAY_MUST_USE enum assay_err pe_open(struct span file, struct pe *ret);
/* The section of that name, or NULL; the first of several. */
const struct pe_section *pe_find(const struct pe *p, const char *name);
ASSAY_MUST_USE enum assay_err pe_authenticode(const struct pe *p, uint16_t alg,
					      struct digest *ret);
/* Over what the loader shows of a section: virtual_size bytes. TOO_LARGE: over PE_ZEROS_MAX
 * of them are not in the file. */
ASSAY_MUST_USE enum assay_err pe_section_digest(const struct pe_section *s, uint16_t alg,
						struct digest *ret);

#endif
