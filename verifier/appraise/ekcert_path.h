/*
 * ekcert_path.h: the search for a path from a certificate to a trusted root (RFC
 * 5280, 6.1, without policies and name constraints). Used by ekcert.c alone.
 *
 * Depth first with backtracking, without recursion, within EKCERT_DEPTH_MAX and
 * EKCERT_CHECKS_MAX. Issuers that are valid at the given time are preferred: only
 * if no path of them exists are others taken, as facts.
 */
#ifndef APPRAISE_EKCERT_PATH_H
#define APPRAISE_EKCERT_PATH_H

#include "ekcert.h"

struct path_node {
	struct x509 cert;
	struct key key; /* of an issuer */
	bool is_root, from_device;
	uint32_t facts; /* that hold if this issuer is used */
	/* how far the search among its own issuers is */
	uint8_t issuer_hash[X509_NAME_HASH_SIZE];
	struct roots_search in_roots;
	size_t in_device;
};

struct path {
	const struct ekcert_input *in;
	size_t ndevice;
	struct x509 device[EKCERT_INTERMEDIATES_MAX];
	uint8_t device_hash[EKCERT_INTERMEDIATES_MAX][X509_NAME_HASH_SIZE];
	unsigned depth; /* index of the last node: the root, when found */
	struct path_node node[EKCERT_DEPTH_MAX + 1]; /* node[0]: the EK certificate */
	unsigned checks;
	bool any_time, time_skipped, found_revoked;
	enum ekcert_reason failure;
	unsigned failure_depth;
};

/* CHAIN_OK: node[0] to node[depth] are the path. Else why there is none. */
enum ekcert_reason path_find(struct path *p, const struct ekcert_input *in,
			     const struct x509 *cert);

#endif
