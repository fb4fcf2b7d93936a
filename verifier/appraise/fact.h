/*
 * fact.h: the vocabulary: every fact a policy may name, its type and its provenance.
 *
 * One table for the appraiser, the policy compiler and docs/policy.md. Provenance
 * is compiled in: neither evidence nor policy can raise it (DESIGN.md, "Trust").
 * Numbers (enum fact_id) are internal to one build of the verifier; names are API.
 */
#ifndef APPRAISE_FACT_H
#define APPRAISE_FACT_H

#include "evidence/health.h"
#include "verdict.h"

enum fact_type {
	FACT_BOOL = 0,
	FACT_NUMBER,
	FACT_TEXT,
	FACT_DIGEST, /* text "sha256:HEX" */
	FACT_TIME,   /* seconds since the epoch */
	FACT_LIST,   /* words with blanks between */
	FACT_INTEGER, /* a number that may be negative */
	FACT_TYPE_COUNT
};
const char *fact_type_name(enum fact_type t);

/* X(ID, "name", TYPE, PROVENANCE, SCOPE, indexed, "what it says"). A "*" in a name is
 * any text: what it stands for is the fact's instance ("software.*.version"). */
#define FACTS(X)                                                                               \
	X(CHANNEL_BOUND, "channel.bound", BOOL, VERIFIER, ROUND, 0,                            \
	  "the evidence is bound to the TLS channel it came by")                               \
	X(DEVICE_CLASS, "device.class", TEXT, RECORD, ROUND, 0,                                \
	  "class that operators gave the device")                                              \
	X(DEVICE_TIER, "device.tier", TEXT, RECORD, ROUND, 0,                                  \
	  "what holds the key: tpm, virtual-tpm, dice, token, software")                       \
	X(DEVICE_NEW_AK, "device.new_ak", BOOL, RECORD, ROUND, 0,                              \
	  "the same TPM came back with another attestation key, not yet confirmed")            \
	X(EK_CERTIFICATE, "ek.certificate", BOOL, RECORD, ROUND, 0,                            \
	  "the EK has a certificate")                                                          \
	X(EK_TRUSTED, "ek.trusted", BOOL, RECORD, ROUND, 0,                                    \
	  "the EK certificate leads to a trusted root")                                        \
	X(EK_ALLOW_LISTED, "ek.allow_listed", BOOL, RECORD, ROUND, 0,                          \
	  "the EK is on the allow-list")                                                       \
	X(EK_EXPIRED, "ek.expired", BOOL, RECORD, ROUND, 0,                                    \
	  "the EK certificate had expired at enrolment")                                       \
	X(EK_ISSUER_EXPIRED, "ek.issuer_expired", BOOL, RECORD, ROUND, 0,                      \
	  "an issuer of the EK certificate had expired at enrolment")                          \
	X(EK_VIRTUAL_TPM, "ek.virtual_tpm", BOOL, RECORD, ROUND, 0,                            \
	  "the EK belongs to a virtual TPM")                                                   \
	X(EK_WEAK, "ek.weak", BOOL, RECORD, ROUND, 0, "the EK is of a known-weak kind")        \
	X(EK_REASON, "ek.reason", TEXT, RECORD, ROUND, 0,                                      \
	  "what became of the EK certificate's check")                                         \
	X(EK_MANUFACTURER, "ek.manufacturer", TEXT, RECORD, ROUND, 0,                          \
	  "TPM manufacturer, from the certificate")                                            \
	X(EK_MODEL, "ek.model", TEXT, RECORD, ROUND, 0, "TPM model, from the certificate")     \
	X(EK_VERSION, "ek.version", TEXT, RECORD, ROUND, 0,                                    \
	  "TPM firmware version, from the certificate")                                        \
	X(EK_SERIAL, "ek.serial", TEXT, RECORD, ROUND, 0,                                      \
	  "serial number of the EK certificate")                                               \
	X(EK_ISSUER, "ek.issuer", TEXT, RECORD, ROUND, 0, "issuer of the EK certificate")      \
	X(EK_NOT_AFTER, "ek.not_after", TIME, RECORD, ROUND, 0,                                \
	  "when the EK certificate expires")                                                   \
	X(DEVICE_COPIED, "device.copied", BOOL, RECORD, ROUND, 0,                              \
	  "the key was live in two places, and no operator has released the device since")     \
	X(KEY_TYPE, "key.type", TEXT, RECORD, ROUND, 0,                                        \
	  "of devices without TPM: ecdsa-p256, ecdsa-p384, ed25519 or rsa")                    \
	X(KEY_CERTIFIED, "key.certified", BOOL, RECORD, ROUND, 0,                              \
	  "the identity key has a certificate of a registered CA")                             \
	X(KEY_REASON, "key.reason", TEXT, RECORD, ROUND, 0,                                    \
	  "what became of the check of the key's certificate")                                 \
	X(KEY_ISSUER, "key.issuer", TEXT, RECORD, ROUND, 0,                                    \
	  "issuer of the key's certificate")                                                   \
	X(KEY_SERIAL, "key.serial", TEXT, RECORD, ROUND, 0,                                    \
	  "serial number of the key's certificate")                                            \
	X(START_COUNT, "start.count", NUMBER, CLAIMED, ROUND, 0,                               \
	  "of devices without TPM: how often the agent was started")                           \
	X(START_ROUND, "start.round", NUMBER, CLAIMED, ROUND, 0,                               \
	  "of devices without TPM: rounds of evidence since that start")                       \
	X(DICE_LAYERS, "dice.layers", NUMBER, DICE, ROUND, 0,                                  \
	  "measured layers of the DICE chain")                                                 \
	X(DICE_NORMAL, "dice.normal", BOOL, DICE, ROUND, 0,                                    \
	  "all of them are in normal mode")                                                    \
	X(DICE_SIGNER, "dice.signer", DIGEST, DICE, ROUND, 0,                                  \
	  "SHA-256 of the key that signs, at the end of the chain")                            \
	X(DICE_MODE, "dice.mode", TEXT, DICE, ROUND, 8,                                        \
	  "mode of a layer: normal, debug, recovery, not-configured or unknown")               \
	X(DICE_CODE, "dice.code", DIGEST, DICE, ROUND, 8,                                      \
	  "hash of a layer's code")                                                            \
	X(DICE_CONFIG, "dice.config", DIGEST, DICE, ROUND, 8,                                  \
	  "hash of a layer's configuration, or the 64 bytes that it is")                       \
	X(DICE_AUTHORITY, "dice.authority", DIGEST, DICE, ROUND, 8,                            \
	  "hash of who authorised a layer's code")                                             \
	X(DICE_SVN, "dice.svn", NUMBER, DICE, ROUND, 8,                                        \
	  "security version of a layer (DiceTcbInfo)")                                         \
	X(QUOTE_BANKS, "quote.banks", LIST, TPM, ROUND, 0,                                     \
	  "the PCR banks quoted, by name, with blanks")                                        \
	X(QUOTE_SHA1_ONLY, "quote.sha1_only", BOOL, TPM, ROUND, 0,                             \
	  "no bank but SHA-1 was quoted")                                                      \
	X(QUOTE_RESET_COUNT, "quote.reset_count", NUMBER, TPM, ROUND, 0,                       \
	  "TPM resets since it was cleared")                                                   \
	X(QUOTE_RESTART_COUNT, "quote.restart_count", NUMBER, TPM, ROUND, 0,                   \
	  "TPM restarts since its reset")                                                      \
	X(QUOTE_CLOCK, "quote.clock", NUMBER, TPM, ROUND, 0,                                   \
	  "the TPM's clock, in milliseconds")                                                  \
	X(QUOTE_CLOCK_SAFE, "quote.clock_safe", BOOL, TPM, ROUND, 0,                           \
	  "the clock has surely not gone back (no sudden loss of power)")                      \
	X(QUOTE_FIRMWARE_VERSION, "quote.firmware_version", NUMBER, TPM, ROUND, 0,             \
	  "the TPM's firmware version, as it signs it")                                        \
	X(PCR, "pcr", DIGEST, TPM, BOOT, PCR_COUNT,                                            \
	  "a PCR's quoted value, in any quoted bank")                                          \
	X(CONTINUITY_FIRST, "continuity.first", BOOL, VERIFIER, ROUND, 0,                      \
	  "nothing was known of the device before this round")                                 \
	X(CONTINUITY_REBOOTED, "continuity.rebooted", BOOL, TPM, ROUND, 0,                     \
	  "the TPM was reset or restarted since the round before")                             \
	X(BOOT_LOG, "boot.log", BOOL, REPLAYED, BOOT, 0,                                       \
	  "there is a boot log that leads to the quoted PCRs")                                 \
	X(BOOT_LOG_DIGEST, "boot.log_digest", DIGEST, CLAIMED, BOOT, 0,                        \
	  "digest of the boot log's bytes")                                                    \
	X(BOOT_EVENTS, "boot.events", NUMBER, CLAIMED, LOG, 0,                                 \
	  "records in the boot log")                                                           \
	X(BOOT_COMPLETE, "boot.complete", BOOL, REPLAYED, LOG, 0,                              \
	  "the log has the separators of PCR 0 to 7")                                          \
	X(BOOT_SECURE_BOOT, "boot.secure_boot", BOOL, REPLAYED, LOG, 0,                        \
	  "Secure Boot is enabled; missing unless the log proves it either way")               \
	X(BOOT_SETUP_MODE, "boot.setup_mode", BOOL, REPLAYED, LOG, 0,                          \
	  "the firmware is in Setup Mode")                                                     \
	X(BOOT_AUDIT_MODE, "boot.audit_mode", BOOL, REPLAYED, LOG, 0,                          \
	  "the firmware is in Audit Mode")                                                     \
	X(BOOT_DEPLOYED_MODE, "boot.deployed_mode", BOOL, REPLAYED, LOG, 0,                    \
	  "the firmware is in Deployed Mode")                                                  \
	X(BOOT_DEBUGGER, "boot.debugger", BOOL, REPLAYED, LOG, 0,                              \
	  "the firmware measured that a debugger may be attached")                             \
	X(BOOT_DMA_PROTECTION_OFF, "boot.dma_protection_off", BOOL, REPLAYED, LOG, 0,          \
	  "the firmware measured that DMA protection is disabled")                             \
	X(BOOT_PK, "boot.pk", DIGEST, REPLAYED, LOG, 0, "digest of Secure Boot's variable PK") \
	X(BOOT_KEK, "boot.kek", DIGEST, REPLAYED, LOG, 0,                                      \
	  "digest of Secure Boot's variable KEK")                                              \
	X(BOOT_DB, "boot.db", DIGEST, REPLAYED, LOG, 0, "digest of Secure Boot's variable db") \
	X(BOOT_DBX, "boot.dbx", DIGEST, REPLAYED, LOG, 0,                                      \
	  "digest of Secure Boot's variable dbx")                                              \
	X(BOOT_DBX_ENTRIES, "boot.dbx_entries", NUMBER, REPLAYED, LOG, 0,                      \
	  "revocations in dbx")                                                                \
	X(BOOT_FIRMWARE_VERSION, "boot.firmware_version", TEXT, REPLAYED, LOG, 0,              \
	  "the firmware's version, as it measured it")                                         \
	X(BOOT_CMDLINE, "boot.cmdline", TEXT, REPLAYED, LOG, 0,                                \
	  "the kernel's command line; missing where only its digest was measured")             \
	X(BOOT_CMDLINE_DIGEST, "boot.cmdline_digest", DIGEST, CLAIMED, LOG, 0,                 \
	  "digest measured of what the log says is the kernel's command line")                 \
	X(BOOT_CMDLINES, "boot.cmdlines", NUMBER, CLAIMED, LOG, 0,                             \
	  "how many kernel command lines were measured")                                       \
	X(BOOT_INITRD_DIGEST, "boot.initrd_digest", DIGEST, CLAIMED, LOG, 0,                   \
	  "digest measured of what the log says is the initrd")                                \
	X(BOOT_IMAGES, "boot.images", NUMBER, CLAIMED, LOG, 0,                                 \
	  "EFI images that were loaded")                                                       \
	X(BOOT_IMAGE, "boot.image", DIGEST, CLAIMED, LOG, 24,                                  \
	  "Authenticode digest of an EFI image, in the order of loading")                      \
	X(BOOT_OPTION_ROMS, "boot.option_roms", NUMBER, CLAIMED, LOG, 0,                       \
	  "option ROMs that were loaded")                                                      \
	X(BOOT_DB_CERTIFICATES, "boot.db_certificates", LIST, REPLAYED, LOG, 0,                \
	  "SHA-256 of each certificate in Secure Boot's variable db, in its order")            \
	X(BOOT_EXIT, "boot.exit_boot_services", BOOL, REPLAYED, LOG, 0,                        \
	  "the end of boot services was measured; false: that it failed")                      \
	X(BOOT_MACHINE, "boot.machine", TEXT, CLAIMED, LOG, 0,                                 \
	  "virtual or physical, by what the log says of the firmware")                         \
	X(BOOT_PCRS, "boot.pcrs", LIST, REPLAYED, LOG, 0,                                      \
	  "the PCRs whose quoted values the boot log leads to")                                \
	X(AGENT, "agent", TEXT, CLAIMED, ROUND, 0, "name and version of the agent")            \
	X(SOFTWARE_VERSION, "software.*.version", TEXT, CLAIMED, ROUND, 0,                     \
	  "version of an item of software, as the agent says it")                              \
	X(SOFTWARE_DIGEST, "software.*.digest", DIGEST, CLAIMED, ROUND, 0,                     \
	  "what the agent measured of an item of software")                                    \
	X(SOFTWARE_KIND, "software.*.kind", TEXT, CLAIMED, ROUND, 0,                           \
	  "what an item of software is: file, tree, partition ...")                            \
	X(SOFTWARE_CHANGING, "software.*.changed_while_read", BOOL, CLAIMED, ROUND, 0,         \
	  "an item of software changed while it was read")                                     \
	X(IMA_ENTRIES, "ima.entries", NUMBER, REPLAYED, ROUND, 0,                              \
	  "entries of this boot's IMA list, as far as PCR 10 proves it")                       \
	X(IMA_STRENGTH, "ima.strength", TEXT, REPLAYED, ROUND, 0,                              \
	  "hash on which the proof of the list rests: sha1, sha256 ...")                       \
	X(IMA_BOOT_AGGREGATE, "ima.boot_aggregate", BOOL, REPLAYED, ROUND, 0,                  \
	  "the list begins with the boot_aggregate of the quoted PCRs")                        \
	X(IMA_BOOT_AGGREGATES, "ima.boot_aggregates", NUMBER, REPLAYED, ROUND, 0,              \
	  "entries named boot_aggregate; more than one: kexec")                                \
	X(IMA_VIOLATIONS, "ima.violations", NUMBER, REPLAYED, ROUND, 0,                        \
	  "files that were written while they were measured")                                  \
	X(IMA_FILES, "ima.files", NUMBER, REPLAYED, ROUND, 0,                                  \
	  "files that were judged")                                                            \
	X(IMA_UNKNOWN_FILES, "ima.unknown_files", NUMBER, REPLAYED, ROUND, 0,                  \
	  "files that are in no allow-list")                                                   \
	X(IMA_KNOWN_BAD_FILES, "ima.known_bad_files", NUMBER, REPLAYED, ROUND, 0,              \
	  "files that are known as bad")                                                       \
	X(IMA_WRONG_DIGESTS, "ima.wrong_digests", NUMBER, REPLAYED, ROUND, 0,                  \
	  "files that are not those of their paths")                                           \
	X(IMA_UNSIGNED_FILES, "ima.unsigned_files", NUMBER, REPLAYED, ROUND, 0,                \
	  "files without the signature that they need")                                        \
	X(IMA_BAD_SIGNATURES, "ima.bad_signatures", NUMBER, REPLAYED, ROUND, 0,                \
	  "files whose signature does not verify")                                             \
	X(IMA_SIGNED_FILES, "ima.signed_files", NUMBER, REPLAYED, ROUND, 0,                    \
	  "signatures that verified")                                                          \
	X(IMA_IGNORED_FILES, "ima.ignored_files", NUMBER, REPLAYED, ROUND, 0,                  \
	  "files that policy does not judge")                                                  \
	X(IMA_KEXEC, "ima.kexec", NUMBER, REPLAYED, ROUND, 0,                                  \
	  "measurements of a kernel that was loaded for kexec")                                \
	X(IMA_KEYS, "ima.keys", NUMBER, REPLAYED, ROUND, 0,                                    \
	  "keys whose loading was measured")                                                   \
	X(IMA_KEYS_REFUSED, "ima.keys_refused", NUMBER, REPLAYED, ROUND, 0,                    \
	  "of those, keys that no keyring of the policy has")                                  \
	X(IMA_DM, "ima.dm", NUMBER, REPLAYED, ROUND, 0,                                        \
	  "measurements of device-mapper targets")                                             \
	X(IMA_CRITICAL, "ima.critical", NUMBER, REPLAYED, ROUND, 0,                            \
	  "measurements of other critical data of the kernel")                                 \
	X(IMA_UNKNOWN, "ima.unknown", TEXT, REPLAYED, ROUND, 16,                               \
	  "a file in no allow-list, first seen in this round")                                 \
	X(IMA_KEXEC_CMDLINE, "ima.kexec_cmdline", TEXT, REPLAYED, ROUND, 0,                    \
	  "command line of the kernel loaded last for kexec, in this round")                   \
	X(IMA_KEY, "ima.key", TEXT, REPLAYED, ROUND, 8,                                        \
	  "keyring and subject of a key loaded, in this round")                                \
	X(IMA_DM_EVENT, "ima.dm_event", TEXT, REPLAYED, ROUND, 8,                              \
	  "an event of device-mapper, in this round")                                          \
	X(IMA_CRITICAL_DATA, "ima.critical_data", TEXT, REPLAYED, ROUND, 8,                    \
	  "name and value of critical data, in this round")                                    \
	X(CONFIG, "config.*", TEXT, CLAIMED, ROUND, 0,                                         \
	  "value of a key that the agent tells, by item and key: config.ITEM.KEY")             \
	X(HEALTH_LISTENING, "health.listening", LIST, CLAIMED, ROUND, 0,                       \
	  "listening sockets and their programs: SOCKET=PROGRAM")                              \
	X(HEALTH_FAILED, "health.failed", LIST, CLAIMED, ROUND, 0,                             \
	  "systemd units that failed")                                                         \
	X(HEALTH_UPDATE_AGE, "health.update_age", NUMBER, CLAIMED, ROUND, 0,                   \
	  "time since health.last_update, by the verifier's clock")                            \
	X(HEALTH_PASSWORDLESS, "health.passwordless", LIST, CLAIMED, ROUND, 0,                 \
	  "accounts that need no password")                                                    \
	X(ADDRESS_PEER, "address.peer", TEXT, VERIFIER, ROUND, 0,                              \
	  "where the connection comes from, as the verifier sees it")                          \
	X(ADDRESS_TOLD, "address.told", TEXT, CLAIMED, ROUND, 0,                               \
	  "the connection's other end, as the agent says it: address, and MAC address")        \
	X(ADDRESS_SAME, "address.same", BOOL, VERIFIER, ROUND, 0,                              \
	  "both are the same address; false behind NAT or a proxy")                            \
	X(ADDRESS_CONFLICT, "address.conflict", BOOL, VERIFIER, ROUND, 0,                      \
	  "the address, or the MAC address told with it, belongs to another device")   \
	X(EVIDENCE_OFFLINE, "evidence.offline", BOOL, VERIFIER, ROUND, 0,                      \
	  "the evidence was collected offline, for a challenge in a file")                     \
	X(EVIDENCE_AGE, "evidence.age", NUMBER, VERIFIER, ROUND, 0,                            \
	  "of offline evidence: time since its challenge was issued")

/* The health claims follow: "health.NAME" of the device as a whole, and "health.NAME.*"
 * of an instance, where there are such; all CLAIMED, of the ROUND. */

enum fact_id {
	FACT_NONE = 0,
#define X(id, name, type, prov, scope, indexed, doc) FACT_##id,
	FACTS(X)
#undef X
	FACT_HEALTH_FIRST,
	FACT_HEALTH_BEFORE = FACT_HEALTH_FIRST - 1,
#define X(id, name, type, unit, instances, doc) FACT_HEALTH_##id, FACT_HEALTH_##id##_EACH,
	HEALTH_CLAIMS(X)
#undef X
	FACT_COUNT
};

#define FACT_INDEX_MAX 16383 /* no index of a fact is over it */

/* How long it holds. What is found wrong with a fact of a boot stays until the TPM's
 * next reset; one of the log is gathered, and rules on it are judged, only when the
 * log is (once per boot and generation of policy and references). */
enum fact_scope { SCOPE_ROUND = 0, SCOPE_BOOT, SCOPE_LOG };

struct fact_info {
	const char *name;
	enum fact_type type;
	enum provenance provenance;
	enum fact_scope scope;
	uint16_t indexed; /* 0: one value; else indices 0 .. indexed - 1 */
	const char *doc;
};

/* NULL for FACT_NONE and numbers out of range, and where a health claim has no instances. */
const struct fact_info *fact_info(enum fact_id id);
/* By name without index; FACT_NONE if there is none. */
enum fact_id fact_by_name(const char *name, size_t len);
/* The same, and what the "*" of its name stands for: n 0 if it has none. */
enum fact_id fact_by_instance(struct span name, struct span *ret_instance);

/* The name with its instance: "software.firmware.version"; instance "": the name. */
#define FACT_NAME_TEXT_MAX 128
void fact_name_text(enum fact_id id, const char *instance, char *ret, size_t cap);

/* What a number counts. */
enum fact_unit {
	UNIT_NONE = 0,
	UNIT_BYTES,
	UNIT_PERCENT,
	UNIT_CELSIUS,
	UNIT_SECONDS,
	UNIT_MILLISECONDS,
	UNIT_COUNT
};
enum fact_unit fact_unit(enum fact_id id);
/* The fact of a health claim, of the device or of an instance; FACT_NONE: no such. */
enum fact_id fact_of_health(enum health_id id, bool instance);

#endif
