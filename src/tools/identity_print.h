/* SPDX-License-Identifier: Apache-2.0 */
/* Identities and certificates for people and for programs. Print to standard output. */
#pragma once

#include "pki/certificate.h"
#include "pki/registry.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define IDENTITY_PRINT_TIME_SIZE 24

/* "2027-02-22 10:05 UTC" for people, RFC 3339 for programs. Returns `out`. */
const char *identity_print_time(int64_t seconds, char out[IDENTITY_PRINT_TIME_SIZE]);
const char *identity_print_time_rfc3339(int64_t seconds, char out[IDENTITY_PRINT_TIME_SIZE]);

/* As the first, with its second where that is not the first of a minute. */
const char *identity_print_exact_time(int64_t seconds, char out[IDENTITY_PRINT_TIME_SIZE]);

/* A copy that a terminal and JSON can take, cut to `size` (at least 1): '?' for what is no valid
 * UTF-8 or controls a terminal. Returns `out`. */
const char *identity_print_text(const char *text, char *out, size_t size);
/* 32 bytes in hex, lower case. Returns `out`. */
const char *identity_print_hash(const uint8_t hash[32], char out[65]);

/* How it is known how a key is kept: " (attested)", its TPM has proved it; " (declared)"; "" where
 * nothing is known. Static. */
const char *identity_print_proof(const char *protection, bool is_attested);

/* A registry entry as JSON; NULL out of memory. The caller owns it. */
json_t *identity_print_entry_json(const struct registry_entry *entry);

/* The facts of a certificate as JSON; likewise. */
json_t *identity_print_certificate_json(const struct certificate *certificate);

/* Prints and releases `document`. Returns the exit code, which is 1 when it is NULL. */
int identity_print_document(json_t *document);
