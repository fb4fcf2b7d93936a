/*
 * config_private.h: the inside of the configuration, shared by config.c (the file and its
 * plain keys) and config_outbound.c (the sections about what leaves by itself).
 */
#ifndef VERIFIER_CONFIG_PRIVATE_H
#define VERIFIER_CONFIG_PRIVATE_H

#include "config_yaml.h"

enum config_kind { TEXT, PATH, SOCKET, ADDRESS, FLAG, NUMBER, WORD };

struct config_key {
	const char *name;
	enum config_kind kind;
	size_t offset, size; /* of the member of its struct */
	unsigned least, most;
	const char *must;
};

struct config_keys {
	const struct config_key *key;
	size_t n;
	const char *listed_in; /* the document that tells of them */
};

struct config_loading {
	struct config *c;
	const char *name; /* of the file */
	struct config_error *err;
	struct config_pairs *pairs;
};

/* "FILE:LINE:COLUMN: key: what". Returns MALFORMED. */
enum assay_err config_complain(struct config_loading *l, struct config_place at, const char *key,
			       const char *what);
const struct config_key *config_key_of(const struct config_keys *keys, const char *name);
/* Pair number i is a key of these, given once in its mapping, with a value of its type. */
ASSAY_MUST_USE enum assay_err config_check_pair(struct config_loading *l,
						const struct config_keys *keys, size_t i);
/* Its value into the member of base; relative paths count from the state directory. */
ASSAY_MUST_USE enum assay_err config_set(struct config_loading *l, const struct config_key *k,
					 const struct config_pair *p, void *base);
/* config_outbound.c: the sections, checked and applied. */
ASSAY_MUST_USE enum assay_err config_outbound(struct config_loading *l);
void config_outbound_defaults(struct config *c);

#endif
