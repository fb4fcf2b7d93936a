/*
 * memory.c: an embedded program that measures its own memory and carries the bytes itself.
 *
 *   memory KEY-FILE < messages > messages
 *
 * Whatever connects it to the verifier (a gateway, a modem's socket) reads and writes
 * messages here, each behind its length in 2 bytes, big-endian. The library gets no
 * socket, no thread and, once it is initialised, no memory but what is given to it here.
 */
#include <assay/attester.h>

#include <stdio.h>
#include <string.h>

static const uint8_t firmware[] = "imagine 512 KiB of flash here";
static uint8_t parameters[64] = {1, 2, 3};
static const struct assay_region regions[] = {
	{"firmware", "4.2.1", {firmware, sizeof firmware}},
	{"parameters", NULL, {parameters, sizeof parameters}},
};

/* Asked for each challenge: what changes, and how the device is. */
static enum assay_err
claims(void *self, struct assay_claims *c, bool reread)
{
	struct assay_setting mode = {"parameters", "mode", "run", NULL};
	enum assay_err e = assay_claims_setting(c, &mode);

	(void)self;
	(void)reread;
	if (e == ASSAY_OK)
		e = assay_claims_number(c, "temperature", NULL, 41);
	return e;
}

static int
put_messages(struct assay_attester *a)
{
	struct assay_bytes m;

	while (assay_attester_next(a, &m) == ASSAY_OK && m.len > 0) {
		putchar((int)(m.len >> 8));
		putchar((int)(m.len & 255));
		fwrite(m.data, 1, m.len, stdout);
	}
	return fflush(stdout);
}

static size_t
get_message(uint8_t *buffer, size_t cap)
{
	int high = getchar(), low = getchar();
	size_t n = high < 0 || low < 0 ? 0 : (size_t)high << 8 | (size_t)low;

	return n <= cap && fread(buffer, 1, n, stdin) == n ? n : 0;
}

int
main(int argc, char **argv)
{
	static _Alignas(16) uint8_t key_memory[8192], memory[512 << 10];
	static uint8_t key_bytes[ASSAY_PRIVATE_KEY_MAX], message[32768];
	const uint8_t start_id[16] = "random in a real";
	struct assay_attester_config config = {.agent = "example-memory 1",
					       .enrolled = true,
					       .allow_unbound = true,
					       .start_id = start_id,
					       .start_count = 1,
					       .part_max = ASSAY_PART_MIN,
					       .boot_log_max = 4096,
					       .regions = regions,
					       .region_count = 2,
					       .claims = claims};
	struct assay_key_config key_config = {.private_key = {key_bytes, 0}};
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	struct assay_attester *a;
	struct assay_event event;
	struct assay_key *key;
	size_t n;

	if (!f)
		return 64;
	key_config.private_key.len = fread(key_bytes, 1, sizeof key_bytes, f);
	fclose(f);
	if (assay_key_init(key_memory, sizeof key_memory, &key_config, &key) != ASSAY_OK)
		return 2;
	config.backend = assay_key_backend(key);
	if (assay_attester_init(memory, sizeof memory, &config, &a) != ASSAY_OK ||
	    assay_attester_connected(a, NULL, 0) != ASSAY_OK || put_messages(a) != 0)
		return 4;
	while ((n = get_message(message, sizeof message)) > 0) {
		if (assay_attester_received(a, message, n, &event) != ASSAY_OK)
			return 1;
		if (put_messages(a) != 0)
			return 4;
	}
	return 0;
}
