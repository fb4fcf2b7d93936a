/*
 * ima_view.h: the parts of `assay inspect ima`: the list as read, its listing for
 * people, its JSON. The list is walked once for the summary and once to show its
 * entries, so that a million of them need no memory.
 */
#ifndef CLI_IMA_VIEW_H
#define CLI_IMA_VIEW_H

#include "evidence/imalog.h"

#define IMA_VIEW_PATH_MAX (4 * IMALOG_PATH_MAX + 1)

struct ima_view {
	const char *path;
	struct span list;
	uint8_t *scratch; /* IMALOG_SCRATCH bytes */
	struct imalog log; /* as it was at the end */
	struct imalog_replay run;
	char template_name[4 * IMALOG_TEMPLATE_NAME_MAX + 1]; /* of the first entry */
	char boot_aggregate[2 * DIGEST_MAX + 32];	     /* "" if there is none */
	uint32_t boot_aggregates, signed_files, bad_signatures;
	/* --pcr10 */
	bool asked;
	struct digest expected;
	enum assay_err match_err; /* OK, TAMPERED (->match is set), or why not */
	struct imalog_prefix match;
	/* What is wrong with it, if it is malformed. */
	enum assay_err err;
};

/* Everything but --pcr10. */
void ima_view_read(struct ima_view *v);
void ima_view_match(struct ima_view *v);
/* "FILE: entry 3 at byte 172: template data: ends before the structure does". */
void ima_view_complain(const struct ima_view *v);
const char *ima_method_text(enum imalog_method m);
/* "sha256:0011...", ret has 2 * DIGEST_MAX + 32 bytes. */
void ima_file_digest_text(const struct imalog_digest *d, char *ret, size_t cap);
/* "v2 sha256", "malformed"; NULL if the entry has none. */
const char *ima_signature_text(const struct imalog_entry *e, char *ret, size_t cap);
/* The value of one bank and method, in hex; NULL if it was not computed. */
const char *ima_value_text(const struct ima_view *v, uint16_t alg, enum imalog_method m,
			   char ret[2 * DIGEST_MAX + 1]);

/* On stdout; false if memory is exhausted. */
void ima_show(struct ima_view *v);
bool ima_show_json(struct ima_view *v);

#endif
