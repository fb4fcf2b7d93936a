/*
 * software.h: what is said of software: kinds of items, words for what went wrong, and
 * the manifest, the canonical list behind the digest of an item that has parts.
 *
 * An item of Claims is either measured (alg and digest, no note) or not (a note, no
 * digest); one with neither only tells a version. The digest of a kind with manifest
 * is SHA-256 over the manifest's bytes, so that the manifest, sent on demand
 * (PART_FILES), proves itself against the signed claims:
 *
 *   "ASSAY-MANIFEST-1", then entries, each path once, ascending:
 *   u8 type || be32 mode || be32 uid || be32 gid || be64 size ||
 *   u8 digest length (0 or 32) || digest || be16 length || path || be16 length || text
 *
 * Paths compare as bytes with '/' taken as 0, which is the order of a walk that sorts
 * each directory; the root of a tree is "/", everything below it has no leading '/'.
 *
 *   type 'f' regular file: mode (permission bits), owner, size, SHA-256 of the content
 *        'd' directory: mode and owner; 'l' symbolic link: owner, text is where it leads
 *        'c' 'b' device: size is (major << 32 | minor); 'p' pipe, 's' socket
 *        'i' something with a name: text is its value, digest SHA-256 of a value that
 *            is not told; mode, owner and size are 0
 *
 * This module compares and walks; which files are read is the attester's business, and
 * what a difference means the verifier's.
 */
#ifndef EVIDENCE_SOFTWARE_H
#define EVIDENCE_SOFTWARE_H

#include "digest.h"

/* X(ID, "kind", has a manifest, "what is measured") */
#define SOFTWARE_KINDS(X)                                                                          \
	X(FILE, "file", 0, "the bytes of a file")                                                  \
	X(IMAGE, "image", 0, "bytes of a partition, MTD device or image file")                     \
	X(MEMORY, "memory", 0, "bytes of memory, by an embedding program")                         \
	X(COMMAND, "command", 0, "what a command writes to its standard output")                   \
	X(TREE, "tree", 1, "a directory with all that is below it")                                \
	X(CONFIG, "config", 1, "keys and values of a configuration file, without those dropped")   \
	X(PROCESS, "process", 1, "a running process's executable and mapped libraries")            \
	X(PACKAGES, "packages", 1, "installed packages and their versions (Debian, opkg)")         \
	X(MODULES, "modules", 1, "kernel modules loaded, and their versions")                      \
	X(UBOOT, "uboot-env", 1, "variables of the U-Boot environment, without those dropped")     \
	X(DEVICETREE, "devicetree", 1, "nodes and properties of the device tree")                  \
	X(UNITS, "units", 1, "systemd units that are enabled")

enum software_kind {
	SOFTWARE_NONE = 0,
#define X(id, name, manifest, doc) SOFTWARE_##id,
	SOFTWARE_KINDS(X)
#undef X
	SOFTWARE_KIND_COUNT
};

/* X(ID, "note", "what it says"). A note of an item or of a setting; no digest and no
 * value goes with it. */
#define SOFTWARE_NOTES(X)                                                                          \
	X(CHANGED, "changed-while-read", "it changed while it was read")                           \
	X(ABSENT, "missing", "there is no such file, process or key")                              \
	X(SYMLINK, "symlink", "a symbolic link stands where none may be")                          \
	X(UNREADABLE, "unreadable", "it cannot be read")                                           \
	X(TYPE, "wrong-type", "it is not what the kind says (a directory for a file...)")          \
	X(TOO_LARGE, "too-large", "it exceeds a limit")                                            \
	X(TIMEOUT, "time-out", "it took too long")                                                 \
	X(EXIT, "failed", "the command did not end with status 0")                                 \
	X(MALFORMED, "malformed", "it cannot be parsed")                                           \
	X(EXPOSED, "world-readable", "a file of secrets that everybody may read; refused")         \
	X(SECRET, "secret", "the key is on the list of secrets; its value is never told")          \
	X(PENDING, "not-yet-measured", "its turn has not come yet")                                \
	X(FAULT, "fault", "the attester has a fault of its own")

enum software_note {
	NOTE_NONE = 0,
#define X(id, name, doc) NOTE_##id,
	SOFTWARE_NOTES(X)
#undef X
	NOTE_COUNT
};

/* Words of the wire; "" for NONE and what is out of range. */
const char *software_kind_name(enum software_kind k);
const char *software_note_name(enum software_note n);
/* NONE if there is no such word. */
enum software_kind software_kind_by_name(struct span name);
enum software_note software_note_by_name(struct span name);
bool software_kind_has_manifest(enum software_kind k);
/* One line for people about a note. */
const char *software_note_text(enum software_note n);

#define MANIFEST_MAGIC "ASSAY-MANIFEST-1"
#define MANIFEST_MAGIC_SIZE 16
#define MANIFEST_MAX (4u << 20) /* bytes */
#define MANIFEST_ENTRIES_MAX 65536
#define MANIFEST_PATH_MAX 1024
#define MANIFEST_TEXT_MAX 1024
#define MANIFEST_DIGEST_SIZE 32
#define MANIFEST_ENTRY_MAX (26 + MANIFEST_DIGEST_SIZE + 4 + MANIFEST_PATH_MAX + MANIFEST_TEXT_MAX)

struct manifest_entry {
	uint8_t type;
	uint32_t mode, uid, gid;
	uint64_t size;
	struct span digest; /* 32 bytes, or empty */
	struct span path, text;
};

/* An entry's bytes. MALFORMED: not of this form (unknown type, path with NUL or
 * empty...). TOO_LARGE: path or text. FULL. */
ASSAY_MUST_USE enum assay_err manifest_encode(const struct manifest_entry *e, uint8_t *ret,
					      size_t cap, size_t *ret_len);
/* <0, 0, >0 in the order of manifests. */
int manifest_order(struct span a, struct span b);

/* A walk through a manifest; all of it is the caller's to read. */
struct manifest {
	struct reader r;
	uint32_t count;
	struct span last; /* path of the entry before */
};
void manifest_open(struct manifest *m, struct span bytes);
/* False at the end, or at the first fault: manifest_close() tells which. Spans point
 * into the manifest, and path and text are hostile bytes. */
bool manifest_next(struct manifest *m, struct manifest_entry *ret);
/* OK if all of it was walked and was sound. BAD_MAGIC, TRUNCATED, MALFORMED (also order),
 * DUPLICATE, TOO_LARGE, TOO_MANY. */
ASSAY_MUST_USE enum assay_err manifest_close(const struct manifest *m);

enum manifest_change_kind { MANIFEST_ADDED, MANIFEST_REMOVED, MANIFEST_CHANGED };
/* what changed, of MANIFEST_CHANGED */
#define MANIFEST_TYPE 1u
#define MANIFEST_MODE 2u
#define MANIFEST_OWNER 4u
#define MANIFEST_CONTENT 8u /* size, digest or text */

struct manifest_change {
	enum manifest_change_kind kind;
	unsigned what;
	struct manifest_entry before, after; /* of ADDED only after, of REMOVED only before */
};

/* Two manifests side by side, in one pass without memory. */
struct manifest_diff {
	struct manifest a, b;
	struct manifest_entry ea, eb;
	bool has_a, has_b;
};
void manifest_diff_open(struct manifest_diff *d, struct span before, struct span after);
/* The next difference; false at the end or at a fault, see manifest_diff_close(). */
bool manifest_diff_next(struct manifest_diff *d, struct manifest_change *ret);
ASSAY_MUST_USE enum assay_err manifest_diff_close(const struct manifest_diff *d);

#endif
