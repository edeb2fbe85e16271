/* SPDX-License-Identifier: Apache-2.0 */
/* Claim: mqtt_topic_matches says what the definition by levels says, and no filter
 * that breaks the rules counts as valid. [MQTT-4.7.1-1] [MQTT-4.7.1-2]
 * [MQTT-4.7.2-1] [MQTT-4.7.3-1] [MQTT-4.7.3-4]
 * Bound: every filter of up to 4 levels over {a, b, ab, $a, +, #, empty} with every
 * topic of up to 4 levels over {a, b, ab, $a, empty}. */
#include "base/attrs.h"
#include "codec/topic.h"
#include "topic_words.h"

static const char *const filter_words[] = { "a", "b", "+", "#", "", "ab", "$a" };
static const char *const topic_words[] = { "a", "b", "", "ab", "$a" };

/* Do the levels from `f` on match those from `t` on? */
static bool levels_match(const struct words *filter, unsigned f, const struct words *topic,
                         unsigned t)
{
    if (f == filter->count)
        return t == topic->count;
    if (word_is(filter->level[f], "#"))
        return true;
    if (t == topic->count)
        return false;
    if (!word_is(filter->level[f], "+") && !word_is(filter->level[f], topic->level[t]))
        return false;
    return levels_match(filter, f + 1, topic, t + 1);
}

static bool words_match(const struct words *filter, const struct words *topic)
{
    bool wild_start = word_is(filter->level[0], "+") || word_is(filter->level[0], "#");

    if (wild_start && topic->level[0][0] == '$')
        return false;
    return levels_match(filter, 0, topic, 0);
}

static void matching_is_by_levels(void)
{
    struct words filter =
        words_choose(filter_words, (unsigned)MQTT_ARRAY_LEN(filter_words), MOST_LEVELS);
    bool valid = words_are_filter(&filter);

    proof_check(mqtt_topic_filter_is_valid(words_span(&filter)) == valid);
    proof_check(mqtt_topic_levels(words_span(&filter)) == filter.count);
    if (!valid)
        return;

    struct words topic =
        words_choose(topic_words, (unsigned)MQTT_ARRAY_LEN(topic_words), MOST_LEVELS);
    proof_check(mqtt_topic_name_is_valid(words_span(&topic)) == (topic.len > 0));
    if (topic.len == 0)
        return;
    proof_check(mqtt_topic_matches(words_span(&filter), words_span(&topic))
                == words_match(&filter, &topic));
}

PROOF(matching_is_by_levels)
