/* certs.c: see certs.h. */
#include "certs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct span
certs_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "ekcert/%s", name);
	return unit_data(path);
}

static void
copy_into(const char *dir, const char *name)
{
	struct span s = certs_file(name);
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	assert_int_equal(fclose(f), 0);
	unit_free(s);
}

static void
remove_folder(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
	closedir(d);
	assert_int_equal(rmdir(dir), 0);
}

static void
note(void *arg, const char *path, const char *text)
{
	struct certs *c = arg;
	size_t n = strlen(c->warnings);
	const char *name = strrchr(path, '/');

	snprintf(c->warnings + n, sizeof c->warnings - n, "%s: %s\n", name ? name + 1 : path, text);
}

void
certs_open(struct certs *c, const char *const *names)
{
	const char *tmp = getenv("TMPDIR");
	char dir[256];
	struct roots_source src = {.dir = dir, .warn = note, .arg = c};

	memset(c, 0, sizeof *c);
	snprintf(dir, sizeof dir, "%s/certs.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	for (; *names; names++)
		copy_into(dir, *names);
	assert_int_equal(roots_compile(&src, &c->image), ASSAY_OK);
	assert_int_equal(roots_open(SPAN(c->image.bytes, c->image.len), &c->roots), ASSAY_OK);
	remove_folder(dir);
}

void
certs_close(struct certs *c)
{
	roots_image_free(&c->image);
}

void
certs_verify(const struct certs *c, const char *name, const char *const *from_device,
	     struct ekcert *ret)
{
	struct ekcert_input in = {.roots = &c->roots, .time = CERTS_NOW};

	in.cert = certs_file(name);
	for (; *from_device; from_device++)
		in.intermediates[in.nintermediates++] = certs_file(*from_device);
	ekcert_verify(&in, ret);
	unit_free(in.cert);
	while (in.nintermediates > 0)
		unit_free(in.intermediates[--in.nintermediates]);
}

enum ekcert_reason
certs_judge(const struct certs *c, const char *name)
{
	struct ekcert e;

	certs_verify(c, name, NO_CERTS, &e);
	return ekcert_judge(&e, 0);
}

enum ekcert_reason
certs_judge_bytes(const struct certs *c, struct span der)
{
	struct ekcert_input in = {.roots = &c->roots, .time = CERTS_NOW, .cert = der};
	struct ekcert e;

	ekcert_verify(&in, &e);
	return ekcert_judge(&e, 0);
}
