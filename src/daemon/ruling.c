/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ruling.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static uint64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void drop_contents(struct ruling *ruling)
{
    policy_unref(ruling->policy);
    blocked_set_unref(ruling->blocked);
    registry_view_unref(ruling->view);
    account_view_unref(ruling->accounts);
    canary_set_unref(ruling->canaries);
    token_keys_unref(ruling->keys);
    config_unref(ruling->config);
}

/* Before anything else is read: a change in between makes what is built look old, never new. */
static int ask_version(struct ruling *ruling, struct registry *registry, struct pki_fault *fault)
{
    int status = registry != NULL ? registry_policy_version(registry, &ruling->policy_version) : 0;

    return status == 0 ? 0 : pki_fail(fault, status, "cannot ask the registry for its version");
}

static int build_policy(struct ruling *ruling, const struct rulebook_basis *basis,
                        const struct rulebook_doubts *doubts, struct pki_fault *fault)
{
    int status = 0;

    if (basis->registry != NULL) {
        const struct blocked_folder_doubts of_lists = {
            .context = doubts != NULL ? doubts->context : NULL,
            .say = doubts != NULL ? doubts->doubt : NULL,
        };
        status = blocked_set_new(basis->registry, &of_lists, &ruling->blocked, fault);
    }
    if (status != 0)
        return status;
    return rulebook_build(ruling->config, basis, doubts, &ruling->policy, fault);
}

/* The devices first: their version is the older one then. */
static int read_registry(struct ruling *ruling, struct registry *registry, struct pki_fault *fault)
{
    int status = registry_view_new(registry, &ruling->view, fault);

    if (status == 0)
        status = account_view_new(registry, &ruling->accounts, fault);
    return status == 0 ? canary_set_new(registry, &ruling->canaries, fault) : status;
}

static struct ruling *allocate(struct config *config)
{
    struct ruling *ruling = calloc(1, sizeof(*ruling));

    if (ruling == NULL)
        return NULL;
    atomic_init(&ruling->references, 1);
    ruling->config = config_ref(config);
    return ruling;
}

static int finish(struct ruling *ruling, int status, struct ruling **out)
{
    if (status != 0) {
        drop_contents(ruling);
        free(ruling);
        return status;
    }
    ruling->made_us = monotonic_us();
    *out = ruling;
    return 0;
}

int ruling_new(struct config *config, const struct rulebook_basis *basis,
               const struct rulebook_doubts *doubts, struct ruling **out, struct pki_fault *fault)
{
    struct ruling *ruling = allocate(config);

    if (ruling == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    int status = token_keys_load(config, &ruling->keys, fault);
    if (status == 0)
        status = ask_version(ruling, basis->registry, fault);
    if (status == 0 && basis->registry != NULL)
        status = read_registry(ruling, basis->registry, fault);
    if (status == 0)
        status = build_policy(ruling, basis, doubts, fault);
    return finish(ruling, status, out);
}

struct changes {
    bool view;
    bool policy;
    uint64_t policy_version; /* asked before anything else is read */
};

static int find_changes(const struct ruling *before, const struct rulebook_basis *basis,
                        struct changes *out)
{
    int64_t expiry_s = policy_next_expiry_s(before->policy);
    uint64_t version = 0;

    *out = (struct changes){ .policy = expiry_s != 0 && expiry_s <= basis->now_s };
    if (basis->registry == NULL)
        return 0;
    out->policy = out->policy || !blocked_set_is_current(before->blocked, basis->registry);
    /* Both, whatever the other says: the view may have been read after a change that the policy
     * of then does not know. */
    int status = registry_policy_version(basis->registry, &out->policy_version);
    if (status == 0)
        status = registry_version(basis->registry, &version);
    out->policy = out->policy || out->policy_version != before->policy_version;
    out->view = version != registry_view_version(before->view);
    return status;
}

static int renew_view(struct ruling *ruling, const struct ruling *before, struct registry *registry,
                      bool has_changed, struct pki_fault *fault)
{
    if (has_changed)
        return read_registry(ruling, registry, fault);
    if (before->view != NULL)
        ruling->view = registry_view_ref(before->view);
    if (before->accounts != NULL)
        ruling->accounts = account_view_ref(before->accounts);
    if (before->canaries != NULL)
        ruling->canaries = canary_set_ref(before->canaries);
    return 0;
}

int ruling_renew(const struct ruling *before, const struct rulebook_basis *basis,
                 const struct rulebook_doubts *doubts, struct ruling **out, struct pki_fault *fault)
{
    struct changes changes;
    int status = find_changes(before, basis, &changes);

    if (status != 0)
        return pki_fail(fault, status, "cannot ask the registry for its version");
    if (!changes.view && !changes.policy) {
        *out = NULL;
        return 0;
    }
    struct ruling *ruling = allocate(before->config);
    if (ruling == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    ruling->keys = token_keys_ref(before->keys);
    ruling->policy_version = changes.policy_version;
    status = renew_view(ruling, before, basis->registry, changes.view, fault);
    if (changes.policy && status == 0) {
        status = build_policy(ruling, basis, doubts, fault);
    } else {
        ruling->policy = policy_ref(before->policy);
        if (before->blocked != NULL)
            ruling->blocked = blocked_set_ref(before->blocked);
    }
    return finish(ruling, status, out);
}

struct ruling *ruling_ref(struct ruling *ruling)
{
    atomic_fetch_add_explicit(&ruling->references, 1, memory_order_relaxed);
    return ruling;
}

static void on_dispose(struct helper_job *job)
{
    drop_contents(MQTT_CONTAINER_OF(job, struct ruling, disposal));
}

static void on_disposed(struct helper_job *job)
{
    free(MQTT_CONTAINER_OF(job, struct ruling, disposal));
}

void ruling_release(struct ruling *ruling, struct helpers *keeper, struct loop *home)
{
    /* Whoever frees has to see what the others did before they let go. */
    if (ruling == NULL
        || atomic_fetch_sub_explicit(&ruling->references, 1, memory_order_acq_rel) != 1)
        return;
    if (keeper != NULL
        && helpers_submit(keeper, &ruling->disposal, home, on_dispose, on_disposed) == 0)
        return;
    drop_contents(ruling);
    free(ruling);
}

uint64_t ruling_patience_ms(const struct ruling *ruling, int64_t wall_ms, uint64_t most_ms)
{
    int64_t expiry_s = policy_next_expiry_s(ruling->policy);

    if (expiry_s == 0 || expiry_s > INT64_MAX / 1000)
        return most_ms;
    int64_t left_ms = expiry_s * 1000 - wall_ms;
    if (left_ms <= 0)
        return 1;
    return (uint64_t)left_ms < most_ms ? (uint64_t)left_ms : most_ms;
}
