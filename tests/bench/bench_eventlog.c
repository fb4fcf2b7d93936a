/*
 * bench_eventlog.c: events per second through replay and facts, beside the bare hash
 * work: the extends alone, in every bank; and with them what no design that proves data
 * can avoid, one digest in every bank of the data of every event whose digest is of its
 * data. And what hostile logs of 1 MiB cost.
 *
 * Bare is wolfCrypt alone over inputs gathered beforehand. Windows of all alternate, so
 * that other load on the machine falls on all. Medians, and the worst window, of this
 * thread's processor time.
 */
#include "tests/support/unit.h"

#include "tests/support/logmade.h"
#include "verifier/appraise/bootfacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/options.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/hash.h>

#define WINDOWS 15
#define WINDOW_S 0.04
#define INPUTS_MAX 4096
#define HOSTILE_RUNS 9

struct input {
	enum wc_HashType hash;
	struct span a, b; /* hashed one after the other */
	bool extend;
};

static struct input inputs[INPUTS_MAX];
static size_t ninputs, nevents;
static struct span log_bytes;
static const uint8_t zeros[DIGEST_MAX];

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_eventlog: %s failed\n", what);
	exit(4);
}

static enum wc_HashType
wolf(uint16_t alg)
{
	switch (alg) {
	case ALG_SHA1:
		return WC_HASH_TYPE_SHA;
	case ALG_SHA256:
		return WC_HASH_TYPE_SHA256;
	case ALG_SHA384:
		return WC_HASH_TYPE_SHA384;
	default:
		return WC_HASH_TYPE_SHA512;
	}
}

static void
add_input(uint16_t alg, struct span a, struct span b)
{
	must(ninputs < INPUTS_MAX, "keeping an input");
	inputs[ninputs++] = (struct input){wolf(alg), a, b, b.n != 0};
}

static void
gather(struct span log)
{
	struct bootreader reader;
	struct eventlog l;
	struct event raw;

	log_bytes = log;
	ninputs = nevents = 0;
	must(eventlog_open(log, false, &l) == ASSAY_OK, "opening a log");
	bootreader_init(&reader, l.format, ALG_NONE);
	while (eventlog_next(&l, &raw)) {
		struct bootevent ev;

		bootevent_read(&reader, &raw, &ev);
		nevents++;
		for (size_t i = 0; i < raw.ndigests && raw.type != EV_NO_ACTION; i++) {
			const struct event_digest *d = &raw.digests[i];

			add_input(d->alg, SPAN(zeros, d->bytes.n), d->bytes);
			if (ev.status == BOOTEVENT_PROVED)
				add_input(d->alg, raw.data, SPAN(NULL, 0));
		}
	}
}

static bool
hash_inputs(bool extends_only)
{
	for (size_t i = 0; i < ninputs; i++) {
		uint8_t out[DIGEST_MAX];
		wc_HashAlg h;

		if (extends_only && !inputs[i].extend)
			continue;
		if (wc_HashInit(&h, inputs[i].hash) != 0 ||
		    wc_HashUpdate(&h, inputs[i].hash, inputs[i].a.p, (word32)inputs[i].a.n) != 0 ||
		    (inputs[i].b.n != 0 && wc_HashUpdate(&h, inputs[i].hash, inputs[i].b.p,
							 (word32)inputs[i].b.n) != 0) ||
		    wc_HashFinal(&h, inputs[i].hash, out) != 0)
			return false;
	}
	return true;
}

static bool
extends(void)
{
	return hash_inputs(true);
}

static bool
bare(void)
{
	return hash_inputs(false);
}

static bool
ours(void)
{
	static struct eventlog_replay run;
	static struct boot_facts facts;

	return eventlog_replay(log_bytes, false, &run) == ASSAY_OK &&
	       bootfacts_read(log_bytes, false, ALG_NONE, &facts) == ASSAY_OK;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds for one call, averaged over a window. */
static double
window(bool (*f)(void))
{
	double start = now(), t;
	unsigned n = 0;

	do {
		must(f(), "a run");
		n++;
		t = now() - start;
	} while (t < WINDOW_S);
	return t / n;
}

static int
ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
compare(const char *name)
{
	static bool (*const what[3])(void) = {extends, bare, ours};
	double t[3][WINDOWS], mid[3], n = (double)nevents;

	for (unsigned w = 0; w < WINDOWS; w++)
		for (unsigned i = 0; i < 3; i++)
			t[i][w] = window(what[i]);
	for (unsigned i = 0; i < 3; i++) {
		qsort(t[i], WINDOWS, sizeof t[i][0], ascending);
		mid[i] = t[i][WINDOWS / 2];
	}
	printf("%-16s %5zu %6zu %10.0f %10.0f %10.0f %8.1f us %7.2f %7.2f\n", name, nevents,
	       log_bytes.n, n / mid[0], n / mid[1], n / mid[2], t[2][WINDOWS - 1] * 1e6,
	       mid[0] / mid[2], mid[1] / mid[2]);
}

static void
compare_file(const char *name, const char *shown)
{
	struct span log = unit_data(name);

	gather(log);
	compare(shown);
	unit_free(log);
}

/* ---- hostile logs -------------------------------------------------------- */

/* As many copies of one event as fit, or as the limit allows. */
static struct span
repeated(const uint16_t *algs, size_t nalgs, uint32_t type, struct span data)
{
	static uint8_t big[EVENTLOG_MAX];
	static struct made head, one;
	struct writer w;
	size_t copies = 1;

	made_begin(&head, algs, nalgs, 0);
	wr_init(&w, big, sizeof big);
	wr_bytes(&w, made_log(&head));
	one.algs = algs;
	one.nalgs = nalgs;
	wr_init(&one.w, one.buf, sizeof one.buf);
	made_event_of(&one, (const uint32_t[2]){7, type}, data, SPAN("x", 1));
	while (copies++ < EVENTLOG_EVENTS_MAX && made_log(&one).n <= sizeof big - w.len)
		wr_bytes(&w, made_log(&one));
	return wr_span(&w);
}

/* One event as large as a log may be. */
static struct span
one_large(const uint16_t *algs, size_t nalgs, uint32_t type)
{
	static uint8_t big[EVENTLOG_MAX];
	static struct made m;
	struct writer w, size;
	size_t head;

	memset(big, 'A', sizeof big);
	made_begin(&m, algs, nalgs, 0);
	made_event_of(&m, (const uint32_t[2]){7, type}, SPAN(NULL, 0), SPAN("x", 1));
	wr_init(&w, big, sizeof big);
	wr_bytes(&w, made_log(&m));
	head = w.len;
	wr_init(&size, big + head - 4, 4);
	wr_le32(&size, (uint32_t)(sizeof big - head));
	return SPAN(big, sizeof big);
}

static void
hostile(const char *name, struct span log)
{
	double t[HOSTILE_RUNS];

	log_bytes = log;
	for (unsigned i = 0; i < HOSTILE_RUNS; i++) {
		double start = now();

		must(ours(), "a hostile log");
		t[i] = now() - start;
	}
	qsort(t, HOSTILE_RUNS, sizeof t[0], ascending);
	printf("%-40s %7zu bytes  median %6.1f ms  worst %6.1f ms\n", name, log.n,
	       t[HOSTILE_RUNS / 2] * 1e3, t[HOSTILE_RUNS - 1] * 1e3);
}

int
main(void)
{
	static const uint16_t five[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512,
					ALG_SM3_256};
	static const uint8_t variable[64] = {0};

	printf("boot logs: replay and facts, one thread, wolfSSL %s\n",
	       LIBWOLFSSL_VERSION_STRING);
	printf("%-16s %5s %6s %10s %10s %10s %11s %7s %7s\n", "events/s", "log", "bytes",
	       "extends", "with data", "ours", "worst log", "to ext.", "to both");
	compare_file("eventlog/uki-sha256only.bin", "UKI, SHA-256");
	compare_file("eventlog/uki-good.bin", "UKI, two banks");
	compare_file("eventlog/grub-good.bin", "GRUB, two banks");
	compare_file("eventlog/sb-shim-good.bin", "shim, two banks");
	compare_file("eventlog/uki-allbanks.bin", "UKI, four banks");
	printf("\nhostile logs of 1 MiB\n");
	hostile("empty events, SHA-1", repeated(five, 1, EV_SEPARATOR, SPAN(NULL, 0)));
	hostile("empty events, five banks", repeated(five, 5, EV_SEPARATOR, SPAN(NULL, 0)));
	hostile("variables, five banks",
		repeated(five, 5, EV_EFI_VARIABLE_DRIVER_CONFIG, SPAN(variable, 64)));
	hostile("GRUB commands, five banks",
		repeated(five, 5, EV_IPL, SPAN("grub_cmd: linux a b c d e f", 27)));
	hostile("one large variable, five banks",
		one_large(five, 5, EV_EFI_VARIABLE_DRIVER_CONFIG));
	hostile("one large boot loader text, five banks", one_large(five, 5, EV_IPL));
	hostile("one large tag, five banks", one_large(five, 5, EV_EVENT_TAG));
	return 0;
}
