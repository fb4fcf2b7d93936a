/*
 * bench_ledger_ima.c: what IMA lists cost the ledger: 10,000 devices that booted the same
 * 2,000 entries, then rounds of 20 new entries of some of them.
 *
 * Prints the file's size over that of a ledger with the same devices and no lists, and the
 * time per list and per round beside the bare SHA-256 of the same entries.
 */
#include "tests/support/ledgers.h"

#include "evidence/digest.h"
#include "evidence/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEVICES_MAX 10000 /* or as the first argument says */
#define ENTRIES 2000
#define ENTRY_BYTES 125
#define ROUNDS 60
#define ROUND_ENTRIES 20
#define ROUND_DEVICES 20
#define BATCH 500 /* devices in one commit */
#define SIZE_MOST (50u << 20)

static struct ledger *ledger;
static unsigned devices = DEVICES_MAX;
static char device[DEVICES_MAX][DEVICE_ID_HEX + 1];
static uint8_t bytes[ENTRIES * ENTRY_BYTES], lengths[4 * ENTRIES];

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_ledger_ima: %s failed\n", what);
	exit(4);
}

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* n entries, each another than all others of this seed and of other seeds. */
static struct ledger_ima_batch
batch(const char *id, unsigned seed, unsigned n, uint64_t from)
{
	struct writer b, l;

	wr_init(&b, bytes, sizeof bytes);
	wr_init(&l, lengths, sizeof lengths);
	for (unsigned i = 0; i < n; i++) {
		uint8_t entry[ENTRY_BYTES] = {0};

		memcpy(entry, &seed, sizeof seed);
		memcpy(entry + sizeof seed, &i, sizeof i);
		wr_bytes(&b, SPAN(entry, sizeof entry));
		wr_be32(&l, ENTRY_BYTES);
	}
	return (struct ledger_ima_batch){.device = id, .class_name = "gateway", .now = 1000,
					 .from = from, .bytes = wr_span(&b),
						 .lengths = wr_span(&l)};
}

static long long
size_of(const char *path)
{
	struct stat s;

	ledger_close(ledger); /* what is in the WAL goes into the file */
	must(stat(path, &s) == 0, "stat");
	must(ledger_open(path, ledgers_key, &ledger, NULL) == ASSAY_OK, "opening");
	return (long long)s.st_size;
}

static void
add_devices(void)
{
	must(ledger_begin(ledger) == ASSAY_OK, "begin");
	for (unsigned i = 0; i < devices; i++) {
		struct ledger_device d = ledgers_device(i + 1);

		must(ledger_device_insert(ledger, &d) == ASSAY_OK, "a device");
		memcpy(device[i], d.id, sizeof d.id);
	}
	must(ledger_commit(ledger) == ASSAY_OK, "commit");
}

static double
add_lists(void)
{
	struct ledger_ima_batch b = batch("", 1, ENTRIES, 0);
	double start = cpu();
	uint64_t first;

	for (unsigned i = 0; i < devices; i++) {
		b.device = device[i];
		if (i % BATCH == 0)
			must(ledger_begin(ledger) == ASSAY_OK, "begin");
		must(ledger_ima_append(ledger, &b, &first) == ASSAY_OK, "a list");
		if (i % BATCH == BATCH - 1)
			must(ledger_commit(ledger) == ASSAY_OK, "commit");
	}
	return (cpu() - start) / devices;
}

static double
add_rounds(void)
{
	double start = cpu();
	uint64_t first;

	for (unsigned r = 0; r < ROUNDS; r++) {
		must(ledger_begin(ledger) == ASSAY_OK, "begin");
		for (unsigned i = 0; i < ROUND_DEVICES; i++) {
			struct ledger_ima_batch b = batch(device[i], 2 + r * ROUND_DEVICES + i,
							  ROUND_ENTRIES,
							  ENTRIES + r * ROUND_ENTRIES);

			must(ledger_ima_append(ledger, &b, &first) == ASSAY_OK, "a round");
		}
		must(ledger_commit(ledger) == ASSAY_OK, "commit");
	}
	return (cpu() - start) / (ROUNDS * ROUND_DEVICES);
}

static double
bare(unsigned n)
{
	double start = cpu();
	uint8_t d[32];

	for (unsigned i = 0; i < n; i++)
		must(digest_sha256(SPAN(bytes, ENTRY_BYTES), d) == ASSAY_OK, "hash");
	return cpu() - start;
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/assay-bench-XXXXXX", path[64], head[64];
	long long empty, lists;
	double list_s, round_s;

	if (argc > 1)
		devices = (unsigned)strtoul(argv[1], NULL, 10);
	must(devices >= ROUND_DEVICES && devices <= DEVICES_MAX && devices % BATCH == 0,
	     "the number of devices");
	must(mkdtemp(dir) != NULL, "a folder");
	snprintf(path, sizeof path, "%s/x.db", dir);
	snprintf(head, sizeof head, "%s/x.head", dir);
	must(ledger_create(path, ledgers_key, NULL) == ASSAY_OK &&
		     ledger_open(path, ledgers_key, &ledger, NULL) == ASSAY_OK, "a ledger");
	add_devices();
	empty = size_of(path);
	list_s = add_lists();
	lists = size_of(path);
	round_s = add_rounds();
	printf("%u devices with the same %d entries: ledger %.1f MB, %.1f MB of it for their "
	       "lists\n",
	       devices, ENTRIES, (double)lists / 1e6, (double)(lists - empty) / 1e6);
	printf("a list of %d entries that is known: %.2f ms (bare SHA-256 of its entries %.2f "
	       "ms)\n",
	       ENTRIES, list_s * 1e3, bare(ENTRIES) * 1e3);
	printf("a round of %d entries that nobody had: %.3f ms (bare SHA-256 %.3f ms)\n",
	       ROUND_ENTRIES, round_s * 1e3, bare(ROUND_ENTRIES) * 1e3);
	printf("%d rounds of %d devices: %.2f MB more, %.0f bytes an entry\n", ROUNDS,
	       ROUND_DEVICES,
	       (double)(size_of(path) - lists) / 1e6,
	       (double)(size_of(path) - lists) / (ROUNDS * ROUND_DEVICES * ROUND_ENTRIES));
	ledger_close(ledger);
	unlink(path);
	unlink(head);
	rmdir(dir);
	return lists < (long long)SIZE_MOST ? 0 : 1;
}
