/*
 * options.h: how the agent is told what to do: a command, flags, a file.
 *
 * One table (options.c) has every option; in the file it is `name: value`, on the
 * command line `--name value` (or `--name=value`), which comes first. The file is
 * flat YAML: one option per line, `#` comments, plain or quoted values. Whatever is
 * wrong is said in one line that names file, line and option, or the flag.
 */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include "address.h"

#include <assay/attester.h>

#define OPTIONS_TEXT_MAX 512

/* DESIGN.md, "Command contract" */
enum agent_status {
	AGENT_YES = 0,
	AGENT_NEGATIVE = 1,  /* not admitted; waiting for approval */
	AGENT_BAD_INPUT = 2, /* a file is malformed */
	AGENT_NO_ACCESS = 3, /* verifier or TPM not reachable, or refused */
	AGENT_FAULT = 4,
	AGENT_USAGE = 64,
};

enum agent_command {
	COMMAND_RUN,
	COMMAND_ENROL,
	COMMAND_STATUS,
	COMMAND_MEASURE,
	COMMAND_COLLECT
};


/* What holds the key. */
enum identity_kind { IDENTITY_TPM = 0, IDENTITY_DICE, IDENTITY_TOKEN, IDENTITY_SOFTWARE };

struct options {
	enum agent_command command;
	struct address verifier;
	char url[OPTIONS_TEXT_MAX]; /* as given */
	char config[OPTIONS_TEXT_MAX]; /* the file; empty: none */
	char user[64];
	char state[OPTIONS_TEXT_MAX];
	char tcti[OPTIONS_TEXT_MAX];
	char boot_log[OPTIONS_TEXT_MAX];
	char ima_list[OPTIONS_TEXT_MAX];
	char ca[OPTIONS_TEXT_MAX];
	/* the token: id.secret.pin, taken apart; id empty: none */
	char token_id[65], token_secret[65];
	char token_gone[OPTIONS_TEXT_MAX]; /* its file, which is not there */
	bool has_pin;
	uint8_t pin[32];
	enum identity_kind identity;
	char dice[OPTIONS_TEXT_MAX]; /* directory */
	char key_file[OPTIONS_TEXT_MAX], certificate[OPTIONS_TEXT_MAX];
	char pkcs11_module[OPTIONS_TEXT_MAX], pkcs11_pin_file[OPTIONS_TEXT_MAX];
	char pkcs11_token[OPTIONS_TEXT_MAX], pkcs11_key[OPTIONS_TEXT_MAX];
	char challenge[OPTIONS_TEXT_MAX], out[OPTIONS_TEXT_MAX]; /* of collect */
	char root[OPTIONS_TEXT_MAX];
	enum assay_key_kind key_type;
	enum assay_ek ek;
	enum assay_ak ak;
	uint32_t ak_handle;
	unsigned retry_max_s;
	bool once, json, verbose, unbound, no_boot_log, no_ima_list;
};

/*
 * Reads argv, and the file that --config names. True: go on with *ret. False: end
 * with *ret_status; help, version or the complaint has been printed.
 */
bool options_read(int argc, char **argv, struct options *ret, int *ret_status);

#endif
