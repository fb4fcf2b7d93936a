/*
 * client.h: how commands talk to the verifier: its Unix socket, or its TLS port.
 *
 * A command that only asks or orders is one struct client_spec: where its words and
 * options go in the request, and which function shows the answer. client_run() does
 * the rest: usage errors, files, the request, the exit status, --json. Commands that
 * need more call the pieces.
 *
 * Where the verifier is: --socket PATH; --state DIR (or $ASSAY_STATE, or
 * /var/lib/assay) means DIR/run/console.sock; --server https://HOST:PORT (or
 * $ASSAY_SERVER) with --token-file FILE, or --certificate FILE and --key FILE, and --ca
 * FILE; or a profile that says so (client_where.h).
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "cli.h"

#include <jansson.h>

#define CLIENT_ANSWER_MAX (32u << 20)
#define CLIENT_PROFILE_KEYS 7
#define CLIENT_ARGS_MAX 2
#define CLIENT_OPTIONS_MAX 12
#define CLIENT_FILE_MAX (1u << 20)

enum client_kind {
	CLIENT_TEXT = 0,
	CLIENT_DURATION, /* "24h"; sent as seconds */
	CLIENT_PCRS,	 /* "0,2,4-7"; sent as a mask */
	CLIENT_FILE,	 /* the content of the file it names */
	CLIENT_FLAG,	 /* takes no value; not sent, see client_flag() */
	CLIENT_LIMIT,	 /* how many rows in all; not sent as it is */
	CLIENT_LOCAL,	 /* for the command itself; not sent */
	CLIENT_YES,	 /* takes no value; sent as "yes" */
	CLIENT_TIME,	 /* "2026-11-22T12:00:00Z" or seconds; sent as seconds */
};

struct client_option {
	const char *name; /* "reason" for --reason */
	const char *field; /* in the request */
	enum client_kind kind;
	bool required;
};

struct client;

struct client_spec {
	const struct cli_command *command;
	bool post;
	const char *path; /* "/v1/devices/{0}/hold": {0} is the first word */
	const char *list; /* the answer's list, if it comes in pages */
	const char *args[CLIENT_ARGS_MAX]; /* what the words are, for messages */
	bool args_optional; /* words may be missing: the command looks itself */
	const char *arg_field; /* the first word is this field of the body, not of the path */
	bool arg_is_file;      /* ... and names a file to be sent; "filename" goes along */
	struct client_option options[CLIENT_OPTIONS_MAX]; /* ended by one without name */
	/* Shows the answer to people; an exit status. */
	int (*show)(const struct client *c, const json_t *answer);
};

struct client {
	const struct client_spec *spec;
	bool json;
	const char *socket, *server, *token_file, *ca, *certificate, *key, *profile_name;
	char socket_path[512];
	char profile[CLIENT_PROFILE_KEYS][512]; /* client_where.c's */
	const char *args[CLIENT_ARGS_MAX]; /* the words */
	const char *values[CLIENT_OPTIONS_MAX]; /* of options; "" for a flag that is set */
};

/* The whole of a command. */
int client_run(const struct client_spec *s, int argc, char **argv);

/* ---- pieces ---- */

/* Words and options; false with *ret_status set and everything said. */
struct client_words {
	int argc;
	char **argv;
};
ASSAY_MUST_USE bool client_parse(struct client *c, const struct client_spec *s,
				 struct client_words words, int *ret_status);
/* Whether a flag, or the value of an option, was given; NULL: not. */
const char *client_option(const struct client *c, const char *name);
/* One request; body may be NULL. NULL on failure, with *ret_status set and everything
 * said. path is complete and encoded. The caller releases the answer. */
ASSAY_MUST_USE json_t *client_ask(const struct client *c, bool post, const char *path,
				  const json_t *body, int *ret_status);
/* A POST of bytes. */
ASSAY_MUST_USE json_t *client_send(const struct client *c, const char *path, struct span bytes,
				   int *ret_status);
/* Bytes in pieces, for an operation that takes an upload: its id in id. */
#define CLIENT_UPLOAD_ID 64
int client_upload(const struct client *c, struct span bytes, char id[CLIENT_UPLOAD_ID]);
/* The same for bytes as the answer; released with cli_free(). */
ASSAY_MUST_USE bool client_fetch(const struct client *c, const char *path, struct span *ret,
				 int *ret_status);
/* A connection for what is neither one request nor one answer (stream.h): connected and
 * with TLS set up; a CURL handle, which the caller cleans up. auth: the header that
 * authorises, "" on the Unix socket. NULL on failure, everything said. */
void *client_connect(const struct client *c, const char *path, char auth[4200], int *ret_status);
/* The fields of a request as the options give them. NULL: *ret_status is set. */
ASSAY_MUST_USE json_t *client_fields(const struct client *c, int *ret_status);
/* The request of the spec, pages joined to one answer. */
ASSAY_MUST_USE json_t *client_ask_spec(const struct client *c, int *ret_status);
/* The spec's path, with words encoded, and query; malloc'd. NULL without memory. */
char *client_path(const struct client *c, const char *pattern);
/* --json: the document; else the spec's show. */
int client_present(const struct client *c, const json_t *answer);

/* "24h", "90s", "7d", "30m", "2w" or seconds. */
bool client_parse_duration(const char *text, uint64_t *ret);
/* "0,2,4-7" to a mask of PCRs. */
bool client_parse_pcrs(const char *text, uint32_t *ret);

#endif
