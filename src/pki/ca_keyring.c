/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ca_keyring.h"

#include "pki/pkcs11.h"

#include <errno.h>

void ca_keyring_fini(struct ca_keyring *ring)
{
    passphrase_fini(&ring->passphrase);
    ring->is_known = false;
}

static int find_passphrase(struct ca_keyring *ring, const char *path, struct pki_fault *fault)
{
    static const struct ca_access none = { 0 };
    const struct ca_access *access = ring->access != NULL ? ring->access : &none;
    if (access->passphrase_file != NULL)
        return passphrase_load(access->passphrase_file, &ring->passphrase, fault);
    int error = passphrase_load_credential(CA_KEYRING_CREDENTIAL, &ring->passphrase, fault);
    if (error != -ENOENT)
        return error;
    error = access->ask != NULL ? access->ask(access->context, path, &ring->passphrase) : -ENOKEY;
    if (error == -ENOKEY)
        return pki_fail(fault, error,
                        "%s is sealed: give its passphrase in the credential " CA_KEYRING_CREDENTIAL
                        ", in a file (ca { passphrase-file = \"...\" }, --passphrase-file), or at "
                        "the terminal",
                        path);
    return error < 0 ? pki_fail(fault, error, "%s: no passphrase was read", path) : 0;
}

int ca_keyring_passphrase(struct ca_keyring *ring, const char *path, const struct passphrase **out,
                          struct pki_fault *fault)
{
    int error = ring->is_known ? 0 : find_passphrase(ring, path, fault);
    if (error < 0)
        return error;
    ring->is_known = true;
    *out = &ring->passphrase;
    return 0;
}

int ca_keyring_load(struct ca_keyring *ring, const char *path, struct key **out,
                    struct pki_fault *fault)
{
    const struct passphrase *passphrase;
    int error = key_load(path, out, fault);
    if (error != -ENOKEY)
        return error;
    error = ca_keyring_passphrase(ring, path, &passphrase, fault);
    return error == 0 ? key_load_with(path, passphrase, out, fault) : error;
}

bool ca_keyring_has_token(const struct ca_keyring *ring)
{
    return ring->access != NULL && ring->access->key != NULL;
}

/* Who has written no place for the PIN is asked; a token without one takes no answer, too. */
static int open_token(const struct ca_access *access, struct key **out, struct pki_fault *fault)
{
    struct passphrase pin = { 0 };
    bool is_asked = access->ask != NULL && pkcs11_uri_is_valid(access->key)
                    && !pkcs11_uri_has_pin(access->key)
                    && access->ask(access->context, access->key, &pin) == 0;
    int error = pkcs11_open_key(access->key, is_asked ? &pin : NULL, out, fault);
    passphrase_fini(&pin);
    return error;
}

int ca_keyring_issuing(struct ca_keyring *ring, const char *path, struct key **out,
                       struct pki_fault *fault)
{
    return ca_keyring_has_token(ring) ? open_token(ring->access, out, fault)
                                      : ca_keyring_load(ring, path, out, fault);
}
