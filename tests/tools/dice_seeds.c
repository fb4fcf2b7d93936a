/* dice_seeds.c: the corpus of fuzz_dice: sound chains, and some that are nearly so.
 *   usage: dice_seeds DIR */
#include "tests/support/dicemade.h"

#include "evidence/writer.h"

#include <stdio.h>
#include <stdlib.h>

static void
store(const char *dir, const char *name, struct dicemade *d)
{
	static uint8_t buf[64 << 10], root[DICEMADE_CERT_MAX];
	const struct dicemade_spec s = {.issuer = &d->root,
					.subject = &d->root,
					.issuer_name = "uds",
					.subject_name = "uds",
					.ca = true,
					.pathlen = -1,
					.mode = -1,
					.flags = -1,
					.svn = -1};
	char path[1024];
	struct writer w;
	FILE *f;

	wr_init(&w, buf, sizeof buf);
	wr_be16_bytes(&w, SPAN(root, dicemade_cert(&s, root)));
	for (size_t i = 0; i < d->ncerts; i++)
		wr_be16_bytes(&w, d->certs[i]);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (!f || fwrite(buf, w.len, 1, f) != 1 || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	static struct dicemade d;
	struct dicemade_spec s;

	if (argc != 2)
		return 64;
	for (unsigned kind = 0; kind < SOFTKEY_KINDS; kind++) {
		static const char *const names[] = {"p256", "p384", "ed25519", "rsa"};

		dicemade_init(&d, (enum softkey_kind)kind, 1 + kind % 3, kind % 2 == 0);
		store(argv[1], names[kind], &d);
		dicemade_free(&d);
	}
	dicemade_init(&d, SOFTKEY_ED25519, 2, true);
	s = dicemade_spec_of(&d, 0);
	s.config_hash = true;
	s.enumerated = true;
	dicemade_again(&d, 0, &s);
	s = dicemade_spec_of(&d, 1);
	s.tcb = true;
	s.flags = 0;
	s.svn = 3;
	dicemade_again(&d, 1, &s);
	store(argv[1], "tcb", &d);
	s.open_dice = false;
	s.flags = 0x10;
	dicemade_again(&d, 1, &s);
	store(argv[1], "tcb-debug", &d);
	dicemade_free(&d);
	return 0;
}
