/* SPDX-License-Identifier: Apache-2.0 */
/* Claim: names, filters and shared subscriptions are valid as their rules say, and
 * a shared subscription is cut where it was joined. [MQTT-4.7.0-1] [MQTT-4.7.1-1]
 * [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-4.8.2-1] [MQTT-4.8.2-2]
 * Bound: names of up to 10 bytes over {a, /, +, #, NUL}; filters and shared
 * subscriptions of up to 4 levels over words that look like wildcards and groups. */
#include "base/attrs.h"
#include "codec/topic.h"
#include "topic_words.h"

static const char *const words[] = { "a",  "+",  "#",  "",   "a+",     "+a",
                                     "#a", "++", "##", "+#", "$share", "$shared" };

static void names(void)
{
    static const uint8_t letters[] = { 'a', '/', '+', '#', '\0' };
    uint8_t name[10];
    size_t len = proof_choose(sizeof(name) + 1);
    bool forbidden = false;

    for (size_t i = 0; i < len; i++) {
        unsigned letter = proof_choose(sizeof(letters));
        name[i] = letters[letter];
        forbidden |= letter >= 2;
    }
    proof_check(mqtt_topic_name_is_valid((struct mqtt_span){ name, len })
                == (len > 0 && !forbidden));
}

static void filters(void)
{
    struct words w = words_choose(words, (unsigned)MQTT_ARRAY_LEN(words), MOST_LEVELS);
    bool wild = strpbrk(w.text, "+#") != NULL;

    proof_check(mqtt_topic_filter_is_valid(words_span(&w)) == words_are_filter(&w));
    proof_check(mqtt_topic_filter_has_wildcard(words_span(&w)) == wild);
}

/* What the levels after "$share" and the group make up, judged on its own. */
static bool rest_is_filter(const struct words *w)
{
    struct words rest = { .count = 0 };

    for (unsigned i = 2; i < w->count; i++)
        words_join(&rest, w->level[i]);
    return rest.count > 0 && words_are_filter(&rest);
}

static void shares(void)
{
    struct mqtt_share share;
    struct words w = words_choose(words, (unsigned)MQTT_ARRAY_LEN(words), MOST_LEVELS);
    int verdict = mqtt_share_parse(words_span(&w), &share);

    if (!word_is(w.level[0], "$share") || w.count == 1) {
        proof_check(verdict == 0);
        return;
    }
    const char *group = w.level[1];
    bool good_group = group[0] != '\0' && strpbrk(group, "+#") == NULL;
    proof_check(verdict == (good_group && rest_is_filter(&w) ? 1 : -1));
    if (verdict != 1)
        return;
    proof_check(span_equal(share.group, span_of(group)));
    proof_check(share.filter.data == (const uint8_t *)w.text + 8 + strlen(group));
    proof_check(share.filter.len == w.len - 8 - strlen(group));
}

static void rules_hold(void)
{
    switch (proof_choose(3)) {
    case 0:
        names();
        break;
    case 1:
        filters();
        break;
    default:
        shares();
        break;
    }
}

PROOF(rules_hold)
