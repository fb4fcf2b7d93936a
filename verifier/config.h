/*
 * config.h: the verifier's configuration: STATE/verifier.yaml, all keys optional.
 *
 * Read by keeper and by `init` only; children get what they need by message.
 * Errors name file, line, column and key, and suggest the nearest key. It holds no
 * secret: keys are files in the state directory.
 */
#ifndef VERIFIER_CONFIG_H
#define VERIFIER_CONFIG_H

#include "evidence/reader.h"

#define CONFIG_PATH_MAX 512
#define CONFIG_TEXT_MAX 256

struct config {
	char state[CONFIG_PATH_MAX]; /* absolute */

	/* devices */
	char listen[CONFIG_TEXT_MAX];	/* "0.0.0.0:7443", "[::]:7443"; port 0: any */
	char certificate[CONFIG_PATH_MAX]; /* PEM; default STATE/tls/cert.pem */
	char key[CONFIG_PATH_MAX];
	bool channel_binding;		/* false only behind a TLS-terminating proxy */
	unsigned net_processes;		/* 1..16 */

	/* operators */
	char console_socket[CONFIG_PATH_MAX]; /* default STATE/run/console.sock */
	char console_listen[CONFIG_TEXT_MAX]; /* "": no TLS port */
	char console_certificate[CONFIG_PATH_MAX], console_key[CONFIG_PATH_MAX];

	/* enrolment */
	char ek_roots[CONFIG_PATH_MAX];	/* directory; "": none trusted */
	char ek_crls[CONFIG_PATH_MAX];
	char dice_roots[CONFIG_PATH_MAX]; /* directory: UDS certificates, and their vendors */
	char token_roots[CONFIG_PATH_MAX]; /* directory: CAs of keys in tokens */
	bool accept_expired_ek, accept_virtual_tpm;
	unsigned pending_max;		/* approval queue, refuses when full */
	unsigned enrolments_per_minute;	/* per source address */

	/* appraisal */
	unsigned appraisers;		/* 1..64 */
	unsigned spare_appraisers;	/* 1..16 */
	unsigned requests_per_appraiser; /* then re-executed */
	unsigned challenge_deadline_ms;

	/* limits */
	unsigned connections_max, connections_per_source, half_open_per_source;
	unsigned uploads_max;		/* devices whose logs are being received at a time */
	unsigned ima_memory;		/* MiB of IMA lists held, in each process, at a time */

	/* results */
	char ear_dialect[16];		/* "ietf" or "veraison" */
	char ear_developer[128], ear_audience[128]; /* "": the issuer */
	bool device_tokens;
	bool mac_admits;		/* RADIUS: a MAC address alone may be answered admit */
	char addresses[16];		/* decisions apply to: "registered", "attested" */

	unsigned retention_days;
	char user[64];			/* children run as this user when started as root */
	bool log_json;
};

#define CONFIG_FILE "verifier.yaml" /* in the state directory */
#define CONFIG_FILE_MAX (64u << 10)

/* One line each, "FILE:LINE:COL: key: what is wrong, what to do". */
struct config_error {
	char text[2 * CONFIG_PATH_MAX];
};

void config_defaults(struct config *c, const char *state_dir);
/* Defaults, then the file if there is one. MALFORMED with *err filled, IO. */
ASSAY_MUST_USE enum assay_err config_load(struct config *c, const char *state_dir,
					  struct config_error *err);
/* As config_load, over these bytes in place of the file; name is for messages. */
ASSAY_MUST_USE enum assay_err config_parse(struct config *c, struct span yaml, const char *name,
					   struct config_error *err);
/*
 * "192.0.2.1:7443", "[2001:db8::1]:0" to a numeric host without brackets and a
 * port. MALFORMED: not of that form, a name, or a port over 65535.
 */
ASSAY_MUST_USE enum assay_err config_split_address(const char *text, char *ret_host, size_t cap,
						   uint16_t *ret_port);

#endif
