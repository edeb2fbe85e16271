/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/reach_report.h"

#include "tools/identity_options.h"
#include "tools/policy_print.h"
#include "tools/printable.h"

#include <jansson.h>
#include <stdio.h>

#define VERB_COLUMNS 7
#define NAME_COLUMNS 24

/* ---- people ---- */

static void print_rule(const struct role *role, const struct policy_rule *rule)
{
    if (rule == NULL) {
        (void)printf("role \"");
        (void)printable_put(stdout, span_of(role_name(role)));
        (void)printf("\" is unrestricted\n");
        return;
    }
    policy_print_place(&rule->origin);
    (void)putchar(' ');
    policy_print_part(policy_print_owner(role, rule));
    (void)fputs(": ", stdout);
    policy_print_rule(rule);
    (void)putchar('\n');
}

static void print_device(const char *verb, const char *name, const struct role *role,
                         const struct policy_rule *rule)
{
    printable_pad(stdout, span_of(verb), VERB_COLUMNS);
    printable_pad(stdout, span_of(name), NAME_COLUMNS);
    (void)putchar(' ');
    print_rule(role, rule);
}

static void print_attribute(const char *key, const char *value, bool *is_first)
{
    if (value == NULL)
        return;
    (void)printf("%s%s = \"", *is_first ? "" : ", ", key);
    (void)printable_put(stdout, span_of(value));
    (void)putchar('"');
    *is_first = false;
}

static void print_stranger(const struct policy_stranger *stranger)
{
    const struct config_assign *a = stranger->assign;
    bool is_first = true;
    if (stranger->kind == POLICY_STRANGER_ANONYMOUS)
        (void)printf("anybody without a certificate at listener \"");
    else if (stranger->kind == POLICY_STRANGER_CERTIFICATE)
        (void)printf("any other trusted certificate at listener \"");
    else
        (void)printf("any certificate of assign \"");
    (void)printable_put(stdout, span_of(stranger->name));
    (void)putchar('"');
    if (a == NULL)
        return;
    (void)printf(" (");
    print_attribute("common-name", a->common_name, &is_first);
    print_attribute("organization", a->organization, &is_first);
    print_attribute("organizational-unit", a->organizational_unit, &is_first);
    print_attribute("issuer", a->issuer, &is_first);
    (void)putchar(')');
}

static void print_names(const struct reach_names *names)
{
    if (names->count > 0)
        (void)printf(names->others ? " except as " : " as ");
    for (size_t i = 0; i < names->count; i++) {
        (void)printf(i > 0 ? " or \"" : "\"");
        (void)printable_put(stdout, span_of(names->names[i]));
        (void)putchar('"');
    }
    if (names->is_cut)
        (void)printf(" or others");
}

static void print_way(const char *verb, const struct policy_stranger *stranger,
                      const struct role *role, const struct reach_names *names)
{
    if (!reach_names_any(names))
        return;
    printable_pad(stdout, span_of(verb), VERB_COLUMNS);
    print_stranger(stranger);
    print_names(names);
    (void)fputs(": ", stdout);
    print_rule(role, names->rule);
}

/* ---- programs ---- */

static json_t *name_json(const char *name)
{
    return name != NULL && name[0] != '\0' ? policy_print_text_json(name) : json_null();
}

static json_t *rule_json(const struct role *role, const struct policy_rule *rule)
{
    return rule != NULL ? policy_print_rule_json(policy_print_owner(role, rule), rule)
                        : json_null();
}

/* Takes `row`, which is NULL or not whole when memory is out. */
static void put_row(struct reach_report *report, json_t *row, bool is_whole)
{
    if (is_whole) {
        (void)fputs(report->has_rows ? ",\n    " : "\n    ", stdout);
        report->failed |= json_dumpf(row, stdout, JSON_COMPACT) < 0;
        report->has_rows = true;
    }
    report->failed |= !is_whole;
    json_decref(row);
}

static json_t *names_json(const struct reach_names *names)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < names->count; i++) {
        if (json_array_append_new(array, policy_print_text_json(names->names[i])) == 0)
            continue;
        json_decref(array);
        return NULL;
    }
    return array;
}

/* "read_as" lists the only names that can, "read_except" the only ones that cannot. */
static bool add_names(json_t *row, const char *as, const char *except,
                      const struct reach_names *names)
{
    bool only = !names->others && names->count > 0;
    bool but = names->others && names->count > 0;
    return policy_print_set(row, as, only ? names_json(names) : json_null())
           && policy_print_set(row, except, but ? names_json(names) : json_null());
}

static bool add_who(json_t *row, const char *kind, const char *name, const char *role)
{
    return policy_print_set(row, "kind", json_string(kind))
           && policy_print_set(row, "name", policy_print_text_json(name))
           && policy_print_set(row, "role", policy_print_text_json(role));
}

static bool add_place(json_t *row, const char *tenant, const char *site)
{
    return policy_print_set(row, "tenant", name_json(tenant))
           && policy_print_set(row, "site", name_json(site));
}

static void put_device(struct reach_report *report, const struct policy_book_subject *subject,
                       const struct role *role, const struct reach *reach)
{
    const struct registry_entry *e = &subject->entry;
    bool reads = reach->read.verdict == POLICY_ALLOW;
    bool writes = reach->write.verdict == POLICY_ALLOW;
    json_t *row = json_object();
    put_row(
        report, row,
        add_who(row, identity_uri_kind_text(e->kind), e->name, e->role)
            && add_place(row, e->tenant, e->site)
            && policy_print_set(row, "topic", policy_print_span_json(reach->topic))
            && policy_print_set(row, "reads", json_boolean(reads))
            && policy_print_set(row, "writes", json_boolean(writes))
            && policy_print_set(row, "read_rule", rule_json(role, reads ? reach->read.rule : NULL))
            && policy_print_set(row, "write_rule",
                                rule_json(role, writes ? reach->write.rule : NULL)));
}

static void put_stranger(struct reach_report *report, const struct policy_stranger *stranger,
                         const struct role *role, const struct reach_names *read,
                         const struct reach_names *write)
{
    json_t *row = json_object();
    put_row(report, row,
            add_who(row, policy_stranger_kind_text(stranger->kind), stranger->name, stranger->role)
                && add_place(row, stranger->tenant, stranger->site)
                && policy_print_add_place(row, &stranger->origin)
                && policy_print_set(row, "reads", json_boolean(reach_names_any(read)))
                && policy_print_set(row, "writes", json_boolean(reach_names_any(write)))
                && add_names(row, "read_as", "read_except", read)
                && add_names(row, "write_as", "write_except", write)
                && policy_print_set(row, "names_cut", json_boolean(read->is_cut || write->is_cut))
                && policy_print_set(row, "read_rule", rule_json(role, read->rule))
                && policy_print_set(row, "write_rule", rule_json(role, write->rule)));
}

/* ---- the report ---- */

void reach_report_begin(struct reach_report *report, struct mqtt_span topic)
{
    if (!report->json) {
        policy_print_key("topic");
        (void)printable_put(stdout, topic);
        (void)putchar('\n');
        return;
    }
    json_t *name = policy_print_span_json(topic);
    (void)fputs("{\n  \"topic\": ", stdout);
    report->failed |= name == NULL || json_dumpf(name, stdout, JSON_ENCODE_ANY) < 0;
    (void)fputs(",\n  \"who\": [", stdout);
    json_decref(name);
}

void reach_report_device(struct reach_report *report, const struct policy_book_subject *subject,
                         const struct role *role, const struct reach *reach)
{
    bool reads = reach->read.verdict == POLICY_ALLOW;
    bool writes = reach->write.verdict == POLICY_ALLOW;
    report->devices++;
    report->readers += reads;
    report->writers += writes;
    if (report->json && (reads || writes))
        put_device(report, subject, role, reach);
    if (report->json)
        return;
    if (reads)
        print_device("reads", subject->entry.name, role, reach->read.rule);
    if (writes)
        print_device("writes", subject->entry.name, role, reach->write.rule);
}

void reach_report_stranger(struct reach_report *report, const struct policy_stranger *stranger,
                           const struct role *role, const struct reach_names *read,
                           const struct reach_names *write)
{
    report->stranger_readers += reach_names_any(read);
    report->stranger_writers += reach_names_any(write);
    if (!reach_names_any(read) && !reach_names_any(write))
        return;
    if (report->json) {
        put_stranger(report, stranger, role, read, write);
        return;
    }
    print_way("reads", stranger, role, read);
    print_way("writes", stranger, role, write);
}

static void end_json(struct reach_report *r)
{
    json_t *o = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "readers", (json_int_t)r->readers,
        "writers", (json_int_t)r->writers, "devices", (json_int_t)r->devices, "other_readers",
        (json_int_t)r->stranger_readers, "other_writers", (json_int_t)r->stranger_writers, "barred",
        "suspended", (json_int_t)r->barred[REGISTRY_SUSPENDED], "revoked",
        (json_int_t)r->barred[REGISTRY_REVOKED], "retired", (json_int_t)r->barred[REGISTRY_RETIRED],
        "unusable", (json_int_t)r->barred[REGISTRY_ACTIVE]);
    (void)fputs(r->has_rows ? "\n  ],\n  " : "],\n  ", stdout);
    r->failed |= o == NULL || json_dumpf(o, stdout, JSON_EMBED | JSON_COMPACT) < 0;
    (void)fputs("\n}\n", stdout);
    json_decref(o);
}

static void print_barred(const struct reach_report *r)
{
    static const struct {
        enum registry_status status;
        const char *what;
    } rows[] = {
        { REGISTRY_SUSPENDED, "suspended" },
        { REGISTRY_REVOKED, "revoked" },
        { REGISTRY_RETIRED, "retired" },
        { REGISTRY_ACTIVE, "without a role or a name that can be used" },
    };
    bool is_first = true;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        if (r->barred[rows[i].status] == 0)
            continue;
        (void)printf("%s%zu %s", is_first ? "not let in: " : ", ", r->barred[rows[i].status],
                     rows[i].what);
        is_first = false;
    }
    if (!is_first)
        (void)putchar('\n');
}

static void end_people(const struct reach_report *r)
{
    (void)printf("\n%zu can read, %zu can write, of %zu device%s\n", r->readers, r->writers,
                 r->devices, r->devices == 1 ? "" : "s");
    if (r->stranger_readers + r->stranger_writers > 0)
        (void)printf("besides the registry, %zu way%s in can read, %zu can write\n",
                     r->stranger_readers, r->stranger_readers == 1 ? "" : "s", r->stranger_writers);
    print_barred(r);
}

int reach_report_end(struct reach_report *report)
{
    if (report->json)
        end_json(report);
    else
        end_people(report);
    if (!report->failed && fflush(stdout) == 0 && ferror(stdout) == 0)
        return IDENTITY_EXIT_DONE;
    (void)fputs("tacit: cannot write the answer\n", stderr);
    return IDENTITY_EXIT_FAILED;
}
