/* cmd_device_address.c: `assay device address`: what gates and RADIUS servers know a device
 * by. */
#include "client.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_device_address;

static int
show(const struct client *c, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "addresses");

	(void)c;
	printf("%s is known by:\n", view_device(answer));
	for (size_t i = 0; i < json_array_size(list); i++)
		printf("  %s\n", json_string_value(json_array_get(list, i)));
	if (json_array_size(list) == 0)
		puts("  nothing: gates and RADIUS servers treat it as unknown");
	return CLI_YES;
}

static const struct client_spec spec = {
	.command = &cmd_device_address,
	.post = true,
	.path = "/v1/devices/{0}/address",
	.args = {"DEVICE"},
	.options = {{"add", "", CLIENT_LOCAL, false},
		    {"remove", "", CLIENT_LOCAL, false},
		    {"reason", "reason", CLIENT_TEXT, false}},
	.show = show,
};

static int
run(int argc, char **argv)
{
	struct client_words words = {argc, argv};
	const char *add, *gone, *reason;
	json_t *body, *answer = NULL;
	struct client c;
	char *path;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	add = client_option(&c, "add");
	gone = client_option(&c, "remove");
	reason = client_option(&c, "reason");
	if (!add == !gone)
		return cli_usage(&cmd_device_address, "one of --add and --remove");
	path = client_path(&c, spec.path);
	body = json_pack("{s:s, s:s, s:s*}", "address", add ? add : gone, "scope",
			 add ? "add" : "remove", "reason", reason);
	if (path && body)
		answer = client_ask(&c, true, path, body, &status);
	else
		status = cli_fail(CLI_BAD_INPUT, "the request is too long");
	if (answer)
		status = client_present(&c, answer);
	json_decref(answer);
	json_decref(body);
	free(path);
	return status;
}

const struct cli_command cmd_device_address = {
	.group = "device",
	.name = "address",
	.usage = "DEVICE --add ADDRESS | --remove ADDRESS [--reason TEXT] [--json]",
	.summary = "what gates and RADIUS servers know a device by",
	.help = "ADDRESS is \"mac 02:00:5e:00:53:01\", \"ip 192.0.2.7\", \"ip 2001:db8::7\", or\n"
		"\"cert\" and the SHA-256 of a client certificate (64 hex digits). An address is\n"
		"one device's. Every change is a new decision record for relying parties.\n"
		"\n"
		"  assay device address plc-7 --add 'mac 02:00:5e:00:53:01'\n"
		"  assay device address plc-7 --add 'ip 192.0.2.7'\n",
	.run = run,
};
