/* SPDX-License-Identifier: Apache-2.0 */
/* What a session may do by the policy in force, and where its topics lie.
 *
 * Owner: the shard. A session's role is looked up again at its first use after a change
 * of policy: struct session.role is read through session_role() only.
 *
 * A session with a tenant names topics in a space of its own (policy.h): what comes from
 * the client is entered into it, what goes to the client is taken out of it.
 *
 * A session whose identity is barred is frozen: its connection is closed, its will is gone, nothing
 * is delivered to it or added to its queue, and its subscriptions rest. It expires as any other.
 * When the identity is not barred any more it goes on with what it had, judged by the policy of
 * then. */
#pragma once

#include "base/attrs.h"
#include "core/delivery.h"
#include "core/session.h"
#include "core/state.h"
#include "policy/policy.h"

#include <stdbool.h>

void session_renew(struct session *session);

/* Borrowed until the policy changes; NULL: none. */
static inline const struct role *session_role(struct session *session)
{
    if (MQTT_UNLIKELY(session->policy_generation != session->broker->policy_generation))
        session_renew(session);
    return session->role;
}

/* Takes the role that admission has just found for it, and the space that goes with it. False:
 * the session lies in another space and cannot be used. */
MQTT_NODISCARD bool session_admit(struct session *session, const struct role *role);

/* For a restored session whose identity is barred; nobody is connected. */
void session_freeze(struct session *session);

/* The end of that for who has just been admitted. -ENOMEM: some of its subscriptions still rest. */
MQTT_NODISCARD int session_thaw(struct session *session);

/* Is the identity barred altogether, the session frozen? */
bool session_is_barred(struct session *session);

/* May a message on this topic be delivered to it? `topic` as in the broker. */
bool session_may_receive(struct session *session, struct mqtt_span topic);

/* May it still be sent, by the policy in force? Judged once per change of policy; what is queued
 * goes with no higher QoS than is granted now. */
bool session_may_send(struct session *session, struct delivery *delivery);

/* The judgement on a publication of it; `topic` as in the broker. Noted. */
struct policy_publish session_judge_publish(struct session *session, struct mqtt_span topic);

/* Notes that a permission was judged (ports.h). `topic` as the client sees it. */
void session_observe(const struct session *session, enum policy_action action,
                     struct mqtt_span topic, bool allowed);

/* Notes once more what stands without being asked for again: the will. */
void session_observe_will(struct session *session);

/* ---- topic spaces ---- */

/* The prefix of the session's space; empty: the common one. */
static inline struct mqtt_span session_space(const struct session *session)
{
    return (struct mqtt_span){ session->client_id + session->by_client_id.key.len,
                               session->space_len };
}

/* A topic of the client as it is called in the broker: `topic` itself in the common space, else
 * written into the broker's scratch memory, valid until the next call. Empty: it would be longer
 * than 65535 bytes, or memory is out. */
struct mqtt_span space_enter(struct session *session, struct mqtt_span topic);

/* The same for a filter, which may begin with $share/NAME/. */
struct mqtt_span space_enter_filter(struct session *session, struct mqtt_span filter);

/* Does a topic or filter of the broker, without $share/NAME/, lie in the session's space? */
static inline bool space_has(const struct session *session, struct mqtt_span topic)
{
    return topic.len > session->space_len && span_starts_with(topic, session_space(session));
}

/* A topic of the broker as the client knows it. It lies in the session's space. */
static inline struct mqtt_span space_leave(const struct session *session, struct mqtt_span topic)
{
    return (struct mqtt_span){ topic.data + session->space_len, topic.len - session->space_len };
}

/* The same for a whole filter; the part behind $share/NAME/ is what is returned. */
struct mqtt_span space_leave_filter(const struct session *session, struct mqtt_span filter);

/* The same with its $share/NAME/; in the scratch memory where that is needed. Empty: memory is
 * out. */
struct mqtt_span space_leave_whole_filter(struct session *session, struct mqtt_span filter);
