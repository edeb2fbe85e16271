/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/place.h"

#include "pki/private_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

_Static_assert(AUDIT_KEY_HASH_BYTES == AUDIT_HASH_BYTES, "the port's hashes are the key's");
_Static_assert(AUDIT_KEY_SIGNATURE_BYTES == AUDIT_SIGNATURE_BYTES, "and its signatures");

static void port_hash(void *context, struct mqtt_span bytes, uint8_t out[AUDIT_HASH_BYTES])
{
    audit_key_hash_record(context, bytes, out);
}

static int port_sign(void *context, struct mqtt_span bytes, uint8_t out[AUDIT_SIGNATURE_BYTES])
{
    return audit_key_sign(context, bytes, out);
}

static bool port_verify(void *context, struct mqtt_span bytes,
                        const uint8_t signature[AUDIT_SIGNATURE_BYTES])
{
    return audit_key_verify(context, bytes, signature);
}

static void fill_port(struct audit_place *place)
{
    place->port = (struct audit_port){
        .context = place->key,
        .hash = port_hash,
        .sign = port_sign,
        .verify = port_verify,
    };
    audit_key_fingerprint(place->key, place->port.key);
}

static int init(const char *state_dir, struct audit_place *out, struct pki_fault *fault)
{
    *out = (struct audit_place){ .lock = -1 };
    int status = state_path(state_dir, STATE_AUDIT, out->folder);

    return status == 0 ? 0 : pki_fail(fault, status, "%s: the path is too long", state_dir);
}

static int open_files(struct audit_place *place, struct pki_fault *fault)
{
    int status = files_open(place->folder, &place->files);

    return status == 0
               ? 0
               : pki_fail(fault, status, "cannot open %s: %s", place->folder, strerror(-status));
}

int audit_place_open(const char *state_dir, struct audit_place *out, struct pki_fault *fault)
{
    char secret[STATE_PATH_SIZE];
    char open[STATE_PATH_SIZE];
    bool is_made = false;
    int status = init(state_dir, out, fault);

    if (status != 0)
        return status;
    status = private_file_make_dir(out->folder, &is_made);
    if (status != 0)
        return pki_fail(fault, status, "cannot make %s: %s", out->folder, strerror(-status));
    status = state_path(state_dir, STATE_AUDIT_KEY, secret);
    if (status == 0)
        status = state_path(state_dir, STATE_AUDIT_PUBLIC_KEY, open);
    if (status != 0)
        return pki_fail(fault, status, "%s: the path is too long", state_dir);
    status = audit_key_open(secret, open, &out->key, fault);
    if (status == 0)
        status = open_files(out, fault);
    if (status != 0) {
        audit_place_close(out);
        return status;
    }
    fill_port(out);
    return 0;
}

int audit_place_read(const char *state_dir, const char *key_path, struct audit_place *out,
                     struct pki_fault *fault)
{
    char open[STATE_PATH_SIZE];
    int status = init(state_dir, out, fault);

    if (status == 0)
        status = open_files(out, fault);
    if (status == 0 && key_path == NULL)
        status = state_path(state_dir, STATE_AUDIT_PUBLIC_KEY, open);
    if (status == 0)
        status = audit_key_read(key_path != NULL ? key_path : open, &out->key, fault);
    if (status != 0) {
        audit_place_close(out);
        return status;
    }
    fill_port(out);
    return 0;
}

void audit_place_close(struct audit_place *place)
{
    audit_place_unlock(place);
    files_close(&place->files);
    audit_key_free(place->key);
    place->key = NULL;
}

bool audit_place_exists(const char *state_dir)
{
    char folder[STATE_PATH_SIZE];

    return state_path(state_dir, STATE_AUDIT, folder) == 0 && access(folder, F_OK) == 0;
}

int audit_place_lock(struct audit_place *place)
{
    return state_lock(place->folder, true, &place->lock, NULL);
}

void audit_place_unlock(struct audit_place *place)
{
    if (place->lock >= 0)
        close(place->lock);
    place->lock = -1;
}

static int lock(void *context)
{
    return audit_place_lock(context);
}

static void unlock(void *context)
{
    audit_place_unlock(context);
}

int audit_place_options(struct audit_place *place, struct audit_journal_options *out)
{
    struct audit_journal_options options = {
        .files = &place->files,
        .port = &place->port,
        .lock_context = place,
        .lock = lock,
        .unlock = unlock,
    };
    int status = audit_key_random(options.id, sizeof(options.id));

    if (status != 0)
        return status;
    *out = options;
    return 0;
}
