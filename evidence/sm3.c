/* sm3.c: see sm3.h. Names as in GB/T 32905-2016, 4 and 5. */
#include "sm3.h"

#include <string.h>

#define ROUNDS 64

static uint32_t
rotl(uint32_t x, unsigned n)
{
	n &= 31;
	return n == 0 ? x : x << n | x >> (32 - n);
}

static uint32_t
p0(uint32_t x)
{
	return x ^ rotl(x, 9) ^ rotl(x, 17);
}

static uint32_t
p1(uint32_t x)
{
	return x ^ rotl(x, 15) ^ rotl(x, 23);
}

/* 5.3.2: the block as 68 words. */
static void
expand(const uint8_t block[SM3_BLOCK], uint32_t w[ROUNDS + 4])
{
	struct reader r;

	rd_init(&r, SPAN(block, SM3_BLOCK));
	for (unsigned j = 0; j < 16; j++)
		w[j] = rd_be32(&r);
	for (unsigned j = 16; j < ROUNDS + 4; j++)
		w[j] = p1(w[j - 16] ^ w[j - 9] ^ rotl(w[j - 3], 15)) ^ rotl(w[j - 13], 7) ^
		       w[j - 6];
}

static uint32_t
ff(unsigned j, uint32_t x, uint32_t y, uint32_t z)
{
	return j < 16 ? x ^ y ^ z : (x & y) | (x & z) | (y & z);
}

static uint32_t
gg(unsigned j, uint32_t x, uint32_t y, uint32_t z)
{
	return j < 16 ? x ^ y ^ z : (x & y) | (~x & z);
}

/* 5.3.3: CF. v holds A to H. */
static void
compress(uint32_t v[8], const uint8_t block[SM3_BLOCK])
{
	uint32_t w[ROUNDS + 4], s[8];

	expand(block, w);
	memcpy(s, v, sizeof s);
	for (unsigned j = 0; j < ROUNDS; j++) {
		uint32_t t = j < 16 ? 0x79CC4519u : 0x7A879D8Au;
		uint32_t ss1 = rotl(rotl(s[0], 12) + s[4] + rotl(t, j), 7);
		uint32_t ss2 = ss1 ^ rotl(s[0], 12);
		uint32_t tt1 = ff(j, s[0], s[1], s[2]) + s[3] + ss2 + (w[j] ^ w[j + 4]);
		uint32_t tt2 = gg(j, s[4], s[5], s[6]) + s[7] + ss1 + w[j];

		s[3] = s[2];
		s[2] = rotl(s[1], 9);
		s[1] = s[0];
		s[0] = tt1;
		s[7] = s[6];
		s[6] = rotl(s[5], 19);
		s[5] = s[4];
		s[4] = p0(tt2);
	}
	for (unsigned i = 0; i < 8; i++)
		v[i] ^= s[i];
}

void
sm3_init(struct sm3 *s)
{
	static const uint32_t iv[8] = {0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600,
				       0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E};

	memset(s, 0, sizeof *s);
	memcpy(s->v, iv, sizeof s->v);
}

void
sm3_update(struct sm3 *s, struct span in)
{
	struct reader r;

	rd_init(&r, in);
	while (rd_left(&r) > 0) {
		size_t at = s->length % SM3_BLOCK, n = SM3_BLOCK - at;
		struct span part;

		part = rd_bytes(&r, n < rd_left(&r) ? n : rd_left(&r));
		memcpy(s->block + at, part.p, part.n);
		s->length += part.n;
		if (s->length % SM3_BLOCK == 0)
			compress(s->v, s->block);
	}
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* 5.2: a one bit, zeros, and the length in bits. */
void
sm3_final(struct sm3 *s, uint8_t ret[SM3_SIZE])
{
	static const uint8_t padding[SM3_BLOCK] = {0x80};
	uint64_t bits = s->length * 8;
	size_t at = s->length % SM3_BLOCK;
	uint8_t length[8];

	sm3_update(s, SPAN(padding, (at < 56 ? 56 : 120) - at));
	put_be32(length, (uint32_t)(bits >> 32));
	put_be32(length + 4, (uint32_t)bits);
	sm3_update(s, SPAN(length, sizeof length));
	for (unsigned i = 0; i < 8; i++)
		put_be32(ret + 4 * i, s->v[i]);
}
