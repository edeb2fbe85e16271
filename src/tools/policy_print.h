/* SPDX-License-Identifier: Apache-2.0 */
/* Rules, scopes and places of a policy for people and for programs: the same words and the same
 * keys in every answer of `tacit policy`. Prints to standard output. JSON is NULL out of memory;
 * the caller owns it. */
#pragma once

#include "base/span.h"
#include "policy/policy.h"

#include <jansson.h>

/* A line "name         " of the width that `tacit device show` uses, for a value behind it. */
void policy_print_key(const char *key);
void policy_print_fact(const char *key, const char *value); /* a whole line */

/* "tacit.conf:12:15"; "registry:7" is grant 7 of the registry. */
void policy_print_place(const struct policy_origin *origin);

/* "publish", "subscribe", "deny-publish", "deny-subscribe": the keys of tacit.conf. Static. */
const char *policy_print_word(const struct policy_rule *rule);

/* The same into `out`, NUL-terminated, cut to size. Not made fit for a terminal. Returns `out`. */
const char *policy_print_place_text(const struct policy_origin *origin, char *out, size_t size);

/* `publish "a/b"`, `deny-subscribe "a/#"`. */
void policy_print_rule(const struct policy_rule *rule);

/* Its two words: "role", "group" or "device", static; and the name, borrowed. */
const char *policy_print_part_kind(const struct role *part, const char **out_name);

/* `role "device"`, `group "kitchen"`, `device "lamp"`: what is granted to the last two alone. */
void policy_print_part(const struct role *part);

/* "QoS 1, retained, up to 256 bytes, 10 messages per 1 s": what is no bound is left out. */
void policy_print_terms(const struct policy_rule *rule);

/* `below "home/" to 2 levels, 100 topics, never expires (mr. x: why)` */
void policy_print_scope(const struct policy_scope *scope);

/* The part of `role` whose rule or scope it is; `role` itself where it is of none. */
const struct role *policy_print_owner(const struct role *role, const void *rule_or_scope);

/* Bytes that are no UTF-8 become \xNN each. NULL text: null. */
json_t *policy_print_text_json(const char *text);
json_t *policy_print_span_json(struct mqtt_span text);

/* {"place", "file", "line", "column", "role", "action", "grants", "pattern", "maximum_qos",
 *  "retain", "max_payload", "rate", "rate_seconds", "expires", "owner", "reason"}; null stands
 * for no bound and for never, and of denials and subscribe grants for terms that mean nothing. */
json_t *policy_print_rule_json(const struct role *part, const struct policy_rule *rule);

/* {"place", "file", "line", "column", "role", "prefix", "depth", "most_topics", "expires", "owner",
 *  "reason"}; "depth" null: any. */
json_t *policy_print_scope_json(const struct role *part, const struct policy_scope *scope);

/* Adds "place", "file", "line" and "column" to an object. False out of memory. */
bool policy_print_add_place(json_t *object, const struct policy_origin *origin);

/* Takes `value`; false when it or the object is NULL, or memory is out. */
bool policy_print_set(json_t *object, const char *key, json_t *value);
