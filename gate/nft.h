/*
 * nft.h: libnftables, and conntrack's entries of devices that may no longer pass.
 */
#ifndef GATE_NFT_H
#define GATE_NFT_H

#include "rules.h"

struct nft;

/* NULL: no memory, or no right to it. */
struct nft *nft_open(void);
void nft_close(struct nft *n);
/* Text of nft(8), as one transaction. IO: refused; nft_why() says why. */
ASSAY_MUST_USE enum assay_err nft_run(struct nft *n, const char *text);
const char *nft_why(const struct nft *n);

enum nft_holds {
	NFT_CONFIRMED = 0, /* the sets hold just these, and the rules are those that were put */
	NFT_DRIFTED,	   /* somebody changed a set or a rule */
	NFT_GONE,	   /* the table is not there */
};
/* Compares the kernel's table with what it should be. rules: of nft_rules(). */
enum nft_holds nft_compare(struct nft *n, const struct rules_elements *want, uint64_t rules,
			   int64_t now);
/* A number that changes with the table's rules; 0: there is no table. */
uint64_t nft_rules(struct nft *n);
/* A descriptor that becomes readable when somebody changes nftables; -1: none. */
int nft_watch(void);

/* Ends every connection from or to this address. */
void flows_end(const char *ip);

#endif
