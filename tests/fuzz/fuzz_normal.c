/* fuzz_normal.c: any bytes as a configuration file: the first byte says of which kind. What
 * is accepted is a manifest that can be read again. */
#include "attester/collect/normal.h"
#include "attester/collect/secrets.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
read_again(int fd)
{
	static uint8_t bytes[MANIFEST_MAX];
	ssize_t n = pread(fd, bytes, sizeof bytes, 0);
	struct manifest_entry e;
	struct manifest m;

	if (n < 0)
		abort();
	manifest_open(&m, SPAN(bytes, (size_t)n));
	while (manifest_next(&m, &e))
		if (e.type != 'i' || e.text.n != 0)
			abort();
	if (manifest_close(&m) != ASSAY_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static enum software_note (*const parsers[4])(struct span, struct listing *) = {
		normal_key_value, normal_ini, normal_json, normal_yaml};
	static char drop_1[] = "*[0]*";
	static char *drop[] = {drop_1, NULL};
	struct item it = {.kind = SOFTWARE_CONFIG, .drop = drop};
	struct told told = {.key = "a.b"};
	struct result r = {.manifest = -1, .prints = -1, .told = &told, .ntold = 1};
	struct listing l = {.n = 0};
	enum software_note note;

	if (n == 0)
		return 0;
	it.format = (enum item_format)(p[0] % 4);
	note = parsers[p[0] % 4](SPAN(p + 1, n - 1), &l);
	note = secrets_manifest(&l, &it, note, &r);
	if (note == NOTE_NONE)
		read_again(r.manifest);
	if (r.manifest >= 0)
		close(r.manifest);
	return 0;
}
