/*
 * measure.h: what is configured to be measured, and what came of it.
 *
 * One `struct measure` has a list of items and a result of each. measure_round() goes
 * over them once: what looks unchanged (inode, size, mtime, ctime) is not read again
 * unless that is demanded. Reading is paced, in pieces, in constant memory; between
 * pieces wait() is called, which may do other things. One file per kind of item:
 *
 *   measure.c   rounds, files and images, versions     sink.c     manifests being made
 *   tree.c      trees, the device tree                 listing.c  named values, sorted
 *   process.c   executables and libraries of processes exec.c     commands
 *   packages.c  packages, modules, units, U-Boot       config.c   normalised files
 *
 * Nothing here knows of the protocol or the agent; nothing is sent. Memory is
 * malloc()ed, since this runs in a process of its own (attester/agent/collector.h).
 */
#ifndef COLLECT_MEASURE_H
#define COLLECT_MEASURE_H

#include "path.h"

#define MEASURE_BUFFER (256u << 10)
#define MEASURE_REPORTS_MAX 64 /* keys of an item whose values are told */
#define MEASURE_VALUE_MAX 256
#define MEASURE_VERSION_MAX 64
#define MEASURE_OUTPUT_MAX (1u << 20) /* of a command, unless configured */
#define MEASURE_TIMEOUT_S 10

enum item_format { FORMAT_KEY_VALUE, FORMAT_INI, FORMAT_JSON, FORMAT_YAML };
enum item_version { VERSION_NONE, VERSION_FIXED, VERSION_FILE, VERSION_KEY, VERSION_COMMAND };

/* Texts that end with NULL; may be NULL. */
typedef char **texts;

struct item {
	char *name;
	enum software_kind kind;
	char *path;		 /* absolute; of the executable for processes */
	uint64_t offset, length; /* length 0: to the end */
	enum item_format format;
	texts drop;	 /* keys not measured; fnmatch() patterns */
	texts report;	 /* keys whose values are told */
	texts keep;	 /* keys that are no secrets, whatever their name says */
	texts exclude;	 /* of a tree: paths below it; fnmatch() patterns */
	texts command;	 /* argv; [0] is absolute */
	unsigned timeout_s;
	size_t output_max;
	enum item_version version;
	char *version_text; /* the version, the file or the key */
	texts version_command;
	bool secret;    /* must not be readable by everybody */
	bool redundant; /* U-Boot: a flag byte after the checksum */
	unsigned every; /* rounds; 0 and 1: each */
};

struct told {
	const char *key; /* the item's */
	enum software_note note;
	char value[MEASURE_VALUE_MAX + 1]; /* escaped */
};

struct result {
	bool measured; /* digest is there; else note says why not */
	enum software_note note;
	uint8_t digest[32];
	uint64_t size; /* bytes or entries */
	char version[MEASURE_VERSION_MAX + 1];
	uint64_t read_ns; /* monotonic, when the bytes were read */
	bool cached;	  /* print is of the bytes that digest is of */
	struct fingerprint print;
	int manifest;	/* descriptor, or -1 */
	int prints;	/* descriptor: fingerprints of a tree's files, or -1 */
	struct told *told;
	size_t ntold;
};

struct measure {
	int root; /* descriptor of "/" */
	const struct item *items;
	size_t n;
	struct result *results;
	uint64_t rate; /* bytes per second; 0: no limit */
	/* Come back at until_ns (monotonic), or when fd (unless -1) can be read. */
	void (*wait)(void *self, int fd, uint64_t until_ns);
	void *self;

	/* the round under way */
	bool reread;
	uint64_t round;
	size_t current; /* item at work; n: none */
	uint64_t next_ns;
	uint8_t *buffer;
};

/* wait may be NULL: then it just waits. results are the measure's. NO_MEMORY. */
ASSAY_MUST_USE enum assay_err measure_init(struct measure *m, int root, const struct item *items,
					   size_t n);
void measure_free(struct measure *m);
/* All items once. reread: whatever looks unchanged. */
void measure_round(struct measure *m, bool reread);

uint64_t measure_now_ns(void);

/* ---- for the files of each kind ---- */

/* bytes were read: waits as long as the rate asks for, and lets others run. */
void measure_pace(struct measure *m, size_t bytes);
struct stream {
	int fd;
	uint64_t offset, length; /* length 0: to the end */
};
/* SHA-256 over it; UNREADABLE. */
enum software_note measure_stream(struct measure *m, const struct stream *s, uint8_t ret[32],
				  uint64_t *ret_size);
/* A file that must not change meanwhile; st is as it was opened. CHANGED. */
enum software_note measure_steady(struct measure *m, int fd, const struct stat *st,
				  uint8_t ret[32]);
/* Whether it changed so lately that its times cannot tell a change after it. */
bool measure_is_fresh(const struct stat *st);
/* A whole file of at most max bytes, malloc()ed with a NUL behind it. */
enum software_note measure_slurp(struct measure *m, const struct item *it, size_t max,
				 struct span *ret);
/* Printable text for the wire: other bytes and backslashes as \xhh; false: too long. */
bool measure_escape(struct span s, char *ret, size_t cap);
/* Whether a text matches one of the patterns. */
bool measure_matches(texts patterns, const char *text);

enum software_note measure_tree(struct measure *m, const struct item *it, struct result *r);
enum software_note measure_process(struct measure *m, const struct item *it, struct result *r);
enum software_note measure_packages(struct measure *m, const struct item *it, struct result *r);
enum software_note measure_modules(struct measure *m, const struct item *it, struct result *r);
enum software_note measure_units(struct measure *m, const struct item *it, struct result *r);
enum software_note measure_uboot(struct measure *m, const struct item *it, struct result *r);
enum software_note measure_config(struct measure *m, const struct item *it, struct result *r);

/* ---- a manifest being made (sink.c) ---- */

struct sink {
	int fd; /* of memory */
	struct hasher h;
	uint64_t bytes, entries;
	size_t held;
	uint8_t buf[16384];
};
enum software_note sink_open(struct sink *s);
enum software_note sink_put(struct sink *s, const struct manifest_entry *e);
/* Into the result: digest, size, manifest. Frees it in any case if note is set. */
enum software_note sink_close(struct sink *s, enum software_note note, struct result *r);

/* ---- named values (listing.c) ---- */

enum listing_how {
	LISTING_HASHED, /* SHA-256 of the value */
	LISTING_TEXT,	/* the value itself */
	LISTING_SILENT, /* that it is there, and no more */
};
struct listing_entry {
	char *name;
	uint8_t *value; /* with a NUL behind it */
	size_t len;
	enum listing_how how;
};
struct listing {
	struct listing_entry *v;
	size_t n, cap, bytes;
};
#define LISTING_MAX 16384
#define LISTING_BYTES_MAX (4u << 20)

/* Copies both. TOO_LARGE, FAULT (no memory). */
enum software_note listing_add(struct listing *l, struct span name, struct span value);
/* Ascending; what occurs again is NAME#2 and so on, in the order of the file. */
enum software_note listing_sort(struct listing *l);
const struct listing_entry *listing_find(const struct listing *l, const char *name);
/* As a manifest, into the result. The listing is sorted. */
enum software_note listing_manifest(const struct listing *l, struct result *r);
void listing_free(struct listing *l);

/* ---- commands (exec.c) ---- */

struct exec {
	texts argv;
	unsigned timeout_s;
	size_t output_max;
	char *copy; /* NULL, or room for output_max + 1 bytes: the output, with a NUL */
};
struct exec_result {
	uint8_t digest[32];
	uint64_t size;
	char line[MEASURE_VALUE_MAX + 1]; /* first line of the output, as far as it fits */
};
/* No shell, a fixed environment, no input. TIMEOUT, TOO_LARGE, EXIT, UNREADABLE. */
enum software_note exec_run(struct measure *m, const struct exec *x, struct exec_result *ret);

#endif
