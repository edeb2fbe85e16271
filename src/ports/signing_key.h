/* SPDX-License-Identifier: Apache-2.0 */
/* A sign hook (tacit/key.h) as OpenSSL's private key: without an engine, without a provider. */
#pragma once

#include <tacit/key.h>

struct evp_pkey_st;

/* Takes what the hook points to, also on failure: it is released with the last reference to the
 * key. NULL: out of memory, or its public key is no point of P-256. */
struct evp_pkey_st *tacit_signing_key_new(const struct tacit_key *key);
