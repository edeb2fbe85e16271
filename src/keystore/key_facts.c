/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/key_facts.h"

#include "keystore/device_key.h"
#include "keystore/key_text.h"
#include "keystore/sealed_format.h"

#include <string.h>

static bool is_by_tpm(const struct key_text *text)
{
    struct sealed_format sealed;

    return text->protection == KEY_PROTECTION_SEALED
           && sealed_format_decode(text->bytes, &sealed) == 0 && sealed.method == SEALED_BY_TPM;
}

static int read_text(const char *path, struct key_facts *facts)
{
    struct key_text text;
    int error = key_text_read(path, &text, &facts->why);

    if (error < 0)
        return error;
    facts->protection = text.protection;
    facts->is_sealed_by_tpm = is_by_tpm(&text);
    key_text_fini(&text);
    return 0;
}

static int open_key(const char *path, struct key_facts *facts)
{
    struct key *key;
    int error = device_key_load(path, &key, &facts->why);

    if (error < 0)
        return error;
    facts->algorithm = key_algorithm_of(key);
    error = key_sha256(key, facts->sha256);
    key_free(key);
    return error < 0 ? pki_fail(&facts->why, error, "%s: the key has no public half", path) : 0;
}

void key_facts_of(const char *path, struct key_facts *out)
{
    struct key_facts facts = { .protection = KEY_PROTECTION_UNKNOWN };

    facts.error = read_text(path, &facts);
    if (facts.error == 0)
        facts.error = open_key(path, &facts);
    facts.is_open = facts.error == 0;
    *out = facts;
}
