/*
 * collector_wire.h: what agent and collector say to each other: two structs of the same
 * program, by datagrams of one socket that is descriptor 3 of the collector.
 */
#ifndef AGENT_COLLECTOR_WIRE_H
#define AGENT_COLLECTOR_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define COLLECTOR_FD 3
#define COLLECTOR_FDS 2 /* of an answer: claims, manifests */

struct collector_question {
	uint32_t id, budget_ms;
	bool reread;
};

struct collector_answer {
	uint32_t id;
	uint32_t error; /* enum assay_err; if it is not OK there are no descriptors */
	bool complete;	/* nothing is pending */
};

/* In the second descriptor, before each manifest. */
struct collector_manifest {
	uint8_t digest[32];
	uint64_t size;
};

#endif
