/* devicepath.c: see devicepath.h. Node layouts are of UEFI 2.10, 10.3. */
#include "devicepath.h"

#include "efivar.h"
#include "text.h"

#include <string.h>

#define NODE_TEXT_MAX 320
#define NODE_HEADER_SIZE 4
#define END_TYPE 0x7F
#define END_WHOLE 0xFF

struct node {
	uint8_t type, subtype;
	struct reader body;
};

struct out {
	char *p;
	size_t cap, len;
};

static void
put(struct out *o, const char *s)
{
	size_t n = strlen(s);

	if (n > o->cap - 1 - o->len) {
		n = o->cap - 1 - o->len;
		memcpy(o->p + o->len, s, n);
		if (o->cap > 4)
			memcpy(o->p + o->cap - 4, "...", 3);
	} else {
		memcpy(o->p + o->len, s, n);
	}
	o->len += n;
	o->p[o->len] = '\0';
}

static size_t
put_escape(char *t, uint16_t c)
{
	text_format(t, 7, "\\u%04x", c);
	return 6;
}

/* ---- node bodies: each writes its text; what is short reads as zero ------ */

static void
text_pci(struct reader *r, char *t)
{
	uint8_t function = rd_u8(r), device = rd_u8(r);

	text_format(t, NODE_TEXT_MAX, "Pci(0x%x,0x%x)", device, function);
}

static void
text_memory(struct reader *r, char *t)
{
	uint32_t kind = rd_le32(r);
	uint64_t first = rd_le64(r), last = rd_le64(r);

	text_format(t, NODE_TEXT_MAX, "MemoryMapped(0x%x,0x%llx,0x%llx)", kind,
		    (unsigned long long)first, (unsigned long long)last);
}

static void
text_guid(struct reader *r, char *t, const char *name)
{
	char guid[EFI_GUID_TEXT];

	efi_guid_text(rd_bytes(r, EFI_GUID_SIZE), guid);
	text_format(t, NODE_TEXT_MAX, "%s(%s)", name, guid);
}

static void
text_vendor_hw(struct reader *r, char *t)
{
	text_guid(r, t, "VenHw");
}

static void
text_vendor_msg(struct reader *r, char *t)
{
	text_guid(r, t, "VenMsg");
}

static void
text_vendor_media(struct reader *r, char *t)
{
	text_guid(r, t, "VenMedia");
}

static void
text_fv(struct reader *r, char *t)
{
	text_guid(r, t, "Fv");
}

static void
text_fv_file(struct reader *r, char *t)
{
	text_guid(r, t, "FvFile");
}

/* 10.3.3: EISA identifier "PNP0A03" packed in 32 bits */
static void
text_acpi(struct reader *r, char *t)
{
	uint32_t hid = rd_le32(r), uid = rd_le32(r);

	if (hid == 0x0A0341D0u)
		text_format(t, NODE_TEXT_MAX, "PciRoot(0x%x)", uid);
	else if (hid == 0x0A0841D0u)
		text_format(t, NODE_TEXT_MAX, "PcieRoot(0x%x)", uid);
	else
		text_format(t, NODE_TEXT_MAX, "Acpi(0x%08x,0x%x)", hid, uid);
}

static void
text_ata(struct reader *r, char *t)
{
	uint8_t secondary = rd_u8(r), slave = rd_u8(r);

	text_format(t, NODE_TEXT_MAX, "Ata(%s,%s,0x%x)", secondary ? "Secondary" : "Primary",
		    slave ? "Slave" : "Master", rd_le16(r));
}

static void
text_scsi(struct reader *r, char *t)
{
	uint16_t target = rd_le16(r), lun = rd_le16(r);

	text_format(t, NODE_TEXT_MAX, "Scsi(0x%x,0x%x)", target, lun);
}

static void
text_usb(struct reader *r, char *t)
{
	uint8_t port = rd_u8(r), interface = rd_u8(r);

	text_format(t, NODE_TEXT_MAX, "USB(0x%x,0x%x)", port, interface);
}

static void
text_sata(struct reader *r, char *t)
{
	uint16_t port = rd_le16(r), multiplier = rd_le16(r), lun = rd_le16(r);

	text_format(t, NODE_TEXT_MAX, "Sata(0x%x,0x%x,0x%x)", port, multiplier, lun);
}

static void
text_nvme(struct reader *r, char *t)
{
	uint32_t namespace_id = rd_le32(r);
	uint64_t eui = rd_be64(r);

	text_format(t, NODE_TEXT_MAX, "NVMe(0x%x,%016llx)", namespace_id,
		    (unsigned long long)eui);
}

static void
text_mac(struct reader *r, char *t)
{
	uint64_t mac = (uint64_t)rd_be16(r) << 32;

	mac |= rd_be32(r);
	(void)rd_bytes(r, 26); /* padding of the address */
	text_format(t, NODE_TEXT_MAX, "MAC(%012llx,0x%x)", (unsigned long long)mac, rd_u8(r));
}

static void
text_ipv4(struct reader *r, char *t)
{
	uint8_t a[4];

	(void)rd_le32(r); /* local address */
	for (int i = 0; i < 4; i++)
		a[i] = rd_u8(r);
	text_format(t, NODE_TEXT_MAX, "IPv4(%u.%u.%u.%u)", a[0], a[1], a[2], a[3]);
}

static void
text_ipv6(struct reader *r, char *t)
{
	(void)r;
	text_format(t, NODE_TEXT_MAX, "IPv6()");
}

static void
text_uri(struct reader *r, char *t)
{
	char uri[NODE_TEXT_MAX - 8];

	text_escape(rd_rest(r), uri, sizeof uri);
	text_format(t, NODE_TEXT_MAX, "Uri(%s)", uri);
}

static void
text_unit(struct reader *r, char *t)
{
	text_format(t, NODE_TEXT_MAX, "Unit(0x%x)", rd_u8(r));
}

static void
text_sd(struct reader *r, char *t)
{
	text_format(t, NODE_TEXT_MAX, "SD(0x%x)", rd_u8(r));
}

static void
text_emmc(struct reader *r, char *t)
{
	text_format(t, NODE_TEXT_MAX, "eMMC(0x%x)", rd_u8(r));
}

static void
text_controller(struct reader *r, char *t)
{
	text_format(t, NODE_TEXT_MAX, "Ctrl(0x%x)", rd_le32(r));
}

static void
text_usb_class(struct reader *r, char *t)
{
	uint16_t vendor = rd_le16(r), product = rd_le16(r);

	text_format(t, NODE_TEXT_MAX, "UsbClass(0x%x,0x%x,0x%x)", vendor, product, rd_u8(r));
}

static void
text_vlan(struct reader *r, char *t)
{
	text_format(t, NODE_TEXT_MAX, "Vlan(%u)", rd_le16(r));
}

static void
text_ufs(struct reader *r, char *t)
{
	uint8_t target = rd_u8(r);

	text_format(t, NODE_TEXT_MAX, "UFS(0x%x,0x%x)", target, rd_u8(r));
}

static void
text_hard_drive(struct reader *r, char *t)
{
	uint32_t partition = rd_le32(r);
	struct span signature;
	char guid[EFI_GUID_TEXT];
	uint8_t kind;

	(void)rd_le64(r); /* start */
	(void)rd_le64(r); /* size */
	signature = rd_bytes(r, EFI_GUID_SIZE);
	(void)rd_u8(r); /* partition format */
	kind = rd_u8(r);
	efi_guid_text(signature, guid);
	if (kind == 2)
		text_format(t, NODE_TEXT_MAX, "HD(%u,GPT,%s)", partition, guid);
	else
		text_format(t, NODE_TEXT_MAX, "HD(%u,MBR,%.8s)", partition, guid);
}

static void
text_cdrom(struct reader *r, char *t)
{
	text_format(t, NODE_TEXT_MAX, "CDROM(0x%x)", rd_le32(r));
}

/* "\\EFI\\BOOT\\X.EFI" as "EFI/BOOT/X.EFI": nodes are joined by a slash anyway. */
static void
text_file(struct reader *r, char *t)
{
	struct span name = utf16_until_nul(rd_rest(r));
	struct reader in;
	size_t n = 0;

	rd_init(&in, name);
	while (rd_left(&in) >= 2 && n + 8 < NODE_TEXT_MAX) {
		uint16_t c = rd_le16(&in);

		if (c == '\\' && n == 0)
			continue;
		if (c >= 0x20 && c <= 0x7E)
			t[n++] = c == '\\' ? '/' : (char)c;
		else
			n += put_escape(t + n, c);
	}
	t[n] = '\0';
	if (rd_left(&in) > 0)
		text_format(t + n, NODE_TEXT_MAX - n, "...");
}

static void
text_offset(struct reader *r, char *t)
{
	uint64_t first, last;

	(void)rd_le32(r); /* reserved */
	first = rd_le64(r);
	last = rd_le64(r);
	text_format(t, NODE_TEXT_MAX, "Offset(0x%llx,0x%llx)", (unsigned long long)first,
		    (unsigned long long)last);
}

static void
text_bbs(struct reader *r, char *t)
{
	static const char *const kinds[] = {"?",      "Floppy", "HD",	   "CDROM",
					    "PCMCIA", "USB",	"Network"};
	char name[128];
	uint16_t kind = rd_le16(r);

	(void)rd_le16(r); /* status */
	text_escape(ascii_until_nul(rd_rest(r)), name, sizeof name);
	text_format(t, NODE_TEXT_MAX, "BBS(%s,%s)",
		    kind < sizeof kinds / sizeof kinds[0] ? kinds[kind] : "?", name);
}

static const struct form {
	uint8_t type, subtype;
	void (*text)(struct reader *r, char *t);
} forms[] = {
	{1, 1, text_pci},	   {1, 3, text_memory},	   {1, 4, text_vendor_hw},
	{1, 5, text_controller},
	{2, 1, text_acpi},	   {3, 1, text_ata},	   {3, 2, text_scsi},
	{3, 5, text_usb},	   {3, 10, text_vendor_msg}, {3, 11, text_mac},
	{3, 12, text_ipv4},	   {3, 13, text_ipv6},	   {3, 15, text_usb_class},
	{3, 17, text_unit},	   {3, 20, text_vlan},	   {3, 25, text_ufs},
	{3, 18, text_sata},	   {3, 23, text_nvme},	   {3, 24, text_uri},
	{3, 26, text_sd},	   {3, 29, text_emmc},	   {4, 1, text_hard_drive},
	{4, 2, text_cdrom},	   {4, 3, text_vendor_media}, {4, 4, text_file},
	{4, 6, text_fv_file},	   {4, 7, text_fv},	   {4, 8, text_offset},
	{5, 1, text_bbs},
};

static void
node_text(struct node *n, char *t)
{
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (forms[i].type == n->type && forms[i].subtype == n->subtype) {
			forms[i].text(&n->body, t);
			return;
		}
	}
	text_format(t, NODE_TEXT_MAX, "Path(%u,%u,%zu bytes)", n->type, n->subtype,
		    rd_left(&n->body));
}

static void
note(struct devicepath_info *info, const struct node *n)
{
	struct reader body = n->body;

	if (n->type == 4 && n->subtype == 4)
		info->file = utf16_until_nul(rd_rest(&body));
	if (info->nodes == 0 && ((n->type == 1 && n->subtype == 3) ||
				 (n->type == 4 && (n->subtype == 6 || n->subtype == 7))))
		info->from_memory = true;
	if (n->type == 3 && (n->subtype == 11 || n->subtype == 12 || n->subtype == 13 ||
			     n->subtype == 24))
		info->network = true;
	info->nodes++;
}

static bool
next_node(struct reader *r, struct node *ret)
{
	uint16_t size;

	ret->type = rd_u8(r);
	ret->subtype = rd_u8(r);
	size = rd_le16(r);
	if (size < NODE_HEADER_SIZE)
		rd_fail(r, ASSAY_MALFORMED);
	else
		rd_init(&ret->body, rd_bytes(r, size - NODE_HEADER_SIZE));
	return r->err == ASSAY_OK;
}

enum assay_err
devicepath_text(struct span path, char *ret, size_t cap, struct devicepath_info *ret_info)
{
	struct devicepath_info info = {0};
	struct out o = {ret, cap, 0};
	struct reader r;
	struct node n;
	const char *separator = "";

	ret[0] = '\0';
	rd_init(&r, path);
	while (rd_left(&r) > 0 && next_node(&r, &n)) {
		char t[NODE_TEXT_MAX];

		if (n.type == END_TYPE && n.subtype == END_WHOLE)
			break;
		if (info.nodes >= DEVICEPATH_NODES_MAX) {
			rd_fail(&r, ASSAY_MALFORMED);
			break;
		}
		if (n.type == END_TYPE) {
			separator = ",";
			continue;
		}
		note(&info, &n);
		node_text(&n, t);
		put(&o, separator);
		put(&o, t);
		separator = "/";
	}
	if (ret_info)
		*ret_info = info;
	return r.err == ASSAY_OK ? ASSAY_OK : ASSAY_MALFORMED;
}
