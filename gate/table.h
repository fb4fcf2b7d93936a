/*
 * table.h: the kernel's table as this gate keeps it: what was put, and whether it is still
 * so. A gate that starts takes over the table of the one before if it is just what it would
 * put itself; each element in it still ends with its decision.
 */
#ifndef GATE_TABLE_H
#define GATE_TABLE_H

#include "nft.h"

/* So long what was taken over may stay without a snapshot that confirms it */
#define TABLE_ADOPTED_S 15

struct table {
	const struct gate_config *config;
	bool dry_run;
	struct nft *nft;
	struct rules_elements put;
	char *rules; /* what the kernel shows of them */
	enum nft_holds holds;
	int64_t adopted_at; /* monotonic; 0: nothing is there that this gate did not put */
	uint64_t drifts;
	bool anew; /* time was set: time-outs are to be put again, though ends are the same */
};

/* False: nftables cannot be used. config must stay. */
bool table_open(struct table *t, const struct gate_config *config, bool dry_run);
void table_free(struct table *t);
/* Replaces whatever is there by the rules with empty sets. */
bool table_close(struct table *t);
/*
 * Without a configuration: forwards nothing at all, on a router or on a bridge, unless a
 * gate's table is there already (*ret_kept): in that each device's way ends by itself.
 * table_close() and table_start() end it. False: nothing could be loaded.
 */
bool table_shut(bool *ret_kept);
/* Takes over what is there, or closes. */
bool table_start(struct table *t, int64_t now);
bool table_adopted_too_long(const struct table *t);
/* Makes the sets hold these, at once, and ends the connections of who is out. */
bool table_put(struct table *t, const struct rules_elements *want, int64_t now);
/* Whether something that was put has ended: its connections are to end too. */
bool table_has_ended(const struct table *t, int64_t now);
/* Whether the kernel still has it. False: told, and counted. */
bool table_check(struct table *t, int64_t now);
/* Rules and sets anew, at once. */
bool table_repair(struct table *t, const struct rules_elements *want, int64_t now);
/* "adopted", "confirmed", "drifted", "gone" */
const char *table_state(const struct table *t);

#endif
