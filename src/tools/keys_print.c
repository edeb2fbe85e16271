/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys_print.h"

#include "tools/identity_print.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SECONDS_A_DAY 86400
#define OTHERS        077 /* of the mode: whoever is not the owner */

static const char *const states[KEYS_CERTIFICATE_COUNT] = {
    [KEYS_CERTIFICATE_MISSING] = "missing", [KEYS_CERTIFICATE_OF_OTHER] = "of another key",
    [KEYS_CERTIFICATE_EXPIRED] = "expired", [KEYS_CERTIFICATE_NOT_YET] = "not valid yet",
    [KEYS_CERTIFICATE_GOOD] = "good",       [KEYS_CERTIFICATE_NONE] = "none",
};

const char *keys_print_level(const struct key_facts *key)
{
    if (key->protection == KEY_PROTECTION_SEALED)
        return key->is_sealed_by_tpm ? "sealed (TPM)" : "sealed (machine)";
    return identity_extension_protection_text(key->protection);
}

const char *keys_print_proof(const struct keys_print *one)
{
    if (one->key.protection < KEY_PROTECTION_PKCS11)
        return "";
    return one->is_attested ? " (attested)" : " (declared)";
}

/* ---- looking ---- */

static enum keys_certificate state_of(const struct keys_print *one, int64_t now_s)
{
    const struct registry_certificate *life = &one->certificate.registered;

    if (one->key.is_open
        && memcmp(one->key.sha256, one->certificate.key_sha256, sizeof(one->key.sha256)) != 0)
        return KEYS_CERTIFICATE_OF_OTHER;
    if (now_s < life->not_before_s)
        return KEYS_CERTIFICATE_NOT_YET;
    return now_s > life->not_after_s ? KEYS_CERTIFICATE_EXPIRED : KEYS_CERTIFICATE_GOOD;
}

static void read_certificate(struct keys_print *one, int64_t now_s)
{
    struct identity_extension extension = { .is_attested = false };
    struct certificate *certificate;

    if (one->place->certificate_file[0] == '\0') {
        one->state = KEYS_CERTIFICATE_NONE;
        return;
    }
    if (certificate_load(one->place->certificate_file, &certificate, NULL) < 0)
        return;
    if (certificate_facts_of(certificate, &one->certificate, NULL) == 0)
        one->state = state_of(one, now_s);
    if (certificate_extension_of(certificate, &extension) == 0)
        one->is_attested = extension.is_attested && one->key.protection == KEY_PROTECTION_TPM
                           && one->state != KEYS_CERTIFICATE_OF_OTHER;
    certificate_free(certificate);
}

void keys_print_of(const struct profile *place, int64_t now_s, struct keys_print *out)
{
    struct stat status;
    struct keys_print one = { .place = place };

    if (stat(place->key_file, &status) == 0) {
        one.mode = status.st_mode & ALLPERMS;
        one.owner = status.st_uid;
    }
    key_facts_of(place->key_file, &one.key);
    read_certificate(&one, now_s);
    *out = one;
}

bool keys_print_is_good(const struct keys_print *one)
{
    return one->key.is_open && (one->mode & OTHERS) == 0 && one->state == KEYS_CERTIFICATE_GOOD;
}

/* ---- saying ---- */

static bool has_certificate(const struct keys_print *one)
{
    return one->state != KEYS_CERTIFICATE_MISSING && one->state != KEYS_CERTIFICATE_NONE;
}

static void print_certificate(const struct keys_print *one)
{
    char to[IDENTITY_PRINT_TIME_SIZE];
    char hash[65];

    if (!has_certificate(one)) {
        (void)printf("  certificate  %s\n", states[one->state]);
        return;
    }
    (void)printf("  certificate  %s, until %s, SHA-256 %s\n", states[one->state],
                 identity_print_time(one->certificate.registered.not_after_s, to),
                 identity_print_hash(one->certificate.registered.fingerprint, hash));
}

void keys_print_people(const struct keys_print *one)
{
    char name[PROFILE_NAME_SIZE];
    char path[PATH_MAX];
    char why[PKI_FAULT_BYTES];
    char hash[65];

    (void)printf("%s  %s%s\n", identity_print_text(one->place->name, name, sizeof(name)),
                 keys_print_level(&one->key), keys_print_proof(one));
    (void)printf("  file         %s, mode %04o\n",
                 identity_print_text(one->place->key_file, path, sizeof(path)), one->mode);
    if (one->key.is_open)
        (void)printf("  key          %s, SHA-256 %s\n", key_algorithm_text(one->key.algorithm),
                     identity_print_hash(one->key.sha256, hash));
    else
        (void)printf("  key          cannot be opened: %s\n",
                     identity_print_text(one->key.why.text, why, sizeof(why)));
    if (one->state == KEYS_CERTIFICATE_NONE)
        (void)puts("  left over    a change of the key was interrupted; say it again");
    else
        print_certificate(one);
}

static json_t *certificate_json(const struct keys_print *one)
{
    const struct registry_certificate *life = &one->certificate.registered;
    char from[IDENTITY_PRINT_TIME_SIZE];
    char to[IDENTITY_PRINT_TIME_SIZE];
    char hash[65];

    if (!has_certificate(one))
        return json_pack("{s:s, s:s}", "file", one->place->certificate_file, "state",
                         states[one->state]);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "file", one->place->certificate_file,
                     "state", states[one->state], "serial", life->serial, "sha256",
                     identity_print_hash(life->fingerprint, hash), "not_before",
                     identity_print_time_rfc3339(life->not_before_s, from), "not_after",
                     identity_print_time_rfc3339(life->not_after_s, to));
}

json_t *keys_print_json(const struct keys_print *one)
{
    char mode[8];
    char path[PATH_MAX];
    char why[PKI_FAULT_BYTES];
    char hash[65] = "";

    (void)snprintf(mode, sizeof(mode), "%04o", one->mode);
    if (one->key.is_open)
        (void)identity_print_hash(one->key.sha256, hash);
    return json_pack(
        "{s:s, s:s, s:s, s:s*, s:b, s:s, s:I, s:b, s:s*, s:s*, s:s*, s:o, s:b, s:b}", "name",
        one->place->name, "file", identity_print_text(one->place->key_file, path, sizeof(path)),
        "level", identity_extension_protection_text(one->key.protection), "sealed_by",
        one->key.protection != KEY_PROTECTION_SEALED ? NULL
        : one->key.is_sealed_by_tpm                  ? "tpm"
                                                     : "machine",
        "attested", (int)one->is_attested, "mode", mode, "owner", (json_int_t)one->owner, "opens",
        (int)one->key.is_open, "algorithm",
        one->key.is_open ? key_algorithm_text(one->key.algorithm) : NULL, "sha256",
        one->key.is_open ? hash : NULL, "reason",
        one->key.is_open ? NULL : identity_print_text(one->key.why.text, why, sizeof(why)),
        "certificate", certificate_json(one), "left_over",
        (int)(one->state == KEYS_CERTIFICATE_NONE), "good", (int)keys_print_is_good(one));
}
