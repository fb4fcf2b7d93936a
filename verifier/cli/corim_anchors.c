/* corim_anchors.c: see corim_anchors.h. */
#include "corim_anchors.h"

#include "akfile.h"

#include "verifier/appraise/certfile.h"
#include "verifier/appraise/x509.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROOT_FILE_MAX (256u << 10)
#define PATH_TEXT_MAX 4096

/* Keeps the memory until anchors_free(); NULL after a message. */
static uint8_t *
keep(struct anchors *to, size_t n)
{
	uint8_t *p;

	if (to->nfiles == sizeof to->files / sizeof to->files[0]) {
		(void)cli_fail(CLI_BAD_INPUT, "too many files of roots and keys");
		return NULL;
	}
	p = malloc(n ? n : 1);
	if (!p)
		(void)cli_fail(CLI_FAULT, "memory is exhausted");
	else
		to->files[to->nfiles++] = p;
	return p;
}

/* The certificates of one file; false if it is not all certificates. */
static bool
take_certificates(struct anchors *to, struct span file, uint8_t *room)
{
	struct certfile_item item;
	struct certfile f;
	enum assay_err e;

	certfile_open(&f, file, room, file.n);
	while ((e = certfile_next(&f, &item)) == ASSAY_OK) {
		struct x509 cert;

		if (item.is_crl || x509_parse(item.der, &cert) != ASSAY_OK ||
		    to->a.nroots == CORIM_ANCHORS_MAX)
			return false;
		to->a.roots[to->a.nroots++] = item.der;
	}
	return e == ASSAY_NOT_FOUND && file.n != 0;
}

static int
add_root_file(struct anchors *to, const char *path, bool named)
{
	size_t before = to->a.nroots;
	struct span file;
	uint8_t *copy;
	int status;

	if (!cli_read_file(path, ROOT_FILE_MAX, &file, &status))
		return status;
	copy = keep(to, 2 * file.n);
	if (!copy) {
		cli_free(file);
		return CLI_FAULT;
	}
	if (file.n)
		memcpy(copy, file.p, file.n);
	cli_free(file);
	if (take_certificates(to, SPAN(copy, file.n), copy + file.n))
		return CLI_YES;
	to->a.nroots = before;
	if (named)
		return cli_fail(CLI_BAD_INPUT, "%s: not certificates, or too many of them", path);
	fprintf(stderr, "assay: warning: %s: not certificates, left out\n", path);
	return CLI_YES;
}

static int
add_root_folder(struct anchors *to, const char *path, DIR *d)
{
	char name[PATH_TEXT_MAX];
	struct dirent *e;
	struct stat st;
	int status = CLI_YES;

	while (status == CLI_YES && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' ||
		    snprintf(name, sizeof name, "%s/%s", path, e->d_name) >= (int)sizeof name)
			continue;
		if (stat(name, &st) == 0 && S_ISREG(st.st_mode))
			status = add_root_file(to, name, false);
	}
	return status;
}

int
anchors_add_roots(struct anchors *to, const char *path)
{
	DIR *d = opendir(path);
	int status;

	if (!d && errno != ENOTDIR)
		return cli_fail(CLI_NO_ACCESS, "%s: %s", path, strerror(errno));
	status = d ? add_root_folder(to, path, d) : add_root_file(to, path, true);
	if (d)
		closedir(d);
	if (status == CLI_YES && to->a.nroots == 0)
		return cli_fail(CLI_BAD_INPUT, "%s: holds no certificate", path);
	return status;
}

int
anchors_add_key(struct anchors *to, const char *path)
{
	char what[AKFILE_WHAT_MAX] = "";
	struct akfile key;
	enum assay_err e;
	struct span file;
	uint8_t *spki;
	int status;
	size_t n;

	if (to->a.nkeys == CORIM_ANCHORS_MAX)
		return cli_fail(CLI_BAD_INPUT, "too many keys");
	if (!cli_read_file(path, AKFILE_MAX, &file, &status))
		return status;
	e = akfile_parse(file, &key, what);
	cli_free(file);
	if (e != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: not a public key%s%s: %s", path,
				*what ? ": " : "", what, assay_err_text(e));
	spki = keep(to, KEY_SPKI_MAX);
	if (!spki || key_to_spki(&key.key, spki, KEY_SPKI_MAX, &n) != ASSAY_OK)
		return CLI_FAULT;
	to->a.keys[to->a.nkeys++] = SPAN(spki, n);
	return CLI_YES;
}

void
anchors_free(struct anchors *a)
{
	for (size_t i = 0; i < a->nfiles; i++)
		free(a->files[i]);
	*a = (struct anchors){.nfiles = 0};
}
