/*
 * roca.c: key_is_roca() of key.h.
 *
 * The broken generator made primes k * M + (65537^a mod M), where M is a product of
 * the first primes; so a modulus is 65537^c modulo M for one c (Nemec et al., "The
 * Return of Coppersmith's Attack", 2017). For each prime p of the smallest M the
 * discrete logarithm of n to the base 65537 is found, modulo the order of 65537;
 * the key is marked if all exist and agree, that is, if any two are equal modulo
 * the common divisor of their orders. Chance for a sound key: about 2^-150.
 */
#include "key.h"

#define GENERATOR 65537u
#define PRIMES (sizeof primes / sizeof primes[0])

static const uint8_t primes[] = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
				 47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
				 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

struct logarithm {
	unsigned value;
	unsigned order; /* of the generator */
};

static unsigned
modulo(const struct key *k, unsigned p)
{
	unsigned rest = 0;

	for (size_t i = 0; i < k->n_len; i++)
		rest = (rest << 8 | k->n[i]) % p;
	return rest;
}

/* Walks through the powers of the generator; false if n is none of them. */
static bool
find_logarithm(const struct key *k, unsigned p, struct logarithm *ret)
{
	unsigned n = modulo(k, p), power = 1, order = 0;
	bool found = false;

	do {
		if (power == n) {
			ret->value = order;
			found = true;
		}
		power = power * GENERATOR % p;
		order++;
	} while (power != 1);
	ret->order = order;
	return found;
}

static unsigned
common_divisor(unsigned a, unsigned b)
{
	while (b != 0) {
		unsigned rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

bool
key_is_roca(const struct key *k)
{
	struct logarithm found[PRIMES];

	if (k->type != KEY_RSA)
		return false;
	for (size_t i = 0; i < PRIMES; i++) {
		if (!find_logarithm(k, primes[i], &found[i]))
			return false;
		for (size_t j = 0; j < i; j++) {
			unsigned d = common_divisor(found[i].order, found[j].order);

			if (found[i].value % d != found[j].value % d)
				return false;
		}
	}
	return true;
}
