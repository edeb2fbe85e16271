/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in, and as whom: the admission port of the core.
 *
 * Pure: facts of the connection, the CONNECT, the registry and the policy in, verdict
 * out. A certificate speaks for the identity that the registry knows under its URI and
 * with its very key, as long as it is active there. One of another CA that a listener trusts
 * speaks for its common name, in the role that an assign block or the listener gives it, unless
 * the registry has that name. A key that is weak or blocked speaks for nobody, whoever signed it. A
 * user name with its password speaks for an account where the listener lets it (login.h). Asked after
 * every handshake, full or resumed. */
#pragma once

#include "config/config.h"
#include "core/ports.h"
#include "daemon/expiry.h"
#include "daemon/holding.h"
#include "daemon/portrait.h"
#include "daemon/presence.h"
#include "daemon/token_keys.h"
#include "loop/loop.h"
#include "pki/account_view.h"
#include "pki/blocked_set.h"
#include "pki/canary_set.h"
#include "pki/registry_view.h"

struct logins;
struct ratchets;

/* Borrowed; what one shard decides by at the moment. */
struct admission_rules {
    const struct config *config;
    const struct policy *policy;
    const struct blocked_set *blocked;    /* NULL: no key is */
    const struct registry_view *registry; /* NULL: there is none; nobody is known */
    const char *trust_domain;             /* of our CA; "" when there is none */
    const struct presence *presence;      /* who is connected; NULL: nobody */
    struct registry *newcomers; /* asked for those the view does not know yet; NULL: nobody is */
    uint64_t ruling_number;     /* of the ruling that all this is from */
    struct holding *holding;    /* who is held besides; NULL: nobody */
    struct registry_entry newcomer;      /* scratch: its last answer */
    struct registry_entry bystander;     /* scratch: likewise, of somebody who is there already */
    struct portrait portrait;            /* scratch: the connection in the last answer */
    char name[IDENTITY_NAME_BYTES + 1];  /* scratch: the name in the last answer */
    const struct account_view *accounts; /* NULL: there are none */
    struct logins *logins;               /* NULL: nobody comes in by a password */
    struct ratchets *ratchets;           /* NULL: no ratchet is looked at */
    struct loop *loop;                   /* of the shard; NULL as both */
    const struct token_keys *keys;       /* of the tokens of the configuration */
    const struct canary_set *canaries;   /* NULL: there are none */
    bool is_decoy;                       /* of the decoy broker: all who come in are canaries */
    struct expiry *expiry;               /* of connections by a token */
    struct jwt_claims claims;            /* scratch: of the last answer */
    struct account account;              /* scratch: of the last answer, without its secrets */
    struct account bystander_account;    /* scratch: as `bystander` */
    struct event_clone fork;             /* scratch: of the last answer */
    struct portrait other;               /* scratch: likewise */
    char other_client_id[129];           /* scratch: likewise */
    char text[256];                      /* scratch: the reason in the last answer */
    char data[SCRAM_FINAL_SIZE];         /* scratch: the data in the last answer */
};

/* What the listener of a connection says of the disk. For admission_port. */
enum policy_durability admission_find_durability(void *rules, const void *facts);

/* `request->facts` is a struct connection_facts. Names in the answer are borrowed from the
 * rules until the next call. */
enum admission admission_decide(struct admission_rules *rules,
                                const struct admission_request *request,
                                struct admission_answer *out);

/* An exchange that an answer left is not gone on with. */
void admission_abandon(void *exchange);

/* Where an identity that was let in once stands under these rules. In the registry: barred unless
 * it is active there, with the key that it is connected with, under the same tenant and site; the
 * role is that of the registry. Else: barred unless the configuration would still give a
 * certificate of another CA, or somebody without one, that very role. Barred too when a key that it
 * is connected with has been blocked. */
void admission_find_standing(struct admission_rules *rules, const struct identity *identity,
                             struct standing *out);

/* Has a device that is called otherwise now been there under this name? False when nobody can be
 * asked. */
bool admission_was_renamed(const struct admission_rules *rules, const char *name);

/* `text` is static, or lives as long as the answer. */
static inline enum admission admission_refuse(struct admission_answer *out, uint8_t reason,
                                              const char *text)
{
    *out = (struct admission_answer){ .reason = reason, .reason_text = text };
    return ADMISSION_REFUSE;
}

/* "lamp" may call itself "lamp-2" unless there is another of that name. */
bool admission_takes_anothers_name(const struct admission_rules *rules,
                                   const struct admission_request *request, const char *device);
#define ANOTHERS_NAME                                                                        \
    "this client identifier is the name of another device; use its own name, alone or with " \
    "something behind it that is no other device's"

#define ADMISSION_WRONG_KEY "the certificate's key is not the one registered for this device"

/* The listener that the configuration has of that name; NULL: it was removed. */
const struct config_listener *admission_find_listener(const struct config *config,
                                                      const char *name);

/* The registry's row of who holds this certificate, whatever stands there; written to *scratch when
 * the view does not know it yet. NULL: none, or not of our own CA. Until the next call. */
const struct registry_view_entry *admission_find_holder(struct admission_rules *rules,
                                                        const struct tls_peer *peer,
                                                        struct registry_view_entry *scratch);

/* Does the certificate name an identity of our own CA? */
bool admission_is_ours(const struct admission_rules *rules, const struct tls_peer *peer);
