/* digestset_hash.c: the keyed hash of digestset.h: SipHash-1-3 (Aumasson, Bernstein). */
#include "digestset.h"

static inline uint64_t
rotate(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline uint64_t
load8(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

/* The last n bytes, of fewer than eight. */
static uint64_t
load_tail(struct span s, size_t n)
{
	uint64_t v = 0;

	if (s.n >= 8 && n != 0)
		return load8(&s.p[s.n - 8]) >> (64 - 8 * n);
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)s.p[s.n - n + i] << (8 * i);
	return v;
}

static inline void
sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
}

uint64_t
digestset_hash(const uint8_t key[16], uint32_t alg, struct span bytes)
{
	uint64_t k0 = load8(key), k1 = load8(key + 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			 k1 ^ 0x7465646279746573};
	size_t i = 0;

	sip_word(v, alg);
	for (; bytes.n - i >= 8; i += 8)
		sip_word(v, load8(&bytes.p[i]));
	sip_word(v, (uint64_t)bytes.n << 56 | load_tail(bytes, bytes.n - i));
	v[2] ^= 0xFF;
	for (unsigned r = 0; r < 3; r++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
