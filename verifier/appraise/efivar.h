/*
 * efivar.h: UEFI variables as measured (UEFI_VARIABLE_DATA), and GUIDs.
 *
 * Layout and names only. Whether a digest proves any of it is bootevent.c's to say;
 * what signature databases hold is read by efisig.c.
 */
#ifndef APPRAISE_EFIVAR_H
#define APPRAISE_EFIVAR_H

#include "evidence/reader.h"

#define EFI_GUID_SIZE 16
#define EFI_GUID_TEXT 37 /* "8be4df61-93ca-11d2-aa0d-00e098032b8c" and NUL */

/* The namespaces in which a name means what its table entry says. */
enum efivar_space { EFISPACE_GLOBAL, EFISPACE_SECURITY_DB, EFISPACE_SHIM };

/* X(ID, namespace, "name") : UEFI 2.10, 3.3 and 32.3; shim's README.tpm */
#define EFIVARS(X)                                  \
	X(SECURE_BOOT, GLOBAL, "SecureBoot")        \
	X(SETUP_MODE, GLOBAL, "SetupMode")          \
	X(AUDIT_MODE, GLOBAL, "AuditMode")          \
	X(DEPLOYED_MODE, GLOBAL, "DeployedMode")    \
	X(PK, GLOBAL, "PK")                         \
	X(KEK, GLOBAL, "KEK")                       \
	X(DB, SECURITY_DB, "db")                    \
	X(DBX, SECURITY_DB, "dbx")                  \
	X(DBR, SECURITY_DB, "dbr")                  \
	X(DBT, SECURITY_DB, "dbt")                  \
	X(VENDOR_DB, SECURITY_DB, "vendor_db")      \
	X(VENDOR_DBX, SECURITY_DB, "vendor_dbx")    \
	X(BOOT_ORDER, GLOBAL, "BootOrder")          \
	X(BOOT_NEXT, GLOBAL, "BootNext")            \
	X(DRIVER_ORDER, GLOBAL, "DriverOrder")      \
	X(SHIM, SHIM, "Shim")                       \
	X(MOK_LIST, SHIM, "MokList")                \
	X(MOK_LIST_RT, SHIM, "MokListRT")           \
	X(MOK_LIST_X, SHIM, "MokListX")             \
	X(MOK_LIST_X_RT, SHIM, "MokListXRT")        \
	X(MOK_LIST_TRUSTED, SHIM, "MokListTrusted") \
	X(MOK_SB_STATE, SHIM, "MokSBState")         \
	X(MOK_DB_STATE, SHIM, "MokDBState")         \
	X(MOK_IGNORE_DB, SHIM, "MokIgnoreDB")       \
	X(SBAT_LEVEL, SHIM, "SbatLevel")

enum efivar_id {
	EFIVAR_OTHER = 0,
#define X(id, space, name) EFIVAR_##id,
	EFIVARS(X)
#undef X
	EFIVAR_BOOT_ENTRY,   /* Boot#### */
	EFIVAR_DRIVER_ENTRY, /* Driver#### */
	EFIVAR_COUNT
};

struct efivar {
	struct span guid; /* 16 bytes */
	struct span name; /* UTF-16LE, without terminator */
	struct span data;
	struct span rest; /* bytes after the structure: some firmware logs more */
	enum efivar_id id; /* by GUID and name */
	uint16_t number;   /* of Boot####, Driver#### */
};

/* UEFI_VARIABLE_DATA, PFP 1.06, 10.4.2. MALFORMED if its lengths do not fit. */
ASSAY_MUST_USE enum assay_err efivar_parse(struct span in, struct efivar *ret);
/* Whether the GUID is EFI_GLOBAL_VARIABLE; whether it is shim's. */
bool efivar_is_global(const struct efivar *v);
bool efivar_is_shims(const struct efivar *v);
/* A one-byte variable: 0 or 1, or -1 if it is neither. */
int efivar_flag(const struct efivar *v);

/* "8be4df61-...", lower case, EFI_GUID_TEXT bytes; "" if g is not 16 bytes. */
void efi_guid_text(struct span g, char ret[EFI_GUID_TEXT]);
/* UTF-16LE text equal to an ASCII string. */
bool utf16_is(struct span text, const char *ascii);
/* The part before the first NUL, in ASCII and in UTF-16LE (also an odd length). */
struct span ascii_until_nul(struct span text);
struct span utf16_until_nul(struct span text);

#endif
