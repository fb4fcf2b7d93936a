/*
 * poll_loop.c: a controller's main loop with the connection to the verifier in it.
 *
 *   poll_loop wss://VERIFIER:PORT ENROLMENT-TOKEN
 *
 * The key is made anew each time, so this is a new device at each start; a real one
 * keeps key, `enrolled` and the count of its starts in its flash.
 */
#include <assay/attester.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

static unsigned cycles; /* of the controller's real work */
static int decided;

static enum assay_err
claims(void *self, struct assay_claims *c, bool reread)
{
	static const uint8_t program[] = "the PLC program, as it is loaded";
	struct assay_region region = {"plc-program", "7", {program, sizeof program}};
	enum assay_err e = assay_claims_memory(c, &region);

	(void)self;
	(void)reread;
	return e == ASSAY_OK ? assay_claims_number(c, "uptime", NULL, cycles / 10) : e;
}

static void
on_event(void *self, const struct assay_event *e)
{
	static const char *const words[] = {"none", "quarantine", "restrict", "admit"};

	(void)self;
	if (e->kind == ASSAY_EVENT_ENROLLED)
		printf("enrolled %s\n", e->device_id);
	if (e->kind == ASSAY_EVENT_REFUSED)
		printf("refused %.*s\n", (int)e->reason.len, (const char *)e->reason.data);
	if (e->kind == ASSAY_EVENT_DECISION) {
		printf("decision %s\n", words[e->decision.outcome]);
		decided++;
	}
	fflush(stdout);
}

static void
on_down(void *self, const char *why)
{
	(void)self;
	printf("down: %s\n", why);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static _Alignas(16) uint8_t key_memory[8192], memory[3 << 20];
	static uint8_t private_key[ASSAY_PRIVATE_KEY_MAX], start_id[16];
	struct assay_key_config key_config = {.private_key = {private_key, 0}};
	struct assay_attester_config config = {.agent = "example-poll 1", .claims = claims,
					       .start_id = start_id, .start_count = 1};
	struct assay_connection_config to = {.event = on_event, .down = on_down, .retry_max_s = 1};
	struct assay_enrolment_token token;
	struct assay_connection *connection;
	struct assay_attester *attester;
	struct assay_key *key;

	signal(SIGPIPE, SIG_IGN);
	if (argc != 3 || assay_enrolment_token(argv[2], &token) != ASSAY_OK ||
	    getrandom(start_id, sizeof start_id, 0) != sizeof start_id)
		return 64;
	if (assay_key_make(ASSAY_KEY_ECC_P256, private_key, sizeof private_key,
			   &key_config.private_key.len) != ASSAY_OK ||
	    assay_key_init(key_memory, sizeof key_memory, &key_config, &key) != ASSAY_OK)
		return 4;
	config.backend = assay_key_backend(key);
	config.token_id = token.id;
	config.token_secret = token.secret;
	if (assay_attester_init(memory, sizeof memory, &config, &attester) != ASSAY_OK)
		return 4;
	to.attester = attester;
	to.url = argv[1];
	to.pin = token.pin;
	if (assay_connection_open(&to, &connection) != ASSAY_OK)
		return 4;
	while (decided < 2) {
		struct pollfd p = {assay_connection_fd(connection), POLLIN, 0};

		if (poll(&p, 1, 100) > 0)
			assay_connection_service(connection);
		else
			cycles++; /* the real work goes on */
	}
	assay_connection_close(connection);
	return 0;
}
