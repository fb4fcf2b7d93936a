/*
 * devicepath.h: UEFI device paths in text form.
 *
 * UEFI 2.10, 10.3 and 10.6: "PciRoot(0x0)/Pci(0x1,0x0)/NVMe(0x1,...)/HD(1,GPT,...)
 * /\EFI\BOOT\BOOTX64.EFI". Bounded, no recursion; node types that no gateway or
 * controller boots from are shown as "Path(type,subtype,bytes)".
 */
#ifndef APPRAISE_DEVICEPATH_H
#define APPRAISE_DEVICEPATH_H

#include "evidence/reader.h"

#define DEVICEPATH_NODES_MAX 32

struct devicepath_info {
	struct span file;   /* last file path node, UTF-16LE; empty if none */
	bool from_memory;   /* begins in memory or in a firmware volume */
	bool network;	    /* has a MAC, IP or URI node */
	uint32_t nodes;
};

/*
 * Text of a whole device path (several instances are joined by ','), escaped, at most
 * cap - 1 characters; what does not fit ends in "...". ret_info may be NULL.
 * MALFORMED (and ret holds what was read until there) if a node's length does not
 * fit or there are too many; a path that just ends without End node is accepted.
 */
enum assay_err devicepath_text(struct span path, char *ret, size_t cap,
			       struct devicepath_info *ret_info);

#endif
