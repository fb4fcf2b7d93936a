/*
 * secrets.h: which keys of a configuration are measured, which are told, and which are
 * neither, because their name says that they are secret.
 */
#ifndef COLLECT_SECRETS_H
#define COLLECT_SECRETS_H

#include "measure.h"

/*
 * Whether a key's name says that its value is secret: it contains password, passwd,
 * passphrase, secret, token, credential, apikey or privatekey, or one of its words is
 * key, keys, psk, pin, pass or pwd. Words end at other than letters and digits, and
 * where a capital follows a small letter; case does not count.
 */
bool secrets_named(const char *key);

/*
 * What is left of a listing becomes the item's manifest: keys to drop are dropped, of
 * secrets only their presence is told, of all others the digest. Fills r->told, takes
 * the version if a key has it, and frees the listing. Nothing but the clean-up if note
 * is set.
 */
enum software_note secrets_manifest(struct listing *l, const struct item *it,
				    enum software_note note, struct result *r);

#endif
