/* keys.c: see keys.h. wolfSSL makes the keys; nothing here parses. */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>

#define PATH_MAX_LEN 1024
#define PEM_MAX 4096
#define DAYS 3650

static enum assay_err
error_of(int err)
{
	switch (err) {
	case ENOENT:
		return ASSAY_NOT_FOUND;
	case EACCES:
	case EPERM:
		return ASSAY_DENIED;
	case EEXIST:
		return ASSAY_EXISTS;
	default:
		return ASSAY_IO;
	}
}

static void
join(char *out, const char *dir, const char *name)
{
	snprintf(out, PATH_MAX_LEN, "%s%s%s", dir, dir[0] ? "/" : "", name);
}

enum assay_err
keys_read_file(const char *dir, const char *name, uint8_t *buf, size_t cap, size_t *ret_len)
{
	char path[PATH_MAX_LEN];
	size_t n = 0;
	ssize_t got;
	int fd;

	join(path, dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_of(errno);
	while (n < cap && (got = read(fd, buf + n, cap - n)) > 0)
		n += (size_t)got;
	if (n == cap) {
		uint8_t more;

		got = read(fd, &more, 1);
		close(fd);
		if (got != 0)
			return ASSAY_TOO_LARGE;
		*ret_len = n;
		return ASSAY_OK;
	}
	close(fd);
	if (got < 0)
		return ASSAY_IO;
	*ret_len = n;
	return ASSAY_OK;
}

enum assay_err
keys_real_path(const char *path, char *ret, size_t cap)
{
	char *real = realpath(path, NULL);
	enum assay_err e = ASSAY_OK;

	if (!real)
		return error_of(errno);
	if (strlen(real) >= cap)
		e = ASSAY_TOO_LARGE;
	else
		snprintf(ret, cap, "%s", real);
	free(real);
	return e;
}

enum assay_err
keys_write_file(const char *dir, const char *name, const uint8_t *bytes, size_t len)
{
	char path[PATH_MAX_LEN];
	enum assay_err e = ASSAY_OK;
	int fd;

	join(path, dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_of(errno);
	if (write(fd, bytes, len) != (ssize_t)len || fsync(fd) != 0)
		e = ASSAY_IO;
	if (close(fd) != 0)
		e = ASSAY_IO;
	if (e != ASSAY_OK)
		unlink(path);
	return e;
}

/* subjectAltName ::= SEQUENCE { [2] common name, [7] 127.0.0.1 } */
static int
alt_names(uint8_t *out, const char *name)
{
	size_t n = strlen(name);
	int at = 0;

	out[at++] = 0x30;
	out[at++] = (uint8_t)(2 + n + 6);
	out[at++] = 0x82;
	out[at++] = (uint8_t)n;
	memcpy(out + at, name, n);
	at += (int)n;
	out[at++] = 0x87;
	out[at++] = 4;
	out[at++] = 127;
	out[at++] = 0;
	out[at++] = 0;
	out[at++] = 1;
	return at;
}

static enum assay_err
write_pem(const char *dir, const char *file, const uint8_t *der, int len, int type)
{
	uint8_t pem[PEM_MAX];
	int n = wc_DerToPem(der, (word32)len, pem, sizeof pem, type);
	enum assay_err e;

	if (n <= 0)
		return ASSAY_CRYPTO;
	e = keys_write_file(dir, file, pem, (size_t)n);
	explicit_bzero(pem, sizeof pem);
	return e;
}

static int
self_sign(ecc_key *key, WC_RNG *rng, const char *name, uint8_t *der, word32 cap)
{
	Cert c;
	int n;

	if (wc_InitCert(&c) != 0)
		return -1;
	snprintf(c.subject.commonName, sizeof c.subject.commonName, "%s", name);
	c.sigType = CTC_SHA256wECDSA;
	c.daysValid = DAYS;
	c.isCA = 0;
	c.selfSigned = 1;
	c.altNamesSz = alt_names(c.altNames, name);
	n = wc_MakeCert_ex(&c, der, cap, ECC_TYPE, key, rng);
	if (n <= 0)
		return n;
	return wc_SignCert_ex(c.bodySz, c.sigType, der, cap, ECC_TYPE, key, rng);
}

enum assay_err
keys_make_tls(const char *dir, const char *cert, const char *keyfile, const char *common_name)
{
	uint8_t der[PEM_MAX], cert_der[PEM_MAX];
	enum assay_err e = ASSAY_CRYPTO;
	int n, cert_len;
	ecc_key key;
	WC_RNG rng;

	if (strlen(common_name) > 63)
		return ASSAY_TOO_LARGE;
	if (wc_InitRng(&rng) != 0)
		return ASSAY_CRYPTO;
	if (wc_ecc_init(&key) != 0)
		goto out_rng;
	if (wc_ecc_make_key_ex(&rng, 32, &key, ECC_SECP256R1) != 0)
		goto out;
	cert_len = self_sign(&key, &rng, common_name, cert_der, sizeof cert_der);
	n = wc_EccKeyToDer(&key, der, sizeof der);
	if (cert_len <= 0 || n <= 0)
		goto out;
	e = write_pem(dir, keyfile, der, n, ECC_PRIVATEKEY_TYPE);
	if (e == ASSAY_OK)
		e = write_pem(dir, cert, cert_der, cert_len, CERT_TYPE);
out:
	explicit_bzero(der, sizeof der);
	wc_ecc_free(&key);
out_rng:
	wc_FreeRng(&rng);
	return e;
}
