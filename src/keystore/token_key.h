/* SPDX-License-Identifier: Apache-2.0 */
/* A P-256 key that a PKCS#11 token made and keeps. Owner: one thread; one token is open at a time. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <tacit/key.h>

#define TOKEN_KEY_URI_SIZE 1024

/* The key of that name, if there is one and `is_other` is not wanted; else one that is made in the
 * token (sensitive, not extractable). `out` of TOKEN_KEY_URI_SIZE bytes gets the name with the key's
 * own identifier, so that it is this one for ever. Errors of token_module_open(); -EINVAL: the name
 * has no object, or is too long; -EIO. */
MQTT_NODISCARD int token_key_make(const char *uri, bool is_other, char *out,
                                  struct pki_fault *fault);

/* What a token answers to whoever is logged in and wants the private number itself. */
struct token_key_answer {
    bool was_given; /* it came out */
    bool is_soft;   /* the token says that it is no hardware: then it lies in files somewhere */
    unsigned long code;
};

/* Asks for it, and wipes what comes. Errors of token_key_open(), but a key that the token would give
 * out is none. */
MQTT_NODISCARD int token_key_ask(const char *uri, struct token_key_answer *out,
                                 struct pki_fault *fault);

/* Logs in and stays so until the hook is released. -ENOENT: there is no such key; -ENOTUNIQ: several;
 * -EPERM: the token would give it out; -EBADMSG: it is not of P-256; errors of token_module_open(). */
MQTT_NODISCARD int token_key_open(const char *uri, struct tacit_key *out, struct pki_fault *fault);
