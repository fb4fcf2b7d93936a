/* imalog_signature.c: the header of file signatures (struct signature_v2_hdr). */
#include "imalog.h"

/* enum hash_algo (include/uapi/linux/hash_info.h) */
static const char *const hashes[] = {
	"md4", "md5", "sha1", "rmd160", "sha256", "sha384", "sha512", "sha224", "rmd128",
	"rmd256", "rmd320", "wp256", "wp384", "wp512", "tgr128", "tgr160", "tgr192", "sm3",
	"streebog256", "streebog512", "sha3-256", "sha3-384", "sha3-512",
};

enum assay_err
imalog_signature(struct span field, struct imalog_signature *ret)
{
	struct imalog_signature s = {0};
	struct reader r;
	uint8_t hash;
	enum assay_err e;

	rd_init(&r, field);
	s.type = rd_u8(&r);
	s.version = rd_u8(&r);
	hash = rd_u8(&r);
	s.key_id = rd_be32(&r);
	s.bytes = rd_be16_bytes(&r, UINT16_MAX);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	if (s.type != IMALOG_SIGNATURE_FILE && s.type != IMALOG_SIGNATURE_VERITY)
		return ASSAY_BAD_TYPE;
	/* version 2 does not say which digest it signs, so the kernel takes 3 alone for
	 * fs-verity's */
	if (s.version < 2 || s.version > 3 ||
	    (s.version < 3 && s.type == IMALOG_SIGNATURE_VERITY) ||
	    hash >= sizeof hashes / sizeof hashes[0])
		return ASSAY_UNSUPPORTED;
	if (s.bytes.n == 0)
		return ASSAY_TRUNCATED;
	s.hash = hashes[hash];
	s.hash_id = hash;
	*ret = s;
	return ASSAY_OK;
}

bool
imalog_signature_of_evm(struct span field)
{
	struct reader r;

	rd_init(&r, field);
	return rd_u8(&r) == IMALOG_SIGNATURE_EVM;
}
