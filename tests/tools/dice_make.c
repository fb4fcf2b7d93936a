/*
 * dice_make.c: what the boot stages of a DICE device would leave, and who vouches for it.
 *
 *   usage: dice_make DIR [KIND]        KIND: p256 p384 ed25519 (default) rsa
 *
 * DIR/vendor.pem       the vendor's root
 * DIR/uds.pem          the identity key's certificate, by the vendor
 * DIR/good/            chain.pem, alias.key: layers 0x10 and 0x11
 * DIR/changed/         the same device with other firmware in layer 1 (code 0x66)
 * DIR/debug/           in debug mode
 * DIR/self/            a chain whose root nobody vouches for
 */
#include "tests/support/dicemade.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
write_pem(FILE *f, const char *label, struct span der)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	fprintf(f, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; i < der.n; i += 3) {
		size_t left = der.n - i;
		unsigned v = (unsigned)der.p[i] << 16 |
			     (left > 1 ? (unsigned)der.p[i + 1] << 8 : 0) |
			     (left > 2 ? der.p[i + 2] : 0);

		fprintf(f, "%c%c%c%c%s", digits[v >> 18], digits[v >> 12 & 63],
			left > 1 ? digits[v >> 6 & 63] : '=', left > 2 ? digits[v & 63] : '=',
			i % 48 == 45 || left <= 3 ? "\n" : "");
	}
	fprintf(f, "-----END %s-----\n", label);
}

static FILE *
create(const char *dir, const char *name, mode_t mode)
{
	char path[1024];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || chmod(path, mode) != 0)
		die(path);
	return f;
}

static void
one_pem(const char *dir, const char *name, struct span der)
{
	FILE *f = create(dir, name, 0644);

	write_pem(f, "CERTIFICATE", der);
	if (fclose(f) != 0)
		die(name);
}

static void
leave(struct dicemade *d, const char *dir, const char *sub, struct span uds)
{
	uint8_t key[4096];
	char path[1024];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, sub);
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		die(path);
	f = create(path, "chain.pem", 0644);
	write_pem(f, "CERTIFICATE", uds);
	for (size_t i = 0; i < d->ncerts; i++)
		write_pem(f, "CERTIFICATE", d->certs[i]);
	if (fclose(f) != 0)
		die(path);
	f = create(path, "alias.key", 0600);
	write_pem(f, "PRIVATE KEY",
		  SPAN(key, softkey_private(dicemade_signer(d), key, sizeof key)));
	if (fclose(f) != 0)
		die(path);
}

static struct span
certify(struct softkey *issuer, const char *issuer_name, const struct softkey *subject,
	const char *subject_name)
{
	static uint8_t der[4][DICEMADE_CERT_MAX];
	static unsigned n;
	const struct dicemade_spec s = {.issuer = issuer,
					.subject = subject,
					.issuer_name = issuer_name,
					.subject_name = subject_name,
					.ca = true,
					.pathlen = -1,
					.key_usage = X509_KU_CERT_SIGN,
					.mode = -1,
					.flags = -1,
					.svn = -1};
	uint8_t *to = der[n++ % 4];

	return SPAN(to, dicemade_cert(&s, to));
}

static enum softkey_kind
kind_of(const char *word)
{
	static const char *const words[SOFTKEY_KINDS] = {"p256", "p384", "ed25519", "rsa"};

	for (unsigned i = 0; word && i < SOFTKEY_KINDS; i++)
		if (strcmp(word, words[i]) == 0)
			return (enum softkey_kind)i;
	return SOFTKEY_ED25519;
}

int
main(int argc, char **argv)
{
	static struct dicemade d, stranger;
	struct dicemade_spec debug;
	struct softkey vendor;
	struct span uds;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: dice_make DIR [p256|p384|ed25519|rsa]\n");
		return 64;
	}
	if (mkdir(argv[1], 0755) != 0 && errno != EEXIST)
		die(argv[1]);
	softkey_init(&vendor, SOFTKEY_P256);
	dicemade_init(&d, kind_of(argv[2]), 2, true);
	uds = certify(&vendor, "vendor", &d.root, "uds");
	one_pem(argv[1], "vendor.pem", certify(&vendor, "vendor", &vendor, "vendor"));
	one_pem(argv[1], "uds.pem", uds);
	leave(&d, argv[1], "good", uds);
	dicemade_update(&d, 1, 0x66);
	leave(&d, argv[1], "changed", uds);
	dicemade_update(&d, 1, 0x11);
	debug = dicemade_spec_of(&d, 0);
	debug.mode = 2;
	dicemade_again(&d, 0, &debug);
	leave(&d, argv[1], "debug", uds);
	dicemade_init(&stranger, SOFTKEY_ED25519, 2, true);
	leave(&stranger, argv[1], "self", certify(&stranger.root, "uds", &stranger.root, "uds"));
	dicemade_free(&stranger);
	dicemade_free(&d);
	softkey_free(&vendor);
	return 0;
}
