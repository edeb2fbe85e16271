/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a device's key, and names of keys that are not in one. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/fault.h"
#include "pki/identity_extension.h"

#include <stdbool.h>
#include <stdint.h>

#define KEY_TEXT_SEALED         "TACIT SEALED KEY" /* of PEM */
#define KEY_TEXT_TPM            "TSS2 PRIVATE KEY"
#define KEY_TEXT_REFERENCE_SIZE 1024

struct key_text {
    enum key_protection protection;
    char reference[KEY_TEXT_REFERENCE_SIZE]; /* "": it is in the file */
    struct mqtt_span bytes;                  /* of PEM; none of a plain key, nor of a reference */
    uint8_t *owned;
};

/* Does it name a key in a token? */
bool key_text_is_token(const char *text);

/* "tpm:0x81000010", in the range of the owner's persistent handles. */
bool key_text_handle(const char *text, uint32_t *out);

/* What stands at that place, which may be a name itself. -ENOENT; -EACCES; -EPERM: others can read
 * the file; -EBADMSG: it is no key. */
MQTT_NODISCARD int key_text_read(const char *place, struct key_text *out, struct pki_fault *fault);
void key_text_fini(struct key_text *text);

/* Writes the file, 0600. -EEXIST: there is one. */
MQTT_NODISCARD int key_text_write(const char *path, const char *label, struct mqtt_span bytes,
                                  struct pki_fault *fault);
MQTT_NODISCARD int key_text_write_reference(const char *path, const char *reference,
                                            struct pki_fault *fault);
