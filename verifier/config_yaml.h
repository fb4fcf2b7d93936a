/*
 * config_yaml.h: a YAML file that is one flat mapping, with the place of each key.
 *
 * libcyaml types values but knows no places and takes every unknown word for true;
 * so one flat pass over libyaml's events comes first: keys, values and where they
 * stand. No recursion; aliases, tags, nested values and second documents are
 * refused. Knows nothing of which keys there are (config.c does) but that a section is
 * a mapping, or a list of mappings, whose pairs come out flat too.
 */
#ifndef VERIFIER_CONFIG_YAML_H
#define VERIFIER_CONFIG_YAML_H

#include "config.h"

#define CONFIG_PAIRS_MAX 384
#define CONFIG_KEY_MAX 64
#define CONFIG_ITEMS_MAX 64 /* of a section that is a list */

/* X(key of the section, whether it is a list) */
#define CONFIG_SECTIONS(X) X(webhooks, true) X(events, false)

struct config_place {
	size_t line, column; /* from 1 */
};

enum config_section {
	CONFIG_TOP = 0,
#define X(key, list) CONFIG_SECTION_##key,
	CONFIG_SECTIONS(X)
#undef X
	CONFIG_SECTION_COUNT
};

struct config_pair {
	enum config_section section;
	unsigned item; /* of a list, from 1 */
	char key[CONFIG_KEY_MAX + 1];
	char value[CONFIG_PATH_MAX + 1];
	bool quoted; /* 'x' or "x": never a word such as true */
	struct config_place key_at, value_at;
};

struct config_pairs {
	size_t n;
	struct config_place section[CONFIG_SECTION_COUNT]; /* zeros: it is not there */
	struct config_place item[CONFIG_ITEMS_MAX];
	unsigned nitems;
	struct config_pair pair[CONFIG_PAIRS_MAX];
	/* on an error */
	struct config_place at;
	char problem[128];
};

/* An empty file is zero pairs. MALFORMED: ->at and ->problem are filled. */
ASSAY_MUST_USE enum assay_err config_yaml_read(struct span yaml, struct config_pairs *ret);
/* Load by libcyaml: *ret holds the members whose keys are present; all others are
 * zero. Free with config_yaml_free(). MALFORMED if it refuses. */
ASSAY_MUST_USE enum assay_err config_yaml_load(struct span yaml, struct config **ret);
void config_yaml_free(struct config *c);

/*
 * X(KIND, key = member of struct config, least, most, what it must be)
 * A WORD is one of the two that "must" names.
 * least and most: of a NUMBER its value, of anything else its length in bytes.
 */
#define CONFIG_KEYS(X)                                                                         \
	X(ADDRESS, listen, 1, 255, "ADDRESS:PORT, as 0.0.0.0:7443 or [::]:7443")               \
	X(PATH, certificate, 1, 511, "the path of a PEM file")                                 \
	X(PATH, key, 1, 511, "the path of a PEM file")                                         \
	X(FLAG, channel_binding, 0, 8, "true or false")                                        \
	X(NUMBER, net_processes, 1, 16, "a whole number")                                      \
	X(SOCKET, console_socket, 1, 107, "the path of a Unix socket, at most 107 bytes")      \
	X(ADDRESS, console_listen, 0, 255, "ADDRESS:PORT, or \"\" for none")                   \
	X(PATH, console_certificate, 1, 511, "the path of a PEM file")                         \
	X(PATH, console_key, 1, 511, "the path of a PEM file")                                 \
	X(NUMBER, operator_reads_per_minute, 0, 1000000, "a whole number")                     \
	X(NUMBER, operator_changes_per_minute, 0, 1000000, "a whole number")                   \
	X(NUMBER, operator_admissions_per_minute, 0, 1000000, "a whole number")                \
	X(NUMBER, failures_per_minute, 0, 1000000, "a whole number")                           \
	X(PATH, ek_roots, 0, 511, "the path of a directory of certificates, or \"\"")          \
	X(PATH, ek_crls, 0, 511, "the path of a directory of CRLs, or \"\"")                   \
	X(PATH, dice_roots, 0, 511, "the path of a directory of certificates, or \"\"")        \
	X(PATH, token_roots, 0, 511, "the path of a directory of certificates, or \"\"")       \
	X(FLAG, accept_expired_ek, 0, 8, "true or false")                                      \
	X(FLAG, accept_virtual_tpm, 0, 8, "true or false")                                     \
	X(NUMBER, pending_max, 0, 100000, "a whole number")                                    \
	X(NUMBER, enrolments_per_minute, 1, 1000000, "a whole number")                         \
	X(NUMBER, appraisers, 1, 64, "a whole number")                                         \
	X(NUMBER, spare_appraisers, 1, 16, "a whole number")                                   \
	X(NUMBER, requests_per_appraiser, 1, 1000000, "a whole number")                        \
	X(NUMBER, appraisal_max_s, 1, 3600, "a whole number of seconds")                       \
	X(NUMBER, challenge_deadline_ms, 100, 600000, "milliseconds")                          \
	X(NUMBER, connections_max, 1, 1000000, "a whole number")                               \
	X(NUMBER, connections_per_source, 1, 1000000, "a whole number")                        \
	X(NUMBER, half_open_per_source, 1, 1000000, "a whole number")                          \
	X(NUMBER, uploads_max, 1, 10000, "a whole number")                                     \
	X(NUMBER, ima_memory, 1, 65536, "a number of MiB")                                     \
	X(WORD, ear_dialect, 1, 15, "ietf or veraison")                                         \
	X(TEXT, ear_developer, 0, 127, "a text, as an URI")                                     \
	X(TEXT, ear_audience, 0, 127, "a text, as an URI")                                      \
	X(FLAG, device_tokens, 0, 8, "true or false")                                           \
	X(FLAG, mac_admits, 0, 8, "true or false")                                              \
	X(WORD, addresses, 1, 15, "registered or attested")                                     \
	X(NUMBER, retention_days, 1, 36500, "a number of days")                                \
	X(TEXT, user, 1, 63, "the name of a user")                                             \
	X(FLAG, log_json, 0, 8, "true or false")

/* Of each of `webhooks': members of struct config_webhook. Numbers without a default of
 * their own are 0 until checked. */
#define CONFIG_WEBHOOK_KEYS(X)                                                                 \
	X(TEXT, name, 1, 32, "a name: lower-case letters, digits and dashes")                  \
	X(TEXT, url, 1, 255, "a URL, as https://HOST:PORT/PATH")                               \
	X(PATH, secret_file, 1, 511, "the path of a file with at least 32 bytes")              \
	X(PATH, next_secret_file, 1, 511, "the path of a file with at least 32 bytes")         \
	X(PATH, ca, 1, 511, "the path of a PEM file")                                          \
	X(TEXT, pin, 64, 64, "the SHA-256 of the server's key, 64 hexadecimal digits")         \
	X(FLAG, allow_http, 0, 8, "true or false")                                             \
	X(TEXT, class, 1, 32, "the name of a class of devices")                                \
	X(TEXT, labels, 1, 256, "labels, as \"site=berlin ring=canary\"")                      \
	X(TEXT, outcomes, 1, 64, "a list of admit, restrict and quarantine")                   \
	X(NUMBER, timeout_ms, 100, 120000, "milliseconds")                                     \
	X(NUMBER, retry_max_s, 1, 3600, "a number of seconds")                                 \
	X(NUMBER, give_up_s, 1, 31536000, "a number of seconds")

/* Of `events': members of struct config_events. */
#define CONFIG_EVENTS_KEYS(X)                                                                  \
	X(TEXT, syslog, 1, 255, "unix:PATH, udp:HOST:PORT or tcp:HOST:PORT")                   \
	X(TEXT, facility, 1, 15, "a facility, as daemon, auth or local0")                      \
	X(NUMBER, enterprise, 1, 999999999, "a private enterprise number")                     \
	X(SOCKET, journald, 1, 107, "the path of a Unix socket, at most 107 bytes")

#endif
