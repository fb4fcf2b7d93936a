/* sha_fast.c: see sha_fast.h. FIPS 180-4; the instructions are those of Intel's SDM,
 * volume 2 (SHA256RNDS2, SHA1RNDS4 ...). */
#include "sha_fast.h"

#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define BLOCK 64u
#define LENGTH_AT 56u
#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* A state in the instructions' order of words. */
struct state {
	__m128i a, b; /* SHA-256: ABEF, CDGH; SHA-1: ABCD, E */
};

static const uint32_t k256[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2};

bool
sha_fast_here(void)
{
	unsigned a, b, c, d;
	bool sse;

	if (__get_cpuid(1, &a, &b, &c, &d) == 0)
		return false;
	sse = (c >> 9 & 1) && (c >> 19 & 1); /* SSSE3, SSE4.1 */
	return sse && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 29 & 1);
}

static __m128i
load(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

WITH_SHA static void
sha256_begin(struct state *s)
{
	/* FIPS 180-4, 5.3.3 */
	s->a = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
	s->b = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
}

WITH_SHA static void
sha256_block(struct state *s, const uint8_t *p)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i m[4], a = s->a, b = s->b;

	for (unsigned i = 0; i < 4; i++)
		m[i] = _mm_shuffle_epi8(load(p + 16 * i), swap);
#pragma GCC unroll 16
	for (unsigned i = 0; i < 16; i++) {
		__m128i k = _mm_add_epi32(m[i % 4], load(k256 + 4 * i)), t;

		b = _mm_sha256rnds2_epu32(b, a, k);
		a = _mm_sha256rnds2_epu32(a, b, _mm_shuffle_epi32(k, 0x0E));
		if (i >= 12)
			continue;
		t = _mm_sha256msg1_epu32(m[i % 4], m[(i + 1) % 4]);
		t = _mm_add_epi32(t, _mm_alignr_epi8(m[(i + 3) % 4], m[(i + 2) % 4], 4));
		m[i % 4] = _mm_sha256msg2_epu32(t, m[(i + 3) % 4]);
	}
	s->a = _mm_add_epi32(s->a, a);
	s->b = _mm_add_epi32(s->b, b);
}

WITH_SHA static void
sha256_end(const struct state *s, uint8_t *ret)
{
	uint32_t w[8], out[8];

	_mm_storeu_si128((__m128i *)(void *)w, s->a);       /* F E B A */
	_mm_storeu_si128((__m128i *)(void *)(w + 4), s->b); /* H G D C */
	out[0] = w[3];
	out[1] = w[2];
	out[2] = w[7];
	out[3] = w[6];
	out[4] = w[1];
	out[5] = w[0];
	out[6] = w[5];
	out[7] = w[4];
	for (unsigned i = 0; i < 8; i++)
		out[i] = __builtin_bswap32(out[i]);
	memcpy(ret, out, sizeof out);
}

WITH_SHA static void
sha1_begin(struct state *s)
{
	/* FIPS 180-4, 5.3.1 */
	s->a = _mm_set_epi32(0x67452301, (int)0xefcdab89, (int)0x98badcfe, 0x10325476);
	s->b = _mm_set_epi32((int)0xc3d2e1f0, 0, 0, 0);
}

/* Four rounds with function F and, while there are words to come, four of these. */
#define SHA1_ROUNDS(i, f)                                                                          \
	do {                                                                                       \
		__m128i now = (i) == 0 ? _mm_add_epi32(e, m[0])                                    \
				       : _mm_sha1nexte_epu32(e, m[(i) % 4]);                       \
		e = a;                                                                             \
		a = _mm_sha1rnds4_epu32(a, now, f);                                                \
		if ((i) < 16)                                                                      \
			m[(i) % 4] = _mm_sha1msg2_epu32(                                           \
				_mm_xor_si128(_mm_sha1msg1_epu32(m[(i) % 4], m[((i) + 1) % 4]),    \
					      m[((i) + 2) % 4]),                                   \
				m[((i) + 3) % 4]);                                                 \
	} while (0)
#define SHA1_FIVE(i, f)                                                                            \
	do {                                                                                       \
		SHA1_ROUNDS(i, f);                                                                 \
		SHA1_ROUNDS(i + 1, f);                                                             \
		SHA1_ROUNDS(i + 2, f);                                                             \
		SHA1_ROUNDS(i + 3, f);                                                             \
		SHA1_ROUNDS(i + 4, f);                                                             \
	} while (0)

WITH_SHA static void
sha1_block(struct state *s, const uint8_t *p)
{
	const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
	__m128i m[4], a = s->a, e = s->b;

	for (unsigned i = 0; i < 4; i++)
		m[i] = _mm_shuffle_epi8(load(p + 16 * i), swap);
	SHA1_FIVE(0, 0);
	SHA1_FIVE(5, 1);
	SHA1_FIVE(10, 2);
	SHA1_FIVE(15, 3);
	s->b = _mm_sha1nexte_epu32(e, s->b);
	s->a = _mm_add_epi32(s->a, a);
}

WITH_SHA static void
sha1_end(const struct state *s, uint8_t *ret)
{
	uint32_t w[8], out[5];

	_mm_storeu_si128((__m128i *)(void *)w, s->a); /* D C B A */
	_mm_storeu_si128((__m128i *)(void *)(w + 4), s->b);
	for (unsigned i = 0; i < 4; i++)
		out[i] = __builtin_bswap32(w[3 - i]);
	out[4] = __builtin_bswap32(w[7]);
	memcpy(ret, out, sizeof out);
}

struct hash {
	void (*begin)(struct state *s);
	void (*block)(struct state *s, const uint8_t *p);
	void (*end)(const struct state *s, uint8_t *ret);
};

/* Whole blocks from where they stand, what is left into buf. */
static size_t
take(const struct hash *h, struct state *s, struct span in, uint8_t *buf, size_t used)
{
	size_t i = 0;

	if (used != 0) {
		i = BLOCK - used < in.n ? BLOCK - used : in.n;
		if (i != 0)
			memcpy(buf + used, in.p, i);
		used += i;
		if (used < BLOCK)
			return used;
		h->block(s, buf);
	}
	for (; in.n - i >= BLOCK; i += BLOCK)
		h->block(s, in.p + i);
	if (in.n != i)
		memcpy(buf, in.p + i, in.n - i);
	return in.n - i;
}

static void
finish(const struct hash *h, struct state *s, uint8_t *buf, size_t used, uint64_t bytes)
{
	buf[used++] = 0x80;
	if (used > LENGTH_AT) {
		memset(buf + used, 0, BLOCK - used);
		h->block(s, buf);
		used = 0;
	}
	memset(buf + used, 0, LENGTH_AT - used);
	bytes = __builtin_bswap64(bytes * 8);
	memcpy(buf + LENGTH_AT, &bytes, sizeof bytes);
	h->block(s, buf);
}

bool
sha_fast(uint16_t alg, struct span a, struct span b, struct digest *ret)
{
	static const struct hash sha1 = {sha1_begin, sha1_block, sha1_end};
	static const struct hash sha256 = {sha256_begin, sha256_block, sha256_end};
	const struct hash *h = alg == ALG_SHA256 ? &sha256 : &sha1;
	uint8_t buf[BLOCK];
	struct state s;
	size_t used;

	if (alg != ALG_SHA1 && alg != ALG_SHA256)
		return false;
	h->begin(&s);
	used = take(h, &s, a, buf, 0);
	used = take(h, &s, b, buf, used);
	finish(h, &s, buf, used, (uint64_t)a.n + b.n);
	h->end(&s, ret->b);
	ret->alg = alg;
	ret->len = alg == ALG_SHA256 ? 32 : 20;
	return true;
}

#else

bool
sha_fast_here(void)
{
	return false;
}

bool
sha_fast(uint16_t alg, struct span a, struct span b, struct digest *ret)
{
	(void)alg, (void)a, (void)b, (void)ret;
	return false;
}

#endif
