/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/context.h"

#include "tls/generation.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_context {
    atomic_uint references;
    CRYPTO_RWLOCK *lock; /* of the pointer: held for an increment only */
    struct tls_generation *current;
};

int tls_context_new(const struct tls_options *options, struct tls_error *why,
                    struct tls_context **out)
{
    struct tls_context *context = calloc(1, sizeof(*context));
    if (context != NULL) {
        atomic_init(&context->references, 1);
        context->lock = CRYPTO_THREAD_lock_new();
    }
    if (context == NULL || context->lock == NULL) {
        snprintf(why->text, sizeof(why->text), "out of memory");
        free(context);
        return -ENOMEM;
    }
    int error = tls_generation_new(options, NULL, why, &context->current);
    if (error < 0) {
        tls_context_free(context);
        return error;
    }
    *out = context;
    return 0;
}

struct tls_generation *tls_context_generation(struct tls_context *context)
{
    if (CRYPTO_THREAD_read_lock(context->lock) != 1)
        return NULL;
    struct tls_generation *current = context->current;
    atomic_fetch_add_explicit(&current->references, 1, memory_order_relaxed);
    CRYPTO_THREAD_unlock(context->lock);
    return current;
}

int tls_context_reload(struct tls_context *context, const struct tls_options *options,
                       struct tls_error *why)
{
    struct tls_generation *before = tls_context_generation(context);
    struct tls_generation *fresh = NULL;
    int error = tls_generation_new(options, before, why, &fresh);
    tls_generation_unref(before);
    if (error < 0)
        return error;
    if (CRYPTO_THREAD_write_lock(context->lock) != 1) {
        tls_generation_unref(fresh);
        snprintf(why->text, sizeof(why->text), "cannot lock the TLS context");
        return -ENOLCK;
    }
    before = context->current;
    context->current = fresh;
    CRYPTO_THREAD_unlock(context->lock);
    tls_generation_unref(before);
    return 0;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (context == NULL
        || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
        return;
    tls_generation_unref(context->current);
    CRYPTO_THREAD_lock_free(context->lock);
    free(context);
}

int64_t tls_context_crl_expires_s(struct tls_context *context)
{
    struct tls_generation *current = tls_context_generation(context);
    int64_t expires_s = current != NULL ? current->crl_expires_s : 0;

    tls_generation_unref(current);
    return expires_s;
}

bool tls_context_remembers(struct tls_context *context, struct mqtt_span ticket)
{
    struct tls_generation *current = tls_context_generation(context);
    bool is_ours =
        current != NULL && current->sessions != NULL && tls_sessions_has(current->sessions, ticket);
    tls_generation_unref(current);
    return is_ours;
}

void tls_context_forget_sessions(struct tls_context *context)
{
    struct tls_generation *current = tls_context_generation(context);
    if (current != NULL && current->sessions != NULL)
        tls_sessions_clear(current->sessions);
    tls_generation_unref(current);
}
