/* bootevent.c: see bootevent.h. */
#include "bootevent.h"

#include "bootproof.h"
#include "loadertext.h"

#define EFI_POOL_FILL 0xAF /* EDK2 fills fresh memory with it */

/* What an event's digest is of, by its type. */
enum rule {
	RULE_HINT,	/* something that is not logged */
	RULE_DATA,	/* the data */
	RULE_MAYBE,	/* the data, with some firmware */
	RULE_ACTION,	/* the text, with or without a terminating zero */
	RULE_SEPARATOR, /* the value; on errors of the error value, whatever the data */
	RULE_VARIABLE,	/* the structure; with TCG 1.2 its content alone */
	RULE_AUTHORITY, /* the structure; old shims log one byte more than they measure */
	RULE_IPL,
	RULE_TAG,
	RULE_NONE, /* not measured */
};

#define ANYWHERE 0u
#define IN(pcr) (1u << (pcr))

/*
 * PFP 1.06, table 27 and TCG PC Client Implementation for BIOS 1.21, table 10.
 * X(value, NAME, rule, form, component, registers where its hints are usual)
 */
#define EVENT_TYPES(X)                                                                       \
	X(0x00000000, EV_PREBOOT_CERT, HINT, BYTES, OTHER, ANYWHERE)                         \
	X(0x00000001, EV_POST_CODE, HINT, BYTES, FIRMWARE_CODE, IN(0))                       \
	X(0x00000002, EV_UNUSED, HINT, BYTES, OTHER, ANYWHERE)                               \
	X(0x00000003, EV_NO_ACTION, NONE, BYTES, LOG, ANYWHERE)                              \
	X(0x00000004, EV_SEPARATOR, SEPARATOR, SEPARATOR, SEPARATOR, ANYWHERE)               \
	X(0x00000005, EV_ACTION, ACTION, TEXT, BOOT_ATTEMPT, ANYWHERE)                       \
	X(0x00000006, EV_EVENT_TAG, TAG, TAG, OTHER, ANYWHERE)                               \
	X(0x00000007, EV_S_CRTM_CONTENTS, HINT, BYTES, FIRMWARE_CODE, IN(0))                 \
	X(0x00000008, EV_S_CRTM_VERSION, DATA, BYTES, FIRMWARE_VERSION, ANYWHERE)            \
	X(0x00000009, EV_CPU_MICROCODE, HINT, TEXT, MICROCODE, IN(0) | IN(1))                \
	X(0x0000000A, EV_PLATFORM_CONFIG_FLAGS, MAYBE, BYTES, FIRMWARE_CONFIG, ANYWHERE)     \
	X(0x0000000B, EV_TABLE_OF_DEVICES, HINT, TABLES, TABLES, IN(1))                      \
	X(0x0000000C, EV_COMPACT_HASH, MAYBE, BYTES, OTHER, ANYWHERE)                        \
	X(0x0000000D, EV_IPL, IPL, TEXT, OTHER, ANYWHERE)                                    \
	X(0x0000000E, EV_IPL_PARTITION_DATA, DATA, BYTES, PARTITION_TABLE, ANYWHERE)         \
	X(0x0000000F, EV_NONHOST_CODE, MAYBE, BYTES, FIRMWARE_CODE, ANYWHERE)                \
	X(0x00000010, EV_NONHOST_CONFIG, MAYBE, BYTES, FIRMWARE_CONFIG, ANYWHERE)            \
	X(0x00000011, EV_NONHOST_INFO, MAYBE, BYTES, FIRMWARE_CONFIG, ANYWHERE)              \
	X(0x00000012, EV_OMIT_BOOT_DEVICE_EVENTS, ACTION, TEXT, BOOT_ATTEMPT, ANYWHERE)      \
	X(0x00000013, EV_POST_CODE2, HINT, BLOB, FIRMWARE_CODE, IN(0))                       \
	X(0x80000000, EV_EFI_EVENT_BASE, MAYBE, BYTES, OTHER, ANYWHERE)                      \
	X(0x80000001, EV_EFI_VARIABLE_DRIVER_CONFIG, VARIABLE, VARIABLE, FIRMWARE_CONFIG,    \
	  ANYWHERE)                                                                          \
	X(0x80000002, EV_EFI_VARIABLE_BOOT, VARIABLE, VARIABLE, BOOT_ENTRY, ANYWHERE)        \
	X(0x80000003, EV_EFI_BOOT_SERVICES_APPLICATION, HINT, IMAGE, BOOT_IMAGE,             \
	  IN(2) | IN(4))                                                                     \
	X(0x80000004, EV_EFI_BOOT_SERVICES_DRIVER, HINT, IMAGE, BOOT_DRIVER,                 \
	  IN(0) | IN(2) | IN(4))                                                             \
	X(0x80000005, EV_EFI_RUNTIME_SERVICES_DRIVER, HINT, IMAGE, BOOT_DRIVER,              \
	  IN(0) | IN(2) | IN(4))                                                             \
	X(0x80000006, EV_EFI_GPT_EVENT, DATA, GPT, PARTITION_TABLE, ANYWHERE)                \
	X(0x80000007, EV_EFI_ACTION, ACTION, TEXT, BOOT_ATTEMPT, ANYWHERE)                   \
	X(0x80000008, EV_EFI_PLATFORM_FIRMWARE_BLOB, HINT, BLOB, FIRMWARE,                   \
	  IN(0) | IN(2) | IN(4))                                                             \
	X(0x80000009, EV_EFI_HANDOFF_TABLES, HINT, TABLES, TABLES, IN(0) | IN(1))            \
	X(0x8000000A, EV_EFI_PLATFORM_FIRMWARE_BLOB2, HINT, BLOB, FIRMWARE,                  \
	  IN(0) | IN(2) | IN(4))                                                             \
	X(0x8000000B, EV_EFI_HANDOFF_TABLES2, HINT, TABLES, TABLES, IN(0) | IN(1))           \
	X(0x8000000C, EV_EFI_VARIABLE_BOOT2, VARIABLE, VARIABLE, BOOT_ENTRY, ANYWHERE)       \
	X(0x8000000D, EV_EFI_GPT_EVENT2, DATA, GPT, PARTITION_TABLE, ANYWHERE)               \
	X(0x80000010, EV_EFI_HCRTM_EVENT, HINT, TEXT, FIRMWARE_CODE, IN(0))                  \
	X(0x800000E0, EV_EFI_VARIABLE_AUTHORITY, AUTHORITY, VARIABLE, AUTHORITY, ANYWHERE)   \
	X(0x800000E1, EV_EFI_SPDM_FIRMWARE_BLOB, MAYBE, BYTES, SPDM, ANYWHERE)               \
	X(0x800000E2, EV_EFI_SPDM_FIRMWARE_CONFIG, MAYBE, BYTES, SPDM, ANYWHERE)             \
	X(0x800000E3, EV_EFI_SPDM_DEVICE_POLICY, MAYBE, BYTES, SPDM, ANYWHERE)               \
	X(0x800000E4, EV_EFI_SPDM_DEVICE_AUTHORITY, MAYBE, BYTES, SPDM, ANYWHERE)

static const struct event_type {
	uint32_t value;
	const char *name;
	enum rule rule;
	enum bootevent_form form;
	enum boot_component component;
	uint32_t usual;
} event_types[] = {
#define X(value, name, rule, form, component, usual) \
	{value, #name, RULE_##rule, BOOTFORM_##form, BOOT_##component, usual},
	EVENT_TYPES(X)
#undef X
};

static const struct component {
	const char *text;
	unsigned rank;
	bool per_device;
} components[BOOT_COMPONENT_COUNT] = {
#define X(id, text, rank, per_device) [BOOT_##id] = {text, rank, per_device},
	BOOT_COMPONENTS(X)
#undef X
};

const char *
boot_component_text(enum boot_component c)
{
	return c < BOOT_COMPONENT_COUNT ? components[c].text : components[BOOT_OTHER].text;
}

unsigned
boot_component_rank(enum boot_component c)
{
	return c < BOOT_COMPONENT_COUNT ? components[c].rank : components[BOOT_OTHER].rank;
}

bool
boot_component_per_device(enum boot_component c)
{
	return c < BOOT_COMPONENT_COUNT && components[c].per_device;
}

static const struct event_type *
type_find(uint32_t type)
{
	static const struct event_type unknown = {.rule = RULE_MAYBE, .component = BOOT_OTHER};

	for (size_t i = 0; i < sizeof event_types / sizeof event_types[0]; i++)
		if (event_types[i].value == type)
			return &event_types[i];
	return &unknown;
}

const char *
bootevent_type_name(uint32_t type)
{
	return type_find(type)->name;
}

const char *
bootevent_type_at(unsigned i, uint32_t *ret)
{
	if (i >= sizeof event_types / sizeof event_types[0])
		return NULL;
	*ret = event_types[i].value;
	return event_types[i].name;
}

const char *
bootevent_status_name(enum bootevent_status s)
{
	switch (s) {
	case BOOTEVENT_PROVED:
		return "proved";
	case BOOTEVENT_CONTRADICTION:
		return "contradiction";
	case BOOTEVENT_NOT_MEASURED:
		return "not measured";
	default:
		return "hint";
	}
}

void
bootreader_init(struct bootreader *r, enum eventlog_format format, uint16_t bank)
{
	*r = (struct bootreader){.format = format, .bank = bank};
	rd_init(&r->order, (struct span){NULL, 0});
}

/* ---- variables ----------------------------------------------------------- */

static enum boot_component
variable_component(const struct efivar *v, enum boot_component otherwise)
{
	static const uint8_t of[EFIVAR_COUNT] = {
		[EFIVAR_SECURE_BOOT] = BOOT_SECURE_BOOT,
		[EFIVAR_SETUP_MODE] = BOOT_SECURE_BOOT_MODE,
		[EFIVAR_AUDIT_MODE] = BOOT_SECURE_BOOT_MODE,
		[EFIVAR_DEPLOYED_MODE] = BOOT_SECURE_BOOT_MODE,
		[EFIVAR_PK] = BOOT_PK,
		[EFIVAR_KEK] = BOOT_KEK,
		[EFIVAR_DB] = BOOT_DB,
		[EFIVAR_DBX] = BOOT_DBX,
		[EFIVAR_DBR] = BOOT_DBR,
		[EFIVAR_DBT] = BOOT_DBT,
		[EFIVAR_VENDOR_DB] = BOOT_VENDOR_DB,
		[EFIVAR_VENDOR_DBX] = BOOT_VENDOR_DB,
		[EFIVAR_BOOT_ORDER] = BOOT_BOOT_ORDER,
		[EFIVAR_BOOT_NEXT] = BOOT_BOOT_ORDER,
		[EFIVAR_DRIVER_ORDER] = BOOT_BOOT_ORDER,
		[EFIVAR_BOOT_ENTRY] = BOOT_BOOT_ENTRY,
		[EFIVAR_DRIVER_ENTRY] = BOOT_BOOT_ENTRY,
		[EFIVAR_MOK_LIST] = BOOT_MOK,
		[EFIVAR_MOK_LIST_RT] = BOOT_MOK,
		[EFIVAR_MOK_LIST_X] = BOOT_MOK,
		[EFIVAR_MOK_LIST_X_RT] = BOOT_MOK,
		[EFIVAR_MOK_LIST_TRUSTED] = BOOT_MOK,
		[EFIVAR_MOK_SB_STATE] = BOOT_MOK,
		[EFIVAR_MOK_DB_STATE] = BOOT_MOK,
		[EFIVAR_MOK_IGNORE_DB] = BOOT_MOK,
		[EFIVAR_SBAT_LEVEL] = BOOT_SBAT,
	};

	return of[v->id] != BOOT_OTHER ? (enum boot_component)of[v->id] : otherwise;
}

/* Firmware that measures the content of one boot entry alone does so with all. */
static void
add_variable(const struct bootreader *r, const struct bootevent *ev, struct bootproof *proof)
{
	bool content_first = r->contents && ev->type == EV_EFI_VARIABLE_BOOT;

	if (content_first)
		bootproof_add(proof, ev->var.data, 0, BOOTCOVER_CONTENT);
	bootproof_add(proof, ev->data, 0, BOOTCOVER_ALL);
	if (!content_first)
		bootproof_add(proof, ev->var.data, 0, BOOTCOVER_CONTENT);
}

/* Old shims log one byte, of memory nobody set, more than they measure. */
static void
add_all_but_one(const struct bootevent *ev, struct bootproof *proof)
{
	struct span measured;
	struct reader r;
	uint8_t last;

	rd_init(&r, ev->data);
	measured = rd_bytes(&r, ev->data.n - 1);
	last = rd_u8(&r);
	if (last == 0 || last == EFI_POOL_FILL)
		bootproof_add(proof, measured, 0, BOOTCOVER_ALL);
}

static void
read_variable(const struct bootreader *r, const struct event_type *t, struct bootevent *ev,
	      struct bootproof *proof)
{
	bool authority = t->rule == RULE_AUTHORITY;

	if (efivar_parse(ev->data, &ev->var) != ASSAY_OK) {
		bootproof_add(proof, ev->data, 0, BOOTCOVER_ALL);
		ev->form = BOOTFORM_BYTES;
		ev->malformed = true;
		return;
	}
	if (!authority) {
		add_variable(r, ev, proof);
		ev->component = variable_component(&ev->var, t->component);
		return;
	}
	bootproof_add(proof, ev->data, 0, BOOTCOVER_ALL);
	if (efivar_is_shims(&ev->var))
		ev->component = variable_component(&ev->var, BOOT_AUTHORITY);
	if (ev->var.rest.n > 0)
		add_all_but_one(ev, proof);
}

/*
 * Where the digest covers a variable's content alone, its name could be anything
 * with such content. BootOrder says which entry comes next; all others are not
 * believed.
 */
static bool
is_named(struct bootreader *r, const struct bootevent *ev)
{
	if (ev->var.rest.n != 0 || ev->type != EV_EFI_VARIABLE_BOOT)
		return false;
	switch (ev->var.id) {
	case EFIVAR_BOOT_ORDER:
		return !r->ordered && ev->var.data.n % 2 == 0;
	case EFIVAR_BOOT_ENTRY:
		return r->ordered && rd_left(&r->order) > 0 &&
		       rd_le16(&r->order) == ev->var.number;
	default:
		return false;
	}
}

static void
note_variable(struct bootreader *r, struct bootevent *ev)
{
	bool named = is_named(r, ev);

	r->contents = ev->status == BOOTEVENT_PROVED && ev->cover == BOOTCOVER_CONTENT;
	if (ev->status == BOOTEVENT_PROVED && ev->cover == BOOTCOVER_CONTENT && !named) {
		ev->unnamed = true;
		ev->status = BOOTEVENT_HINT;
	}
	if (ev->var.id == EFIVAR_BOOT_ORDER && ev->type == EV_EFI_VARIABLE_BOOT) {
		rd_init(&r->order, ev->var.data);
		r->ordered = ev->status == BOOTEVENT_PROVED;
	}
}

/* ---- other forms --------------------------------------------------------- */

static void
read_separator(struct bootevent *ev, struct bootproof *proof)
{
	static const uint8_t error_value[] = {1, 0, 0, 0};
	struct reader r;

	rd_init(&r, ev->data);
	ev->separator = rd_le32(&r);
	bootproof_add(proof, ev->data, 0, BOOTCOVER_ALL);
	if (!span_equal(ev->data, SPAN(error_value, 4)))
		bootproof_add(proof, SPAN(error_value, 4), 0, BOOTCOVER_ERROR);
}

static enum boot_component
action_component(struct span text)
{
	static const struct {
		const char *text;
		enum boot_component component;
	} actions[] = {
		{"Exit Boot Services Invocation", BOOT_EXIT_BOOT_SERVICES},
		{"Exit Boot Services Returned with Success", BOOT_EXIT_BOOT_SERVICES},
		{"Exit Boot Services Returned with Failure", BOOT_EXIT_BOOT_SERVICES},
		{"UEFI Debug Mode", BOOT_DEBUGGER},
		{"DMA Protection Disabled", BOOT_DEBUGGER},
		{"Entering ROM Based Setup", BOOT_FIRMWARE_CONFIG},
	};

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		const char *c = actions[i].text;
		size_t n = 0;

		while (c[n] != '\0')
			n++;
		if (span_equal(text, SPAN(c, n)))
			return actions[i].component;
	}
	return BOOT_OTHER;
}

static void
read_action(struct bootevent *ev, struct bootproof *proof)
{
	enum boot_component c;

	ev->text = ascii_until_nul(ev->data);
	c = action_component(ev->text);
	if (c != BOOT_OTHER)
		ev->component = c;
	else if (ev->pcr >= 8)
		ev->component = BOOT_OTHER; /* an operating system's */
	bootproof_add(proof, ev->data, 0, BOOTCOVER_ALL);
	if (ev->text.n + 1 == ev->data.n)
		bootproof_add(proof, ev->text, 0, BOOTCOVER_ALL);
}

static void
read_image(struct bootevent *ev)
{
	if (efi_image_parse(ev->data, &ev->image) != ASSAY_OK) {
		ev->form = BOOTFORM_BYTES;
		ev->malformed = true;
	}
	if (ev->component == BOOT_BOOT_DRIVER && ev->pcr == 2)
		ev->component = BOOT_OPTION_ROM;
}

static void
read_blob(struct bootevent *ev)
{
	bool described = ev->type == EV_EFI_PLATFORM_FIRMWARE_BLOB2 || ev->type == 0x13;
	enum assay_err e = described ? efi_blob2_parse(ev->data, &ev->blob)
				     : efi_blob_parse(ev->data, &ev->blob);

	if (e != ASSAY_OK)
		ev->form = BOOTFORM_BYTES; /* TCG 1.2 firmware logs what it likes */
}

static void
read_gpt(struct bootevent *ev)
{
	struct efi_gpt g;

	if (efi_gpt_parse(ev->data, &g) != ASSAY_OK) {
		ev->form = BOOTFORM_BYTES;
		ev->malformed = true;
	}
}

static void
read_text(struct bootevent *ev)
{
	ev->text = ascii_until_nul(ev->data);
}

static void
read_form(struct bootevent *ev)
{
	switch (ev->form) {
	case BOOTFORM_IMAGE:
		read_image(ev);
		break;
	case BOOTFORM_BLOB:
		read_blob(ev);
		break;
	case BOOTFORM_GPT:
		read_gpt(ev);
		break;
	case BOOTFORM_TEXT:
		read_text(ev);
		break;
	default:
		break;
	}
}

/* ---- an event ------------------------------------------------------------ */

/* Types whose digest is sometimes of the data: where it surely is. */
static bool
maybe_must(const struct bootevent *ev)
{
	struct reader r;

	rd_init(&r, ev->data);
	if (ev->type == EV_NONHOST_INFO) /* Google's firmware */
		return span_equal(rd_bytes(&r, 16), SPAN("GCE NonHostInfo", 16));
	return ev->type == 0x0C && ev->pcr == 11 && ev->data.n == 4; /* Windows */
}

/* What the digest may be of; true if it must be. */
static bool
gather(const struct bootreader *r, const struct event_type *t, struct bootevent *ev,
       struct bootproof *proof)
{
	bool must = true;

	switch (t->rule) {
	case RULE_DATA:
		bootproof_add(proof, ev->data, 0, BOOTCOVER_ALL);
		read_form(ev);
		return true;
	case RULE_ACTION:
		read_action(ev, proof);
		return true;
	case RULE_SEPARATOR:
		read_separator(ev, proof);
		return true;
	case RULE_VARIABLE:
	case RULE_AUTHORITY:
		read_variable(r, t, ev, proof);
		return true;
	case RULE_TAG:
		loadertext_tag(ev, proof, &must);
		return must;
	case RULE_IPL:
		loadertext_ipl(r, ev, proof);
		return ev->component == BOOT_GRUB_COMMAND || (ev->form == BOOTFORM_TEXT &&
							      ev->component == BOOT_KERNEL_CMDLINE);
	case RULE_MAYBE:
		bootproof_add(proof, ev->data, 0, BOOTCOVER_ALL);
		read_form(ev);
		return maybe_must(ev);
	default:
		read_form(ev);
		return false;
	}
}

static void
decide(const struct bootproof *proof, const struct event *in, bool must, struct bootevent *ev)
{
	size_t which = 0;

	switch (bootproof_check(proof, in, !must, &which)) {
	case BOOTPROOF_YES:
		ev->status = BOOTEVENT_PROVED;
		ev->cover = proof->c[which].cover;
		break;
	case BOOTPROOF_DISAGREE:
		ev->status = BOOTEVENT_CONTRADICTION;
		ev->banks_disagree = true;
		break;
	case BOOTPROOF_NO:
		ev->status = must ? BOOTEVENT_CONTRADICTION : BOOTEVENT_HINT;
		break;
	default:
		ev->status = BOOTEVENT_HINT;
		break;
	}
}

static void
note(struct bootreader *r, const struct event_type *t, struct bootevent *ev)
{
	if (ev->form == BOOTFORM_VARIABLE && t->rule == RULE_VARIABLE)
		note_variable(r, ev);
	if (ev->type == EV_IPL || ev->type == EV_EVENT_TAG)
		loadertext_note(r, ev);
	ev->misplaced = ev->status == BOOTEVENT_HINT && r->format != EVENTLOG_CC &&
			t->usual != ANYWHERE && (t->usual & IN(ev->pcr)) == 0;
}

void
bootevent_read(struct bootreader *r, const struct event *in, struct bootevent *ret)
{
	const struct event_type *t = type_find(in->type);
	struct bootproof proof;
	bool must;

	*ret = (struct bootevent){.index = in->index, .pcr = in->pcr, .type = in->type,
				  .type_name = t->name, .data = in->data, .form = t->form,
				  .component = t->component};
	ret->digest = r->bank != ALG_NONE ? event_digest_in(in, r->bank)
		      : in->ndigests > 0  ? in->digests[0].bytes
					  : (struct span){NULL, 0};
	if (t->rule == RULE_NONE) {
		ret->status = BOOTEVENT_NOT_MEASURED;
		return;
	}
	proof.n = 0;
	must = gather(r, t, ret, &proof);
	decide(&proof, in, must, ret);
	if (ret->digest.n == 0)
		ret->status = BOOTEVENT_NOT_MEASURED;
	note(r, t, ret);
}
