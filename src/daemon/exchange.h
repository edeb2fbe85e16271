/* SPDX-License-Identifier: Apache-2.0 */
/* What admission leaves with a client between its answers (core/ports.h) is one of these; its struct
 * begins with the kind. */
#pragma once

enum exchange_kind {
    EXCHANGE_LOGIN = 0, /* login.h */
    EXCHANGE_RATCHET,   /* ratchets.h */
};

static inline enum exchange_kind exchange_kind_of(const void *exchange)
{
    return *(const enum exchange_kind *)exchange;
}
