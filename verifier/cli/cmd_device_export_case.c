/* cmd_device_export_case.c: `assay device export-case`: all that a device is judged from, as
 * one file for an auditor. */
#include "client.h"

#include <stdlib.h>

extern const struct cli_command cmd_device_export_case;

static const struct client_spec spec = {
	.command = &cmd_device_export_case,
	.path = "/v1/devices/{0}/case",
	.args = {"DEVICE"},
	.options = {{"output", "", CLIENT_LOCAL, true}},
};

static int
run(int argc, char **argv)
{
	struct client_words words = {argc, argv};
	struct span bytes;
	struct client c;
	char *path;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	path = client_path(&c, spec.path);
	if (!path)
		return cli_fail(CLI_BAD_INPUT, "the request is too long");
	if (client_fetch(&c, path, &bytes, &status)) {
		status = cli_write_file(client_option(&c, "output"), bytes);
		cli_free(bytes);
	}
	free(path);
	return status;
}

const struct cli_command cmd_device_export_case = {
	.group = "device",
	.name = "export-case",
	.usage = "DEVICE --output FILE",
	.summary = "all that a device is judged from, in one file for an auditor",
	.help = "Its last authentic evidence, its record, the policy and reference values that\n"
		"apply to it now, what is remembered of it, and the time. `assay appraise FILE'\n"
		"judges it again, with the same result on any machine. FILE must not exist.\n"
		"\n"
		"  assay device export-case gw-1 --output gw-1.case\n"
		"  assay appraise gw-1.case\n",
	.run = run,
};
