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

#define CONFIG_WEBHOOKS_MAX 16
#define CONFIG_NAME_MAX 32 /* of a webhook */
#define CONFIG_SECRET_MIN 32 /* bytes of a webhook's key */
#define CONFIG_SECRET_MAX 256

/* A list in the YAML file; docs/webhooks.md. */
struct config_webhook {
	char name[CONFIG_NAME_MAX + 1];
	char url[CONFIG_TEXT_MAX];
	char secret_file[CONFIG_PATH_MAX];
	char next_secret_file[CONFIG_PATH_MAX]; /* "": one secret */
	char ca[CONFIG_PATH_MAX]; /* PEM; "": the system's, or the pin alone */
	char pin[65];		  /* SHA-256 of the server's key, hex; "": none */
	bool allow_http;	  /* also to other hosts than this one */
	char class[33], labels[257]; /* only devices like these; "": all */
	char outcomes[65];	     /* only decisions like these; "": all */
	unsigned timeout_ms, retry_max_s, give_up_s;
};

struct config_events {
	char syslog[CONFIG_TEXT_MAX]; /* "": none */
	char facility[16];
	unsigned enterprise;
	char journald[CONFIG_PATH_MAX]; /* "": none */
};

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
	/* per minute, and so many at once; 0: no limit. Of each operator: */
	unsigned operator_reads_per_minute, operator_changes_per_minute;
	unsigned operator_admissions_per_minute; /* of relying parties' questions */
	unsigned failures_per_minute; /* of each source address: credentials refused */

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
	unsigned appraisal_max_s;	 /* for one request; then replaced by force */
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

	/* what leaves by itself */
	unsigned nwebhooks;
	struct config_webhook webhooks[CONFIG_WEBHOOKS_MAX];
	struct config_events events;

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

/*
 * A webhook's URL: "https://HOST[:PORT][/PATH][?QUERY]". MALFORMED: not of that form, or
 * with a user, a fragment, blanks or anything that is not printable ASCII.
 */
struct config_url {
	bool tls;
	char host[CONFIG_TEXT_MAX]; /* without brackets */
	uint16_t port;
	char path[CONFIG_TEXT_MAX]; /* from "/" on, with the query */
};
ASSAY_MUST_USE enum assay_err config_split_url(const char *text, struct config_url *ret);
/* Of `events: syslog:'. kind: "unix" (host is the path), "udp" or "tcp". */
struct config_syslog {
	char kind[8];
	char host[CONFIG_TEXT_MAX];
	uint16_t port;
};
ASSAY_MUST_USE enum assay_err config_split_syslog(const char *text, struct config_syslog *ret);
/* Number of a syslog facility (RFC 5424, 6.2.1); -1: there is none of this name. */
int config_facility(const char *name);
/*
 * A webhook's key: the file's bytes but for line ends behind them. DENIED: others may read
 * or its group may write it; TOO_LARGE, TRUNCATED: longer or shorter than it may be.
 */
ASSAY_MUST_USE enum assay_err config_read_secret(const char *path,
						 uint8_t ret[CONFIG_SECRET_MAX], size_t *ret_len);

#endif
