/* SPDX-License-Identifier: Apache-2.0 */
/* One device on its way to a certificate, for the two ways of `tacit enroll`: the first time, and
 * when it renews. Functions complain themselves, on standard error, and return an exit code. */
#pragma once

#include "base/attrs.h"
#include "keystore/device_key.h"
#include "pki/certificate.h"
#include "tools/enroll_exchange.h"
#include "tools/enroll_files.h"
#include "tools/enroll_options.h"
#include "tools/https.h"
#include "tools/profile.h"

#include <stdbool.h>
#include <stdint.h>

/* Which key it is to have. */
struct enroll_key {
    bool is_next;                         /* another one than that which is there */
    const struct device_key_store *store; /* where one is made; NULL: where that is, else sealed */
};

/* With a key of its own, which is made if need be. */
MQTT_NODISCARD enum enroll_exit enroll_device_get(const struct enroll_files *files,
                                                  const struct enroll_call *call, const char *name,
                                                  const struct enroll_key *key);

/* Is it signed by one of the authorities in that file, and good at `now_s`? */
bool enroll_device_is_signed(const struct certificate *certificate, const char *authority,
                             int64_t now_s);

/* Is there a certificate of the key that is there, for `name`, signed by the authority and good
 * now? */
bool enroll_device_has(const struct enroll_files *files, const char *name, int64_t now_s);

/* Prints what it has now. `is_new`: since now. */
MQTT_NODISCARD enum enroll_exit enroll_device_print(const struct enroll_files *files,
                                                    const char *name, bool is_new, bool json);

/* enroll_renew.c: `tacit enroll --renew`. */
enum enroll_exit enroll_renew(const struct enroll_options *options);

/* The same at once and without a word when it goes well, for the profile `as`: with another key in
 * that store; NULL: with the key that is there. */
MQTT_NODISCARD enum enroll_exit enroll_renew_key(const char *as,
                                                 const struct device_key_store *store);

/* Shows certificate and key of the profile to the server where they are renewed, and asks for its
 * authorities. 0: it has verified both, and answered; else as https_ask(), with a line in `error` of
 * HTTPS_ERROR_SIZE bytes. */
MQTT_NODISCARD int enroll_renew_ask(const struct profile *place, struct https_reply *out,
                                    char *error);
