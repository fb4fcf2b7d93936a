/*
 * efidata.h: the structures that firmware logs as event data, UEFI variables apart.
 *
 * PFP 1.06, 10.2.4 to 10.4.4. Layout only: spans into the event's data. Addresses
 * and lengths say where things lay in memory; no digest covers them.
 */
#ifndef APPRAISE_EFIDATA_H
#define APPRAISE_EFIDATA_H

#include "evidence/reader.h"

#define EFI_GPT_PARTITIONS_MAX 1024

/* UEFI_IMAGE_LOAD_EVENT */
struct efi_image {
	uint64_t address, length;
	struct span path; /* device path, may be empty */
};
ASSAY_MUST_USE enum assay_err efi_image_parse(struct span in, struct efi_image *ret);

/* EFI_LOAD_OPTION, the content of Boot####: UEFI 2.10, 3.1.3 */
struct efi_load_option {
	bool active, hidden;
	struct span description; /* UTF-16LE */
	struct span path;
	struct span optional; /* arguments for the image */
};
ASSAY_MUST_USE enum assay_err efi_load_option_parse(struct span in, struct efi_load_option *ret);

/* UEFI_GPT_DATA */
struct efi_gpt {
	struct span disk; /* GUID */
	uint32_t npartitions;
	uint32_t entry_size;
	struct reader entries; /* for efi_gpt_next */
};
struct efi_partition {
	struct span type, unique; /* GUIDs */
	uint64_t first, last;	  /* blocks */
	struct span name;	  /* UTF-16LE */
};
ASSAY_MUST_USE enum assay_err efi_gpt_parse(struct span in, struct efi_gpt *ret);
bool efi_gpt_next(struct efi_gpt *g, struct efi_partition *ret);

/* UEFI_PLATFORM_FIRMWARE_BLOB, and BLOB2 with a description */
struct efi_blob {
	struct span description; /* ASCII, may be empty */
	uint64_t base, length;
};
ASSAY_MUST_USE enum assay_err efi_blob_parse(struct span in, struct efi_blob *ret);
ASSAY_MUST_USE enum assay_err efi_blob2_parse(struct span in, struct efi_blob *ret);

/* UEFI_HANDOFF_TABLE_POINTERS, and POINTERS2 with a description: the first table */
struct efi_tables {
	struct span description; /* ASCII, may be empty */
	uint64_t count;
	struct span first; /* GUID; empty if there is none */
};
ASSAY_MUST_USE enum assay_err efi_tables_parse(struct span in, struct efi_tables *ret);
ASSAY_MUST_USE enum assay_err efi_tables2_parse(struct span in, struct efi_tables *ret);

#endif
