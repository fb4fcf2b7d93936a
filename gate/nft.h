/*
 * nft.h: libnftables, and conntrack's entries of devices that may no longer pass.
 */
#ifndef GATE_NFT_H
#define GATE_NFT_H

#include "rules.h"

struct nft;

/* c must stay; NULL: for nft_run() alone. Returns NULL: no memory, or no right to it. */
struct nft *nft_open(const struct gate_config *c);
void nft_close(struct nft *n);
/* Text of nft(8), as one transaction. IO: refused; nft_why() says why. */
ASSAY_MUST_USE enum assay_err nft_run(struct nft *n, const char *text);
const char *nft_why(const struct nft *n);

/*
 * What the kernel has of a table but its elements, counters and name, as text: equal text,
 * equal rules. Of the probe, without that it sleeps. NULL: there is no such table. The
 * caller frees it.
 */
char *nft_rules(struct nft *n, bool probe);
/* What RULES_TABLE should show: of a probe, made and removed. NULL on a failure. */
char *nft_rules_expected(struct nft *n);
/* The elements that are in the sets, with when they end, in order. MALFORMED: there is one
 * that no gate puts there; NOT_FOUND: no table. */
ASSAY_MUST_USE enum assay_err nft_elements(struct nft *n, int64_t now, struct rules_elements *ret);

enum nft_holds {
	NFT_CONFIRMED = 0, /* the sets hold just these, and the rules are those that were put */
	NFT_DRIFTED,	   /* somebody changed a set or a rule */
	NFT_GONE,	   /* the table is not there */
};
/* Compares the kernel's table with what it should be. rules: of nft_rules(). */
enum nft_holds nft_compare(struct nft *n, const struct rules_elements *want, const char *rules,
			   int64_t now);
/* A descriptor that becomes readable when somebody changes nftables; -1: none. */
int nft_watch(void);

/* Ends every connection from or to this address, but those that the device has with the ends
 * of `always`: the verifier, that it may repair itself, is one. */
void flows_end(const struct gate_config *c, const char *ip);

#endif
