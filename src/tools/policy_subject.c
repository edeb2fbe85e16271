/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_subject.h"

#include "tools/identity_print.h"
#include "tools/policy_print.h"
#include "tools/printable.h"

#include <stdio.h>

const char *policy_subject_bar(const struct policy_book_subject *subject, const struct role *role)
{
    if (subject->barred != NULL)
        return subject->barred;
    if (role == NULL)
        return "its role is not defined in the configuration";
    /* Of one that is made up the key is not known. */
    return subject->entry.protection[0] != '\0' ? policy_key_objection(
               role_options_of(role)->require_key,
               policy_key_of_word(subject->entry.protection, registry_is_attested(&subject->entry)))
                                                : NULL;
}

/* What the role asks of the key, and what the registry has. */
static void print_key(const struct registry_entry *e, const struct role *role)
{
    char word[REGISTRY_WORD_SIZE];
    enum policy_key wanted = role != NULL ? role_options_of(role)->require_key : POLICY_KEY_ANY;

    if (wanted == POLICY_KEY_ANY)
        return;
    policy_print_key("key");
    (void)printf("%s is asked for; ", policy_key_name(wanted));
    if (e->protection[0] == '\0')
        (void)printf("whether it has one is not known\n");
    else
        (void)printf("the registry has %s%s\n",
                     identity_print_text(e->protection, word, sizeof(word)),
                     identity_print_proof(e->protection, registry_is_attested(e)));
}

static void print_besides(const struct role *role)
{
    if (role == NULL || role_part_count(role) < 2)
        return;
    policy_print_key("besides");
    for (size_t i = 1; i < role_part_count(role); i++) {
        (void)fputs(i > 1 ? ", " : "", stdout);
        policy_print_part(role_part_at(role, i));
    }
    (void)putchar('\n');
}

void policy_subject_print(const struct policy_book_subject *subject, const struct role *role)
{
    const struct registry_entry *e = &subject->entry;
    const char *bar = policy_subject_bar(subject, role);
    if (bar != NULL) {
        policy_print_key("barred");
        (void)printf("%s; it is not let in\n", bar);
    }
    if (e->name[0] != '\0')
        policy_print_fact("device", e->name);
    if (subject->is_registered)
        policy_print_fact("status", registry_status_text(e->status));
    policy_print_fact("role", e->role);
    print_besides(role);
    if (e->tenant[0] != '\0')
        policy_print_fact("tenant", e->tenant);
    if (e->site[0] != '\0')
        policy_print_fact("site", e->site);
    print_key(e, role);
}

static json_t *name_json(const char *name)
{
    return name[0] != '\0' ? policy_print_text_json(name) : json_null();
}

static json_t *parts_json(const struct role *role)
{
    json_t *array = json_array();
    for (size_t i = 0; role != NULL && i < role_part_count(role); i++) {
        json_t *name = policy_print_text_json(role_name(role_part_at(role, i)));
        if (name != NULL && json_array_append_new(array, name) == 0)
            continue;
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *required_json(const struct role *role)
{
    return role != NULL ? json_string(policy_key_name(role_options_of(role)->require_key))
                        : json_null();
}

json_t *policy_subject_json(const struct policy_book_subject *subject, const struct role *role)
{
    const struct registry_entry *e = &subject->entry;
    json_t *o = json_object();
    bool is_whole =
        policy_print_set(o, "device", name_json(e->name))
        && policy_print_set(o, "registered", json_boolean(subject->is_registered))
        && policy_print_set(o, "status",
                            subject->is_registered ? json_string(registry_status_text(e->status))
                                                   : json_null())
        && policy_print_set(o, "barred", policy_print_text_json(policy_subject_bar(subject, role)))
        && policy_print_set(o, "role", name_json(e->role))
        && policy_print_set(o, "tenant", name_json(e->tenant))
        && policy_print_set(o, "site", name_json(e->site))
        && policy_print_set(o, "parts", parts_json(role))
        && policy_print_set(o, "require_key", required_json(role))
        && policy_print_set(o, "protection", name_json(e->protection))
        && policy_print_set(o, "attested", json_boolean(registry_is_attested(e)));
    if (is_whole)
        return o;
    json_decref(o);
    return NULL;
}
