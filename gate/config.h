/*
 * config.h: what a gate is told: gate.yaml. docs/gate.md explains every key.
 */
#ifndef GATE_CONFIG_H
#define GATE_CONFIG_H

#include "evidence/record.h"

#define GATE_TEXT_MAX 512
#define GATE_INTERFACES_MAX 16
#define GATE_INTERFACE_MAX 15
#define GATE_ENDPOINTS_MAX 32
#define GATE_ROUTERS_MAX 16
#define GATE_PLACES_MAX 1024

/* Where also those go who may go nowhere else: "198.51.100.10 tcp 8443", "2001:db8::35 udp
 * 53". */
struct gate_endpoint {
	bool ip6;
	char address[48];
	char protocol[4]; /* "tcp", "udp" */
	uint16_t port;
};

/* A router on the devices' own segment: mode: bridge. */
struct gate_address {
	bool ip6;
	char address[48];
};

/* Where a device is: elsewhere its addresses do not count. */
struct gate_place {
	char interface[GATE_INTERFACE_MAX + 1];
	char device[RECORD_NAME_MAX + 1]; /* name or id */
};

enum gate_fail { GATE_FAIL_CLOSED = 0, GATE_FAIL_OPEN };

struct gate_config {
	char server[GATE_TEXT_MAX]; /* host */
	uint16_t port;
	char token_file[GATE_TEXT_MAX];
	char ca[GATE_TEXT_MAX]; /* certificates that the verifier's is checked with */
	bool has_pin;
	uint8_t pin[32]; /* SHA-256 of the verifier's TLS key */
	char root[JWS_KID_SIZE]; /* the pinned KID of its first signing key */
	char class_name[RECORD_CLASS_MAX + 1], labels[RECORD_LABELS_MAX + 1];
	char state[GATE_TEXT_MAX];  /* file: highest number that was confirmed */
	char status[GATE_TEXT_MAX]; /* file: what was asked for and what holds; "": none */
	enum gate_fail fail;
	bool bridge;	/* devices are behind ports of a bridge, not of a router */
	bool match_mac; /* devices are on these interfaces' own segments */
	unsigned ninterfaces;
	char interfaces[GATE_INTERFACES_MAX][GATE_INTERFACE_MAX + 1];
	unsigned nalways, nrestricted;
	struct gate_endpoint always[GATE_ENDPOINTS_MAX];
	struct gate_endpoint restricted[GATE_ENDPOINTS_MAX];
	unsigned nrouters, nplaces;
	struct gate_address routers[GATE_ROUTERS_MAX];
	struct gate_place places[GATE_PLACES_MAX];
};

/* Reads and checks a file. False with the reason, "FILE: KEY: what is wrong", in ret_why. */
bool gate_config_load(const char *path, struct gate_config *ret, char *ret_why, size_t cap);
/* "198.51.100.10 tcp 8443"; false if it is not of that form. */
bool gate_endpoint_parse(const char *text, struct gate_endpoint *ret);

#endif
