/* cmd_reference_import.c: `assay reference import`: reference values that others made. */
#include "cli.h"
#include "corim_import.h"

static int
run(int argc, char **argv)
{
	return corim_import(argc, argv);
}

const struct cli_command cmd_reference_import = {
	.group = "reference",
	.name = "import",
	.usage = "FILE --class CLASS [--roots PATH] [--key FILE] [--class-id ID]\n"
		 "       [--name NAME] [--reason TEXT] [--json]",
	.summary = "reference values of a vendor, from a signed CoRIM",
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
		"  assay reference import fw-1.4.2.corim --class gateway --roots acme.pem\n",
	.run = run,
};
