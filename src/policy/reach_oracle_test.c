/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle of promise W5: what reach_decide() and share_list() say of random devices under random
 * policies, against a judge that shares no code with them. It puts names into patterns as text,
 * compares level by level, and knows the rules of policy.h: denials win, a missing name makes a
 * grant nothing and a denial any level, a tenant names its own space only and no '$' topics in it.
 *
 * The last line says how many policies, and in how many questions more or less was granted than
 * the judge grants; any but zero fails. So does a run in which hardly anything is granted or
 * denied, for it would prove nothing. */
#include "base/attrs.h"
#include "base/testing.h"
#include "policy/policy.h"
#include "policy/reach.h"
#include "policy/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICIES           1000
#define DEVICES            1000
#define DEVICES_PER_POLICY 40 /* all have been asked after 25 policies */
#define TOPICS_PER_POLICY  24
#define ROLES              4
#define RULES_MAX          8
#define ASSIGNED           4
#define PARTS_MAX          3
#define TEXT_BYTES         256
#define LEVELS_MAX         24
#define SHOWN              20 /* mistakes that are printed */
#define LEAST_PERCENT      5  /* of the questions are granted, and denied by a rule */

/* A name, and whether it is fit to stand in a topic. */
struct name {
    const char *text;
    bool is_fit;
};

/* Some are literal levels of rules and topics, too; some are what hostile clients are called. */
static const struct name device_names[] = { { "lamp", true }, { "a", true },   { "b", true },
                                            { "door", true }, { "d-1", true }, { NULL, false },
                                            { "", false },    { "+", false },  { "#", false },
                                            { "a/b", false }, { "$s", false }, { "lamp", true },
                                            { "a", true },    { "x", true },   { "%{site}", false },
                                            { "\xff", false } };
static const struct name tenant_names[] = {
    { NULL, false },  { NULL, false },  { NULL, false },  { NULL, false },
    { "acme", true }, { "acme", true }, { "beta", true }, { "a", true },
};
static const struct name site_names[] = {
    { "a", true }, { "b", true }, { "home", true }, { NULL, false }, { "x/y", false },
};

struct device {
    struct name device;
    struct name tenant;
    struct name site;
    const char *role;
};

struct said {
    enum policy_action action;
    bool grants;
    char pattern[TEXT_BYTES];
    struct policy_terms terms;
};

struct part {
    char name[8];
    struct role_options options;
    struct said rules[RULES_MAX];
    size_t count;
};

struct assigned {
    const char *device;
    size_t parts[PARTS_MAX];
    size_t count;
};

/* One policy: as the judge knows it, and as the code does. */
struct world {
    struct part parts[ROLES];
    struct assigned assigned[ASSIGNED];
    size_t assigned_count;
    char topics[TOPICS_PER_POLICY][TEXT_BYTES];
    struct policy *policy;
};

struct tally {
    unsigned long questions;
    unsigned long over_grants;
    unsigned long wrong_refusals;
    unsigned long reads_and_writes;
    unsigned long granted;
    unsigned long denied;
};

static const char *const role_names[ROLES] = { "r0", "r1", "r2", "r3" };
static struct device devices[DEVICES];
static struct tally tally;
static struct test_random seed = { 20240607 };

static size_t below(size_t bound)
{
    return test_random_below(&seed, bound);
}

static bool one_in(size_t n)
{
    return below(n) == 0;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- the judge: topics and filters as text ---- */

struct levels {
    char text[LEVELS_MAX][TEXT_BYTES];
    size_t count;
};

static void split(const char *text, struct levels *out)
{
    out->count = 0;
    for (;;) {
        size_t len = strcspn(text, "/");
        must(out->count < LEVELS_MAX && len < TEXT_BYTES);
        memcpy(out->text[out->count], text, len);
        out->text[out->count++][len] = '\0';
        if (text[len] == '\0')
            return;
        text += len + 1;
    }
}

static bool matches_from(const struct levels *filter, size_t f, const struct levels *topic,
                         size_t t)
{
    if (f == filter->count)
        return t == topic->count;
    if (strcmp(filter->text[f], "#") == 0)
        return true;
    if (t == topic->count)
        return false;
    if (strcmp(filter->text[f], "+") != 0 && strcmp(filter->text[f], topic->text[t]) != 0)
        return false;
    return matches_from(filter, f + 1, topic, t + 1);
}

static bool matches(const struct levels *filter, const struct levels *topic)
{
    bool is_wild = strcmp(filter->text[0], "+") == 0 || strcmp(filter->text[0], "#") == 0;

    if (topic->text[0][0] == '$' && is_wild)
        return false;
    return matches_from(filter, 0, topic, 0);
}

/* The first of the placeholders in the text, or NULL; *out_name is what it stands for. */
static char *find_placeholder(char *text, const struct device *device, struct name *out_name,
                              size_t *out_bytes)
{
    const struct {
        const char *text;
        struct name name;
    } all[] = { { "%{device}", device->device },
                { "%{tenant}", device->tenant },
                { "%{site}", device->site } };
    char *first = NULL;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(all); i++) {
        char *found = strstr(text, all[i].text);
        if (found == NULL || (first != NULL && first < found))
            continue;
        first = found;
        *out_name = all[i].name;
        *out_bytes = strlen(all[i].text);
    }
    return first;
}

/* Puts the names into one level; false when one of them is missing. */
static bool put_names(char level[TEXT_BYTES], const struct device *device)
{
    char done[TEXT_BYTES] = "";
    char *rest = level;
    struct name name;
    size_t bytes;

    for (char *at; (at = find_placeholder(rest, device, &name, &bytes)) != NULL;
         rest = at + bytes) {
        if (!name.is_fit)
            return false;
        *at = '\0';
        strncat(done, rest, sizeof(done) - strlen(done) - 1);
        strncat(done, name.text, sizeof(done) - strlen(done) - 1);
    }
    strncat(done, rest, sizeof(done) - strlen(done) - 1);
    memcpy(level, done, sizeof(done));
    return true;
}

/* Returns whether no name was missing; where one was, any level may be. */
static bool expand(const char *pattern, const struct device *device, struct levels *out)
{
    bool is_whole = true;

    split(pattern, out);
    for (size_t i = 0; i < out->count; i++) {
        if (put_names(out->text[i], device))
            continue;
        is_whole = false;
        memcpy(out->text[i], "+", 2);
    }
    return is_whole;
}

/* ---- the judge: what a device may do ---- */

/* A rule as it is for one device. */
struct applied {
    const struct said *said;
    struct levels filter;
    bool is_whole;
};

struct standing {
    struct applied rules[RULES_MAX * PARTS_MAX];
    size_t count;
    bool has_role;
    bool is_unrestricted;
    char space[TEXT_BYTES];
};

/* What is expected of one topic: payload -1 for what is refused, likewise the QoS. */
struct expected {
    bool names;
    char own[TEXT_BYTES];
    bool read_denied;
    bool write_denied;
    int read_qos;
    int32_t payload[2][POLICY_QOS_COUNT];
};

static const struct assigned *find_assigned(const struct world *world, const struct device *device)
{
    for (size_t i = 0; i < world->assigned_count; i++) {
        if (device->device.text != NULL
            && strcmp(world->assigned[i].device, device->device.text) == 0)
            return &world->assigned[i];
    }
    return NULL;
}

static void apply_part(const struct part *part, const struct device *device,
                       struct standing *standing)
{
    standing->is_unrestricted |= part->options.unrestricted;
    for (size_t i = 0; i < part->count; i++) {
        struct applied *applied = &standing->rules[standing->count++];
        applied->said = &part->rules[i];
        applied->is_whole = expand(part->rules[i].pattern, device, &applied->filter);
    }
}

static void stand(const struct world *world, const struct device *device, struct standing *standing)
{
    const struct assigned *assigned = find_assigned(world, device);
    size_t first = 0;

    standing->count = 0;
    standing->is_unrestricted = false;
    standing->space[0] = '\0';
    standing->has_role = assigned != NULL || device->role != NULL;
    if (!standing->has_role)
        return;
    if (assigned != NULL)
        first = assigned->parts[0];
    else
        first = (size_t)(device->role[1] - '0');
    for (size_t i = 0; assigned != NULL && i < assigned->count; i++)
        apply_part(&world->parts[assigned->parts[i]], device, standing);
    if (assigned == NULL)
        apply_part(&world->parts[first], device, standing);
    if (device->tenant.text != NULL && !world->parts[first].options.common_space)
        snprintf(standing->space, sizeof(standing->space), "$tenant/%s/", device->tenant.text);
}

static void grant_all(struct expected *e, enum policy_action action,
                      const struct policy_terms *terms)
{
    if (action == POLICY_SUBSCRIBE && e->read_qos < terms->maximum_qos)
        e->read_qos = terms->maximum_qos;
    for (int retain = 0; action == POLICY_PUBLISH && retain < 2; retain++) {
        for (int qos = 0; qos < POLICY_QOS_COUNT; qos++) {
            int32_t most =
                terms->payload_bytes == POLICY_NO_LIMIT ? INT32_MAX : (int32_t)terms->payload_bytes;
            if (qos <= terms->maximum_qos && (retain == 0 || terms->retain)
                && e->payload[retain][qos] < most)
                e->payload[retain][qos] = most;
        }
    }
}

static void refuse_all(struct expected *e, enum policy_action action)
{
    if (action == POLICY_SUBSCRIBE)
        e->read_qos = -1;
    for (size_t i = 0; action == POLICY_PUBLISH && i < 2 * POLICY_QOS_COUNT; i++)
        e->payload[i / POLICY_QOS_COUNT][i % POLICY_QOS_COUNT] = -1;
}

static void judge_rules(const struct standing *standing, const struct levels *topic,
                        struct expected *e)
{
    static const struct policy_terms anything = { .maximum_qos = 2,
                                                  .retain = true,
                                                  .payload_bytes = POLICY_NO_LIMIT };

    for (size_t i = 0; i < standing->count; i++) {
        const struct applied *rule = &standing->rules[i];
        if (!matches(&rule->filter, topic))
            continue;
        if (rule->said->grants && rule->is_whole)
            grant_all(e, rule->said->action, &rule->said->terms);
        else if (!rule->said->grants && rule->said->action == POLICY_SUBSCRIBE)
            e->read_denied = true;
        else if (!rule->said->grants)
            e->write_denied = true;
    }
    for (int action = 0; standing->is_unrestricted && action < POLICY_ACTION_COUNT; action++)
        grant_all(e, (enum policy_action)action, &anything);
    if (e->read_denied)
        refuse_all(e, POLICY_SUBSCRIBE);
    if (e->write_denied)
        refuse_all(e, POLICY_PUBLISH);
}

static void judge(const struct standing *standing, const char *topic, struct expected *e)
{
    size_t space = strlen(standing->space);
    struct levels levels;

    *e = (struct expected){ .names = false };
    refuse_all(e, POLICY_SUBSCRIBE);
    refuse_all(e, POLICY_PUBLISH);
    if (!standing->has_role || strncmp(topic, standing->space, space) != 0 || topic[space] == '\0')
        return;
    e->names = true;
    snprintf(e->own, sizeof(e->own), "%s", topic + space);
    split(e->own, &levels);
    if (space == 0 || e->own[0] != '$')
        judge_rules(standing, &levels, e);
}

/* ---- random worlds ---- */

static const char *const words[] = { "a", "b", "lamp", "x", "", "home" };

static void add_level(char *text, const char *level, bool is_first)
{
    size_t len = strlen(text);

    snprintf(text + len, TEXT_BYTES - len, "%s%s", is_first ? "" : "/", level);
}

/* Levels of topics, behind a head that may be "". */
static void write_topic(char out[TEXT_BYTES], const char *head)
{
    size_t levels = 1 + below(one_in(4) ? 6 : 3);

    snprintf(out, TEXT_BYTES, "%s", head);
    char *own = out + strlen(out);
    for (size_t i = 0; i < levels; i++) {
        if (i == 0 && one_in(8))
            add_level(own, one_in(2) ? "$s" : "$tenant", true);
        else
            add_level(own, words[below(MQTT_ARRAY_LEN(words))], i == 0);
    }
    if (out[0] == '\0')
        add_level(out, "a", true);
}

static void write_pattern(char out[TEXT_BYTES])
{
    static const char *const levels[] = {
        "a",         "b",          "lamp",      "x",
        "",          "home",       "+",         "+",
        "+",         "%{device}",  "%{device}", "%{site}",
        "%{tenant}", "x%{device}", "%{site}b",  "%{site}%{device}",
    };
    static const char *const hidden[] = { "$s", "$tenant", "$tenant/acme", "$tenant/%{tenant}" };
    size_t count = 1 + below(one_in(4) ? 6 : 3);

    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (i == 0 && one_in(6))
            add_level(out, hidden[below(MQTT_ARRAY_LEN(hidden))], true);
        else
            add_level(out, levels[below(MQTT_ARRAY_LEN(levels))], i == 0);
    }
    if (out[0] == '\0' || one_in(4))
        add_level(out, "#", out[0] == '\0');
}

/* One random number a statement: compilers differ in the order of those in one. */
static struct policy_terms random_terms(void)
{
    static const uint32_t payloads[] = { 0, 100, 5000, POLICY_NO_LIMIT };
    struct policy_terms terms = { .maximum_qos = (uint8_t)below(3) };

    terms.retain = one_in(2);
    terms.payload_bytes = payloads[below(MQTT_ARRAY_LEN(payloads))];
    return terms;
}

static void fill_part(struct part *part, const char *name)
{
    snprintf(part->name, sizeof(part->name), "%s", name);
    part->options = (struct role_options){ .unrestricted = one_in(12) };
    part->options.common_space = one_in(3);
    part->options.carves = one_in(2);
    part->count = one_in(16) ? 0 : 3 + below(RULES_MAX - 2);
    for (size_t i = 0; i < part->count; i++) {
        struct said *said = &part->rules[i];
        said->action = one_in(2) ? POLICY_PUBLISH : POLICY_SUBSCRIBE;
        said->grants = below(5) > 1;
        said->terms = random_terms();
        write_pattern(said->pattern);
    }
}

static struct role *add_part(struct policy *policy, const struct part *part)
{
    struct role *role = policy_add_role(policy, part->name, &part->options);
    const char *why;

    must(role != NULL);
    for (size_t i = 0; i < part->count; i++) {
        const struct said *said = &part->rules[i];
        const struct policy_rule rule = { .action = said->action,
                                          .grants = said->grants,
                                          .pattern = said->pattern,
                                          .terms = said->terms };
        must(role_add_rule(role, &rule, &why) == 0);
    }
    return role;
}

static void assign(struct world *world, struct role *const *roles)
{
    static const char *const names[ASSIGNED] = { "lamp", "a", "door", "d-1" };

    world->assigned_count = below(ASSIGNED + 1);
    for (size_t i = 0; i < world->assigned_count; i++) {
        struct assigned *assigned = &world->assigned[i];
        struct role *parts[PARTS_MAX];
        assigned->device = names[i];
        assigned->count = 1 + below(PARTS_MAX);
        for (size_t p = 0; p < assigned->count; p++) {
            assigned->parts[p] = below(ROLES);
            parts[p] = roles[assigned->parts[p]];
        }
        must(policy_assign(world->policy, assigned->device, parts, assigned->count) == 0);
    }
}

/* One that the rule is about when the device asks, more often than not. */
static void write_topic_of(char topic[TEXT_BYTES], const struct said *said,
                           const struct device *device)
{
    struct levels levels;

    topic[0] = '\0';
    if (device->tenant.text != NULL && !one_in(4))
        snprintf(topic, TEXT_BYTES, "$tenant/%s/", device->tenant.text);
    char *own = topic + strlen(topic);
    expand(said->pattern, device, &levels);
    for (size_t i = 0; i < levels.count; i++) {
        bool is_wild = strpbrk(levels.text[i], "+#") != NULL;
        add_level(own, is_wild ? words[below(MQTT_ARRAY_LEN(words))] : levels.text[i], i == 0);
    }
    if (topic[0] == '\0')
        add_level(topic, "x", true);
}

static void fill_topics(struct world *world, const struct device *asked)
{
    static const char *const heads[] = { "", "", "$tenant/acme/", "$tenant/beta/",
                                         "$tenant/none/" };

    for (size_t i = 2; i < TOPICS_PER_POLICY; i++) {
        const struct part *part = &world->parts[below(ROLES)];
        const struct device *device = &asked[below(DEVICES_PER_POLICY)];
        if (part->count == 0 || one_in(8))
            write_topic(world->topics[i], heads[below(MQTT_ARRAY_LEN(heads))]);
        else
            write_topic_of(world->topics[i], &part->rules[below(part->count)], device);
    }
    /* A space itself is no topic of it. */
    snprintf(world->topics[0], TEXT_BYTES, "$tenant/acme");
    snprintf(world->topics[1], TEXT_BYTES, "$tenant/acme/");
}

static void fill_world(struct world *world, const struct device *asked)
{
    struct role *roles[ROLES];

    world->policy = policy_new();
    must(world->policy != NULL);
    for (size_t i = 0; i < ROLES; i++) {
        fill_part(&world->parts[i], role_names[i]);
        roles[i] = add_part(world->policy, &world->parts[i]);
    }
    assign(world, roles);
    policy_seal(world->policy);
    fill_topics(world, asked);
}

static void fill_devices(void)
{
    for (size_t i = 0; i < DEVICES; i++) {
        devices[i].device = device_names[below(MQTT_ARRAY_LEN(device_names))];
        devices[i].tenant = tenant_names[below(MQTT_ARRAY_LEN(tenant_names))];
        devices[i].site = site_names[below(MQTT_ARRAY_LEN(site_names))];
        devices[i].role = one_in(20) ? NULL : role_names[below(ROLES)];
    }
}

/* ---- asking ---- */

static void compare(const char *what, int64_t says, int64_t is, const struct device *device,
                    const char *topic)
{
    tally.questions++;
    if (says == is)
        return;
    if (tally.over_grants + tally.wrong_refusals < SHOWN)
        printf("%s: device %s of tenant %s and %s: says %lld, is %lld\n", what,
               device->device.text != NULL ? device->device.text : "-",
               device->tenant.text != NULL ? device->tenant.text : "-", topic, (long long)says,
               (long long)is);
    if (says > is)
        tally.over_grants++;
    else
        tally.wrong_refusals++;
}

static void count_answers(bool is_granted, bool is_denied)
{
    tally.reads_and_writes++;
    tally.granted += is_granted;
    tally.denied += is_denied;
}

static void check_reach(const struct role *role, const struct identity *identity,
                        const struct device *device, const char *topic, const struct expected *e)
{
    struct mqtt_span exact = test_span_new(topic);
    struct reach reach = reach_decide(role, identity, exact);
    bool reads = reach.read.verdict == POLICY_ALLOW;

    compare("names", reach.names, e->names, device, topic);
    compare("read", reads ? reach.read.maximum_qos : -1, e->read_qos, device, topic);
    compare("write", reach.write.verdict == POLICY_ALLOW, e->payload[0][0] >= 0, device, topic);
    for (size_t i = 0; i < 2 * POLICY_QOS_COUNT; i++)
        compare("payload", reach.write.payload_bytes[i / POLICY_QOS_COUNT][i % POLICY_QOS_COUNT],
                e->payload[i / POLICY_QOS_COUNT][i % POLICY_QOS_COUNT], device, topic);
    /* Who can read a topic can subscribe to it, and nobody else can. */
    if (reach.names)
        compare("subscribe",
                policy_decide_subscribe(role, identity, reach.topic).verdict == POLICY_ALLOW,
                e->read_qos >= 0, device, topic);
    count_answers(e->read_qos >= 0, e->read_denied);
    count_answers(e->payload[0][0] >= 0, e->write_denied);
    test_span_free(exact);
}

/* What the lines say of a topic as the client names it. */
static bool is_in_share(const struct share *share, enum policy_action action,
                        const struct levels *topic)
{
    bool is_granted = false;
    struct levels filter;

    for (size_t i = 0; i < share->count; i++) {
        const struct share_line *line = &share->lines[i];
        split(line->filter, &filter);
        if (line->rule->action != action || !matches(&filter, topic))
            continue;
        if (!line->rule->grants)
            return false;
        is_granted |= !line->is_missing && !line->is_out_of_space && !line->is_of_house;
    }
    return is_granted;
}

/* A grant that is taken away whole has no topic left; one that nothing is cut of has them all. */
static void check_marks(const struct share *share, const struct levels *topic,
                        const struct device *device, const struct expected *e)
{
    struct levels filter;

    for (size_t i = 0; i < share->count; i++) {
        const struct share_line *line = &share->lines[i];
        bool is_read = line->rule->action == POLICY_SUBSCRIBE;
        bool is_denied = is_read ? e->read_denied : e->write_denied;
        split(line->filter, &filter);
        if (!line->rule->grants || line->is_missing || line->is_out_of_space
            || !matches(&filter, topic))
            continue;
        if (line->is_denied || !line->is_cut)
            compare("mark of a line", line->is_denied, is_denied, device, line->filter);
    }
}

static void check_share(const struct share *share, const struct standing *standing,
                        const struct device *device, const struct expected *e)
{
    struct levels own;

    split(e->own, &own);
    check_marks(share, &own, device, e);
    if (standing->is_unrestricted)
        return;
    compare("share, read", is_in_share(share, POLICY_SUBSCRIBE, &own), e->read_qos >= 0, device,
            e->own);
    compare("share, write", is_in_share(share, POLICY_PUBLISH, &own), e->payload[0][0] >= 0, device,
            e->own);
}

static void check_device(const struct world *world, const struct device *device)
{
    const struct identity identity = { .device = device->device.text,
                                       .tenant = device->tenant.text,
                                       .site = device->site.text,
                                       .role = device->role,
                                       .proved = true };
    const struct role *role = policy_find(world->policy, &identity);
    static struct standing standing;
    struct share share = { NULL, 0 };

    stand(world, device, &standing);
    if (role != NULL)
        must(share_list(role, &identity, &share) == 0);
    for (size_t i = 0; i < TOPICS_PER_POLICY; i++) {
        struct expected e;
        judge(&standing, world->topics[i], &e);
        check_reach(role, &identity, device, world->topics[i], &e);
        if (e.names)
            check_share(&share, &standing, device, &e);
    }
    share_fini(&share);
}

static bool is_telling(unsigned long count, const char *what)
{
    unsigned long percent = 100 * count / tally.reads_and_writes;

    printf("%lu of %lu reads and writes are %s\n", count, tally.reads_and_writes, what);
    return percent >= LEAST_PERCENT;
}

int main(void)
{
    static struct world world;

    fill_devices();
    for (unsigned i = 0; i < POLICIES; i++) {
        const struct device *asked = &devices[i * DEVICES_PER_POLICY % DEVICES];
        fill_world(&world, asked);
        for (unsigned d = 0; d < DEVICES_PER_POLICY; d++)
            check_device(&world, &asked[d]);
        policy_unref(world.policy);
    }
    bool is_proof = is_telling(tally.granted, "granted");
    is_proof = is_telling(tally.denied, "denied by a rule") && is_proof;
    printf("%d policies, %lu questions, %lu over-grants, %lu wrong refusals\n", POLICIES,
           tally.questions, tally.over_grants, tally.wrong_refusals);
    return is_proof && tally.over_grants + tally.wrong_refusals == 0 ? 0 : 1;
}
