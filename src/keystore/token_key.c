/* SPDX-License-Identifier: Apache-2.0 */
#include "keystore/token_key.h"

#include "base/wipe.h"
#include "keystore/token_module.h"
#include "pki/pkcs11.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LABEL_MAX 128
#define ID_MAX    64
#define NEW_ID    8 /* bytes, random */
#define FOUND_MAX 2 /* one is wanted, and a second one is one too many */
#define POINT_DER 2 /* OCTET STRING and its length before the point */
#define OCTETS    0x04
#define VALUE_MAX 256 /* of a private number, should it come */

/* What a key is looked for by. */
struct wanted {
    CK_BYTE label[LABEL_MAX];
    CK_ULONG label_len;
    CK_BYTE id[ID_MAX];
    CK_ULONG id_len;
};

/* Behind the hook. */
struct token_key {
    struct token_module module;
    CK_OBJECT_HANDLE private;
};

static int read_part(const char *uri, const char *attribute, CK_BYTE *out, size_t size,
                     CK_ULONG *out_len, struct pki_fault *fault)
{
    size_t len = 0;
    int error = pkcs11_uri_attribute(uri, attribute, out, size, &len);

    *out_len = len;
    return error == 0 || error == -ENOENT
               ? 0
               : pki_fail(fault, -EINVAL, "%s of the key's name is too long, or not well encoded",
                          attribute);
}

static int read_wanted(const char *uri, struct wanted *out, struct pki_fault *fault)
{
    int error = read_part(uri, "object", out->label, sizeof(out->label), &out->label_len, fault);

    if (error == 0)
        error = read_part(uri, "id", out->id, sizeof(out->id), &out->id_len, fault);
    if (error == 0 && out->label_len == 0 && out->id_len == 0)
        error = pki_fail(fault, -EINVAL, "which key of the token? Say object=NAME in its name");
    return error;
}

/* ---- finding ---- */

/* One object of that class. -ENOENT; -ENOTUNIQ. */
static int find(const struct token_module *module, CK_OBJECT_CLASS class, struct wanted *wanted,
                CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE criteria[3] = { { CKA_CLASS, &class, sizeof(class) } };
    CK_ULONG criteria_count = 1;
    CK_OBJECT_HANDLE found[FOUND_MAX];
    CK_ULONG count = 0;

    if (wanted->label_len > 0)
        criteria[criteria_count++] = (CK_ATTRIBUTE){ CKA_LABEL, wanted->label, wanted->label_len };
    if (wanted->id_len > 0)
        criteria[criteria_count++] = (CK_ATTRIBUTE){ CKA_ID, wanted->id, wanted->id_len };
    if (module->functions->C_FindObjectsInit(module->session, criteria, criteria_count) != CKR_OK)
        return -EIO;
    CK_RV code = module->functions->C_FindObjects(module->session, found, FOUND_MAX, &count);
    (void)module->functions->C_FindObjectsFinal(module->session);
    if (code != CKR_OK)
        return -EIO;
    if (count != 1)
        return count == 0 ? -ENOENT : -ENOTUNIQ;
    *out = found[0];
    return 0;
}

static int explain_find(int error, struct pki_fault *fault)
{
    if (error == -ENOENT)
        return pki_fail(fault, error, "the token has no key of that name");
    if (error == -ENOTUNIQ)
        return pki_fail(fault, error, "the token has several keys of that name; say id= as well");
    return pki_fail(fault, error, "the token does not say which keys it has");
}

static bool is_captive(const struct token_module *module, CK_OBJECT_HANDLE private)
{
    CK_BBOOL is_sensitive = CK_FALSE;
    CK_BBOOL is_extractable = CK_TRUE;
    CK_ATTRIBUTE asked[] = { { CKA_SENSITIVE, &is_sensitive, sizeof(is_sensitive) },
                             { CKA_EXTRACTABLE, &is_extractable, sizeof(is_extractable) } };

    return module->functions->C_GetAttributeValue(module->session, private, asked,
                                                  MQTT_ARRAY_LEN(asked))
               == CKR_OK
           && is_sensitive == CK_TRUE && is_extractable == CK_FALSE;
}

static int read_point(const struct token_module *module, struct wanted *wanted,
                      unsigned char point[TACIT_KEY_POINT_BYTES], struct pki_fault *fault)
{
    CK_BYTE der[POINT_DER + TACIT_KEY_POINT_BYTES];
    CK_ATTRIBUTE asked = { CKA_EC_POINT, der, sizeof(der) };
    CK_OBJECT_HANDLE public;
    int error = find(module, CKO_PUBLIC_KEY, wanted, &public);

    if (error < 0)
        return explain_find(error, fault);
    CK_RV code = module->functions->C_GetAttributeValue(module->session, public, &asked, 1);
    if (code != CKR_OK || asked.ulValueLen != sizeof(der) || der[0] != OCTETS
        || der[1] != TACIT_KEY_POINT_BYTES)
        return pki_fail(fault, -EBADMSG, "the key in the token is not of P-256");
    memcpy(point, der + POINT_DER, TACIT_KEY_POINT_BYTES);
    return 0;
}

/* ---- signing ---- */

static int sign(void *context, const unsigned char *digest, size_t len, unsigned char *signature)
{
    const struct token_key *key = context;
    CK_FUNCTION_LIST_PTR f = key->module.functions;
    CK_MECHANISM ecdsa = { CKM_ECDSA, NULL, 0 };
    CK_BYTE copy[TACIT_KEY_DIGEST_BYTES]; /* PKCS#11 knows no const */
    CK_ULONG signature_len = TACIT_KEY_SIGNATURE_BYTES;

    if (len != sizeof(copy))
        return -EIO;
    memcpy(copy, digest, sizeof(copy));
    bool done =
        f->C_SignInit(key->module.session, &ecdsa, key->private) == CKR_OK
        && f->C_Sign(key->module.session, copy, sizeof(copy), signature, &signature_len) == CKR_OK
        && signature_len == TACIT_KEY_SIGNATURE_BYTES;
    return done ? 0 : -EIO;
}

static void release(void *context)
{
    struct token_key *key = context;

    token_module_close(&key->module);
    free(key);
}

static int find_pair(const struct token_module *module, struct wanted *wanted,
                     CK_OBJECT_HANDLE *private, unsigned char *point, struct pki_fault *fault)
{
    int error = find(module, CKO_PRIVATE_KEY, wanted, private);

    if (error < 0)
        return explain_find(error, fault);
    if (!is_captive(module, *private))
        return pki_fail(fault, -EPERM,
                        "the token would give this key out: it is not sensitive and "
                        "non-extractable");
    return read_point(module, wanted, point, fault);
}

int token_key_open(const char *uri, struct tacit_key *out, struct pki_fault *fault)
{
    struct wanted wanted;
    struct tacit_key made = { .sign = sign, .release = release };
    int error = read_wanted(uri, &wanted, fault);

    if (error < 0)
        return error;
    struct token_key *key = calloc(1, sizeof(*key));
    if (key == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    error = token_module_open(uri, false, &key->module, fault);
    if (error < 0) {
        free(key);
        return error;
    }
    error = find_pair(&key->module, &wanted, &key->private, made.point, fault);
    if (error < 0) {
        release(key);
        return error;
    }
    made.context = key;
    *out = made;
    return 0;
}

/* ---- asking for what must not come ---- */

static bool is_soft(const struct token_module *module)
{
    CK_SESSION_INFO session;
    CK_SLOT_INFO slot;

    return module->functions->C_GetSessionInfo(module->session, &session) != CKR_OK
           || module->functions->C_GetSlotInfo(session.slotID, &slot) != CKR_OK
           || (slot.flags & CKF_HW_SLOT) == 0;
}

static void ask(const struct token_module *module, CK_OBJECT_HANDLE private,
                struct token_key_answer *out)
{
    CK_BYTE value[VALUE_MAX];
    CK_ATTRIBUTE asked = { CKA_VALUE, value, sizeof(value) };

    out->code = module->functions->C_GetAttributeValue(module->session, private, &asked, 1);
    out->was_given = out->code == CKR_OK && asked.ulValueLen > 0;
    out->is_soft = is_soft(module);
    wipe_bytes(value, sizeof(value));
}

int token_key_ask(const char *uri, struct token_key_answer *out, struct pki_fault *fault)
{
    struct wanted wanted;
    struct token_module module;
    CK_OBJECT_HANDLE private;
    int error = read_wanted(uri, &wanted, fault);

    if (error < 0)
        return error;
    error = token_module_open(uri, false, &module, fault);
    if (error < 0)
        return error;
    error = find(&module, CKO_PRIVATE_KEY, &wanted, &private);
    if (error == 0)
        ask(&module, private, out);
    else
        (void)explain_find(error, fault);
    token_module_close(&module);
    return error;
}

/* ---- making ---- */

static int generate(const struct token_module *module, struct wanted *wanted,
                    struct pki_fault *fault)
{
    CK_MECHANISM mechanism = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
    CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }; /* its OID */
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE public[] = { { CKA_TOKEN, &yes, sizeof(yes) },
                              { CKA_VERIFY, &yes, sizeof(yes) },
                              { CKA_EC_PARAMS, p256, sizeof(p256) },
                              { CKA_LABEL, wanted->label, wanted->label_len },
                              { CKA_ID, wanted->id, wanted->id_len } };
    CK_ATTRIBUTE private[] = {
        { CKA_TOKEN, &yes, sizeof(yes) },      { CKA_PRIVATE, &yes, sizeof(yes) },
        { CKA_SENSITIVE, &yes, sizeof(yes) },  { CKA_EXTRACTABLE, &no, sizeof(no) },
        { CKA_SIGN, &yes, sizeof(yes) },       { CKA_LABEL, wanted->label, wanted->label_len },
        { CKA_ID, wanted->id, wanted->id_len }
    };
    CK_OBJECT_HANDLE handles[2];
    CK_RV code = module->functions->C_GenerateKeyPair(
        module->session, &mechanism, public, MQTT_ARRAY_LEN(public), private,
        MQTT_ARRAY_LEN(private), &handles[0], &handles[1]);

    return code == CKR_OK ? 0 : token_module_fail(fault, -EIO, code, "the token makes no key");
}

static int read_id(const struct token_module *module, struct wanted *wanted,
                   CK_OBJECT_HANDLE private, struct pki_fault *fault)
{
    CK_ATTRIBUTE asked = { CKA_ID, wanted->id, sizeof(wanted->id) };
    CK_RV code = module->functions->C_GetAttributeValue(module->session, private, &asked, 1);

    if (code != CKR_OK || asked.ulValueLen > sizeof(wanted->id))
        return token_module_fail(fault, -EIO, code, "the token does not say which key it is");
    wanted->id_len = asked.ulValueLen;
    return 0;
}

/* The one that is there, or another; wanted->id names it afterwards. */
static int find_or_generate(const struct token_module *module, struct wanted *wanted, bool is_other,
                            struct pki_fault *fault)
{
    CK_OBJECT_HANDLE private;
    int error = is_other ? -ENOENT : find(module, CKO_PRIVATE_KEY, wanted, &private);

    if (error == 0)
        return read_id(module, wanted, private, fault);
    if (error != -ENOENT)
        return explain_find(error, fault);
    if (is_other || wanted->id_len == 0) {
        wanted->id_len = NEW_ID;
        if (getrandom(wanted->id, NEW_ID, 0) != NEW_ID)
            return pki_fail(fault, -EIO, "the kernel gives no random numbers");
    }
    return generate(module, wanted, fault);
}

/* The URI's own id goes, the key's comes first: "pkcs11:id=%01%02;token=…". */
static int name_of(const char *uri, const struct wanted *wanted, char *out, struct pki_fault *fault)
{
    const char *rest = uri + strlen("pkcs11:");
    size_t len = (size_t)snprintf(out, TOKEN_KEY_URI_SIZE, "pkcs11:id=");

    for (CK_ULONG i = 0; i < wanted->id_len; i++)
        len += (size_t)snprintf(out + len, TOKEN_KEY_URI_SIZE - len, "%%%02X", wanted->id[i]);
    while (*rest != '\0') {
        size_t part = strcspn(rest, ";?&");
        bool is_id = strncmp(rest, "id=", 3) == 0;
        char mark = rest == uri + strlen("pkcs11:") ? ';' : rest[-1];
        if (!is_id && len + part + 2 > TOKEN_KEY_URI_SIZE)
            return pki_fail(fault, -EINVAL, "the name of the token's key is too long");
        if (!is_id)
            len += (size_t)snprintf(out + len, TOKEN_KEY_URI_SIZE - len, "%c%.*s", mark, (int)part,
                                    rest);
        rest += part + (rest[part] != '\0' ? 1 : 0);
    }
    return 0;
}

int token_key_make(const char *uri, bool is_other, char *out, struct pki_fault *fault)
{
    struct wanted wanted;
    struct token_module module;
    int error = read_wanted(uri, &wanted, fault);

    if (error < 0)
        return error;
    error = token_module_open(uri, true, &module, fault);
    if (error < 0)
        return error;
    error = find_or_generate(&module, &wanted, is_other, fault);
    if (error == 0)
        error = name_of(uri, &wanted, out, fault);
    token_module_close(&module);
    return error;
}
