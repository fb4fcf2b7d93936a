/* sm3.c: see sm3.h. Names as in GB/T 32905-2016, 4 and 5. */
#include "sm3.h"

#include <string.h>

#define ROUNDS 64

/* T_j <<< j (4.2, 5.3.3) */
static const uint32_t constants[ROUNDS] = {
	0x79CC4519, 0xF3988A32, 0xE7311465, 0xCE6228CB,
	0x9CC45197, 0x3988A32F, 0x7311465E, 0xE6228CBC,
	0xCC451979, 0x988A32F3, 0x311465E7, 0x6228CBCE,
	0xC451979C, 0x88A32F39, 0x11465E73, 0x228CBCE6,
	0x9D8A7A87, 0x3B14F50F, 0x7629EA1E, 0xEC53D43C,
	0xD8A7A879, 0xB14F50F3, 0x629EA1E7, 0xC53D43CE,
	0x8A7A879D, 0x14F50F3B, 0x29EA1E76, 0x53D43CEC,
	0xA7A879D8, 0x4F50F3B1, 0x9EA1E762, 0x3D43CEC5,
	0x7A879D8A, 0xF50F3B14, 0xEA1E7629, 0xD43CEC53,
	0xA879D8A7, 0x50F3B14F, 0xA1E7629E, 0x43CEC53D,
	0x879D8A7A, 0x0F3B14F5, 0x1E7629EA, 0x3CEC53D4,
	0x79D8A7A8, 0xF3B14F50, 0xE7629EA1, 0xCEC53D43,
	0x9D8A7A87, 0x3B14F50F, 0x7629EA1E, 0xEC53D43C,
	0xD8A7A879, 0xB14F50F3, 0x629EA1E7, 0xC53D43CE,
	0x8A7A879D, 0x14F50F3B, 0x29EA1E76, 0x53D43CEC,
	0xA7A879D8, 0x4F50F3B1, 0x9EA1E762, 0x3D43CEC5,
};

/* 0 < n < 32 */
static uint32_t
rotl(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
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

/* What both halves of 5.3.3 share; x and y are FF_j and GG_j of the registers A to H. */
static void
turn(uint32_t s[8], uint32_t t, const uint32_t w[5], const uint32_t xy[2])
{
	uint32_t a12 = rotl(s[0], 12), ss1 = rotl(a12 + s[4] + t, 7);
	uint32_t tt1 = xy[0] + s[3] + (ss1 ^ a12) + (w[0] ^ w[4]);
	uint32_t tt2 = xy[1] + s[7] + ss1 + w[0];

	s[3] = s[2];
	s[2] = rotl(s[1], 9);
	s[1] = s[0];
	s[0] = tt1;
	s[7] = s[6];
	s[6] = rotl(s[5], 19);
	s[5] = s[4];
	s[4] = p0(tt2);
}

/* 5.3.3: CF. v holds A to H. */
static void
compress(uint32_t v[8], const uint8_t block[SM3_BLOCK])
{
	uint32_t w[ROUNDS + 4], s[8];

	expand(block, w);
	memcpy(s, v, sizeof s);
	for (unsigned j = 0; j < 16; j++)
		turn(s, constants[j], w + j,
		     (const uint32_t[2]){s[0] ^ s[1] ^ s[2], s[4] ^ s[5] ^ s[6]});
	for (unsigned j = 16; j < ROUNDS; j++)
		turn(s, constants[j], w + j,
		     (const uint32_t[2]){(s[0] & s[1]) | (s[0] & s[2]) | (s[1] & s[2]),
					 (s[4] & s[5]) | (~s[4] & s[6])});
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
