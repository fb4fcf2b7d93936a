/*
 * fleet.h: assay-fleet, thousands of simulated devices in one process.
 *
 * Each has a software TPM of its own (tests/support/softtpm.h: real TPMS_ATTEST
 * structures, real signatures), the attester library and a TLS WebSocket. Nothing in
 * the daemon knows that they are simulated. A bench program, never installed.
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include <assay/attester.h>

#include "tests/support/softtpm.h"

struct fleet_options {
	const char *host;
	int port;
	const char *pin;    /* hex SHA-256 of the verifier's key */
	const char *log;    /* boot log that every device "booted" */
	const char *ready;  /* made once every device had a decision */
	const char *eks;    /* write EK digests here and end */
	const char *record; /* every decision received: device id, sequence, outcome */
	bool reconnect;	    /* a lost connection is no error: the verifier may die */
	bool stay;	    /* whatever is decided, until it is ended */
	unsigned devices, seconds, ramp; /* ramp: connections per second */
	unsigned ima; /* files in every device's IMA list; 0: no list */
	unsigned first; /* devices of another process before these */
	unsigned resets; /* of their TPMs before the boot */
	long daemon;	    /* pid of keeper, to measure it and its children; 0: none */
};

struct fleet_device {
	struct softtpm tpm;
	struct assay_attester *attester;
	struct lws *wsi;
	uint8_t *in; /* a message that arrives in pieces */
	size_t in_len;
	char id[33];
	bool open, connecting, decided, admitted;
	double challenged; /* s; 0: not waiting */
};

/* ima.c: boot_aggregate and so many files, what every device has run; then its PCR 10,
 * false if there is no list; and the list's bytes, for the library. */
void fleet_ima_make(const struct softtpm *booted, unsigned entries);
bool fleet_ima_measure(struct softtpm *t);
enum assay_err fleet_ima_read(void *self, uint64_t offset, uint8_t *buffer, size_t cap,
			      size_t *ret_len);

/* device.c: the software TPM as the library's back end. */
void fleet_device_init(struct fleet_device *d, const struct fleet_options *o, unsigned n,
		       struct span log);
void fleet_device_digest(const struct fleet_device *d, char hex[65]);

/* usage.c: what a process tree has used. */
struct fleet_usage {
	double cpu_s;
	unsigned long rss_kb;
	unsigned processes;
};
/* pid and its children, from /proc; zeros if it is gone. */
void fleet_usage(long pid, struct fleet_usage *ret);

/* stats.c: latencies and what is printed at the end. */
void fleet_stats_reset(void);
void fleet_stats_add(double seconds);
void fleet_stats_print(double seconds, unsigned devices, unsigned errors);

double fleet_now(void);

#endif
