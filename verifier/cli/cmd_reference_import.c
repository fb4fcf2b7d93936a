/* cmd_reference_import.c: `assay reference import`: reference values that others made. */
#include "cli.h"
#include "corim_import.h"
#include "ima_import.h"

#include <string.h>

static int
run(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--ima-from-", 11) == 0)
			return ima_import(argc, argv);
	return corim_import(argc, argv);
}

const struct cli_command cmd_reference_import = {
	.group = "reference",
	.name = "import",
	.usage = "FILE | --ima-from-rootfs DIR|TAR | --ima-from-device DEVICE --class CLASS\n"
		 "       [--roots PATH] [--key FILE] [--class-id ID] [--hash LIST] [--jobs N]\n"
		 "       [--name NAME] [--reason TEXT] [--json]",
	.summary = "reference values from a signed CoRIM, a root file system or an IMA list",
	.help = "Every record that can be compared becomes a set of its own for devices of the\n"
		"class whose labels vendor= and model= are the record's. The sets are learned\n"
		"until they are promoted. docs/corim.md says what is used of a CoRIM.\n"
		"\n"
		"  --class CLASS   for devices of this class\n"
		"  --roots PATH    certificates of those whose signers are believed: a file, or a\n"
		"                  folder of files\n"
		"  --key FILE      a signer's public key\n"
		"  --class-id ID   the class's id, if the records name one: uuid:..., oid:...,\n"
		"                  bytes:HEX, as `assay inspect corim' shows it\n"
		"  --name NAME     of the first set; default: the CoRIM's id\n"
		"\n"
		"  --ima-from-rootfs DIR|TAR  an allow-list: all files of a root file system, a "
		"folder\n"
		"                  or a tar archive, which is not unpacked\n"
		"  --ima-from-device DEVICE   an allow-list: all files of the IMA list that is "
		"stored\n"
		"                  of a device\n"
		"  --hash LIST     what IMA hashes files by, ima_hash= (sha256)\n"
		"  --jobs N        threads that hash (one for each processor)\n"
		"\n"
		"  assay reference import --ima-from-rootfs gw-4.2.tar --class gateway --name "
		"gw-4.2\n"
		"  assay reference import fw-1.4.2.corim --class gateway --roots acme.pem\n",
	.run = run,
};
