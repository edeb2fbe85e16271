/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/key_trial.h"

#include "base/wipe.h"
#include "keystore/key_text.h"
#include "keystore/sealed_key.h"
#include "keystore/token_key.h"
#include "keystore/tpm_trial.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>

#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */

/* Ed25519 brings a digest of its own and refuses another one. */
static const EVP_MD *digest_for(const struct key *key)
{
    return key_algorithm_of(key) == KEY_ED25519 ? NULL : EVP_sha256();
}

static const unsigned char words[] = "tacit tries whether this key signs";

static bool sign(const struct key *key, unsigned char *out, size_t *out_len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL
                && EVP_DigestSignInit(context, NULL, digest_for(key), NULL, key_handle(key)) == 1
                && EVP_DigestSign(context, out, out_len, words, sizeof(words)) == 1;

    EVP_MD_CTX_free(context);
    return done;
}

static bool verify(const struct key *key, const unsigned char *signature, size_t len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good =
        context != NULL
        && EVP_DigestVerifyInit(context, NULL, digest_for(key), NULL, key_handle(key)) == 1
        && EVP_DigestVerify(context, signature, len, words, sizeof(words)) == 1;

    EVP_MD_CTX_free(context);
    return is_good;
}

int key_trial_sign(const struct key *key, struct pki_fault *fault)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);

    if (!sign(key, signature, &len))
        return pki_fail_crypto(fault, -EIO, "the key does not sign");
    return verify(key, signature, len)
               ? 0
               : pki_fail_crypto(fault, -EIO, "the key signs what its public half does not verify");
}

/* ---- stealing ---- */

__attribute__((format(printf, 3, 4))) static void
tell(struct key_trial *out, enum key_trial_end end, const char *format, ...)
{
    va_list arguments;

    out->end = end;
    va_start(arguments, format);
    (void)vsnprintf(out->told, sizeof(out->told), format, arguments);
    va_end(arguments);
}

static void steal_plain(enum key_trial_thief thief, struct key_trial *out)
{
    static const char *const whose[KEY_TRIAL_THIEVES] = {
        [KEY_TRIAL_ROOT] = "root reads any file",
        [KEY_TRIAL_DISK] = "the image has it",
        [KEY_TRIAL_FOLDER] = "a copy of it works everywhere",
    };

    tell(out, KEY_TRIAL_GIVEN, "the file is the key itself, and %s", whose[thief]);
}

static void open_seal(struct mqtt_span bytes, struct key_trial *out)
{
    struct software_key_halves halves;
    struct pki_fault why = { "" };
    int error = sealed_key_open(bytes, &halves, &why);

    wipe_bytes(&halves, sizeof(halves));
    if (error == 0)
        tell(out, KEY_TRIAL_GIVEN, "the seal was opened here, as root can as well");
    else
        tell(out, KEY_TRIAL_UNKNOWN, "the seal does not open here: %.300s", why.text);
}

static bool ask_tpm(const struct sealed_format *sealed, struct key_trial *out)
{
    struct tpm_trial trial = { .was_given = true };
    struct pki_fault why = { "" };

    if (tpm_trial_wrapped((struct mqtt_span){ sealed->wrapped, sealed->wrapped_len }, &trial, &why)
        < 0)
        tell(out, KEY_TRIAL_UNKNOWN, "the TPM could not be asked: %.300s", why.text);
    else if (trial.was_given || !trial.is_fixed)
        tell(out, KEY_TRIAL_GIVEN, "the TPM lets the secret of the seal go to another one");
    else
        return true;
    return false;
}

static void pick_seal(struct mqtt_span bytes, enum key_trial_thief thief, struct key_trial *out)
{
    struct sealed_format sealed;
    bool has_disk = thief == KEY_TRIAL_DISK;
    int error = sealed_key_pick(bytes, has_disk ? SEALED_KEY_LOOT_DISK : SEALED_KEY_LOOT_FILE);

    if (error == 0)
        tell(out, KEY_TRIAL_GIVEN,
             "the seal was opened with nothing but what lies on the disk: "
             "the machine's secret and its id");
    else if (error != -EKEYREJECTED || sealed_format_decode(bytes, &sealed) < 0)
        tell(out, KEY_TRIAL_UNKNOWN, "the seal could not be tried");
    else if (sealed.method == SEALED_BY_TPM && !ask_tpm(&sealed, out))
        return;
    else
        tell(out, KEY_TRIAL_REFUSED, "the seal was tried with %s, and stays closed%s",
             has_disk ? "all that lies on the disk" : "another machine's secret",
             sealed.method == SEALED_BY_TPM
                 ? "; the TPM that opens it does not let its secret go to another one"
                 : "");
}

static void ask_token(const char *uri, enum key_trial_thief thief, struct key_trial *out)
{
    struct token_key_answer answer = { .was_given = true };
    struct pki_fault why = { "" };

    if (token_key_ask(uri, &answer, &why) < 0)
        tell(out, KEY_TRIAL_UNKNOWN, "the token could not be asked: %.300s", why.text);
    else if (answer.was_given)
        tell(out, KEY_TRIAL_GIVEN, "asked for CKA_VALUE, the token gave it");
    else if (answer.is_soft && thief != KEY_TRIAL_FOLDER)
        tell(out, KEY_TRIAL_UNKNOWN,
             "asked for CKA_VALUE, the token refuses (code 0x%lx), but it does not say that it is "
             "hardware: software keeps keys in files, under the PIN",
             answer.code);
    else
        tell(out, KEY_TRIAL_REFUSED, "asked for CKA_VALUE, the token refuses (code 0x%lx)",
             answer.code);
}

static void ask_for_object(const struct key_text *text, struct key_trial *out)
{
    struct tpm_trial trial = { .was_given = true };
    struct pki_fault why = { "" };
    uint32_t handle = 0;
    int error = key_text_handle(text->reference, &handle)
                    ? tpm_trial_handle(handle, &trial, &why)
                    : tpm_trial_blob(text->bytes, &trial, &why);

    if (error < 0)
        tell(out, KEY_TRIAL_UNKNOWN, "the TPM could not be asked: %.300s", why.text);
    else if (trial.was_given || !trial.is_fixed)
        tell(out, KEY_TRIAL_GIVEN,
             trial.was_given ? "asked to duplicate it, the TPM did"
                             : "the key is not fixedTPM and fixedParent: it may leave");
    else
        tell(out, KEY_TRIAL_REFUSED,
             "the key is fixedTPM and fixedParent, and asked to duplicate it, the TPM refuses "
             "(code 0x%x)",
             trial.code);
}

void key_trial_steal(const char *place, enum key_trial_thief thief, struct key_trial *out)
{
    struct key_text text;
    struct pki_fault why = { "" };

    if (key_text_read(place, &text, &why) < 0) {
        tell(out, KEY_TRIAL_UNKNOWN, "%.300s", why.text);
        return;
    }
    if (text.protection == KEY_PROTECTION_PKCS11)
        ask_token(text.reference, thief, out);
    else if (text.protection == KEY_PROTECTION_TPM)
        ask_for_object(&text, out);
    else if (text.protection != KEY_PROTECTION_SEALED)
        steal_plain(thief, out);
    else if (thief == KEY_TRIAL_ROOT)
        open_seal(text.bytes, out);
    else
        pick_seal(text.bytes, thief, out);
    key_text_fini(&text);
}
