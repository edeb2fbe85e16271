/* SPDX-License-Identifier: Apache-2.0 */
/* Promise D1 after a crash: at whichever frame the disk stopped, what was acknowledged is there,
 * nothing of QoS 2 comes twice, and the order is kept; with other numbers of shards than before.
 *
 * Publishers and subscribers are automata that do what MQTT wants of a client that has a memory.
 * They run until the disk has confirmed so many frames; then the process is killed, comes back, and
 * they go on from what they know. Scenes of single steps follow. */
#include "core/journal_restore.h"

#include "codec/ack.h"
#include "codec/subscribe.h"
#include "core/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LASTS_S     600u
#define MESSAGES    3u
#define SUBSCRIBERS 4u

/* ---- automata ---- */

/* Sends its messages one by one, each until it is acknowledged. */
struct publisher {
    struct world_peer *peer;
    enum mqtt_qos qos;
    unsigned sending; /* MESSAGES: all are acknowledged */
    bool is_sent;     /* on this connection */
    bool has_pubrec;
};

struct subscriber {
    struct world_peer *peer;
    char client_id[16];
    const char *filter;
    unsigned count[MESSAGES];
    unsigned last;      /* message, plus one */
    bool has_id[65536]; /* QoS 2 messages whose PUBREL has not come */
};

struct play {
    struct world world;
    struct publisher publisher;
    struct subscriber subscribers[SUBSCRIBERS];
};

static void publisher_step(struct publisher *p)
{
    struct mqtt_frame frame;
    char text[16];

    if (p->sending == MESSAGES)
        return;
    if (!p->is_sent) {
        p->is_sent = true;
        snprintf(text, sizeof(text), "%u", p->sending);
        if (p->has_pubrec)
            world_ack(p->peer, MQTT_PUBREL, 7);
        else
            world_publish(p->peer, "a/b", text, p->qos, 7, false);
    }
    while (world_take(p->peer, &frame)) {
        if (frame.type == MQTT_PUBREC) {
            p->has_pubrec = true;
            world_ack(p->peer, MQTT_PUBREL, 7);
            continue;
        }
        assert_true(frame.type == MQTT_PUBACK || frame.type == MQTT_PUBCOMP);
        p->sending++;
        p->is_sent = false;
        p->has_pubrec = false;
        return;
    }
}

static void take_message(struct subscriber *s, const struct mqtt_publish *message)
{
    unsigned number = (unsigned)(message->payload.data[0] - '0');

    assert_int_equal(message->payload.len, 1);
    assert_true(number < MESSAGES);
    if (message->qos == MQTT_QOS_2 && s->has_id[message->packet_id])
        return;
    s->has_id[message->packet_id] = message->qos == MQTT_QOS_2;
    if (s->count[number]++ == 0) { /* the first time it comes in its order */
        assert_true(number >= s->last);
        s->last = number + 1;
    }
}

static void subscriber_step(struct subscriber *s)
{
    struct mqtt_publish message;
    struct mqtt_frame frame;
    struct mqtt_ack ack;

    while (!world_is_silent(s->peer)) {
        if (world_take_publish(s->peer, &message)) {
            take_message(s, &message);
            world_ack(s->peer, message.qos == MQTT_QOS_2 ? MQTT_PUBREC : MQTT_PUBACK,
                      message.packet_id);
            continue;
        }
        assert_true(world_take(s->peer, &frame));
        assert_int_equal(frame.type, MQTT_PUBREL);
        assert_int_equal(mqtt_ack_decode(s->peer->version, MQTT_PUBREL, frame.body, &ack), MQTT_OK);
        s->has_id[ack.packet_id] = false;
        world_ack(s->peer, MQTT_PUBCOMP, ack.packet_id);
    }
}

static void step(struct play *play)
{
    publisher_step(&play->publisher);
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        if (play->subscribers[i].peer != NULL)
            subscriber_step(&play->subscribers[i]);
}

static void connect_all(struct play *play, bool resume)
{
    play->publisher.peer = world_come(&play->world, "publisher", resume, LASTS_S);
    play->publisher.is_sent = false;
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        struct subscriber *s = &play->subscribers[i];

        s->peer = world_come(&play->world, s->client_id, resume, LASTS_S);
        if (!resume)
            assert_int_equal(world_subscribe(s->peer, s->filter, MQTT_QOS_2), MQTT_QOS_2);
    }
}

struct cast {
    enum mqtt_qos qos;
    bool is_shared; /* the subscribers share one subscription */
    bool are_away;  /* they come only after the crash */
    unsigned shards_before;
    unsigned shards_after;
};

static struct play *play_begin(const struct cast *cast)
{
    struct play *play = calloc(1, sizeof(*play));

    assert_non_null(play);
    world_init(&play->world, cast->shards_before, NULL);
    play->publisher.qos = cast->qos;
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        struct subscriber *s = &play->subscribers[i];

        snprintf(s->client_id, sizeof(s->client_id), "sub-%u", i);
        s->filter = cast->is_shared ? "$share/team/a/#" : "a/#";
    }
    connect_all(play, false);
    for (unsigned i = 0; cast->are_away && i < SUBSCRIBERS; i++) {
        world_break(play->subscribers[i].peer);
        play->subscribers[i].peer = NULL;
    }
    play->world.disk_is_slow = true;
    return play;
}

/* Until so many frames are confirmed one by one. False: all is over before. */
static bool play_until(struct play *play, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        step(play);
        if (play->world.confirmed == play->world.disk.count)
            return false;
        world_confirm(&play->world, 1);
        world_run(&play->world);
    }
    return true;
}

static void play_out(struct play *play)
{
    play->world.disk_is_slow = false;
    for (unsigned i = 0; i < 50; i++) {
        world_run(&play->world);
        step(play);
    }
    assert_int_equal(play->publisher.sending, MESSAGES);
}

static void assert_all_came(const struct play *play, const struct cast *cast)
{
    for (unsigned m = 0; m < MESSAGES; m++) {
        unsigned in_all = 0;

        for (unsigned i = 0; i < SUBSCRIBERS; i++) {
            unsigned count = play->subscribers[i].count[m];

            in_all += count;
            if (cast->is_shared)
                continue;
            assert_true(count >= 1);
            assert_true(cast->qos != MQTT_QOS_2 || count == 1);
        }
        assert_true(in_all >= 1);
        assert_true(!cast->is_shared || cast->qos != MQTT_QOS_2 || in_all == 1);
    }
}

/* Nothing is left of what everybody has. */
static void assert_disk_is_tidy(const struct world *world)
{
    assert_int_equal(world_disk_things(&world->disk, JOURNAL_DELIVERY), 0);
    assert_int_equal(world_disk_things(&world->disk, JOURNAL_BODY), 0);
    assert_int_equal(world_disk_things(&world->disk, JOURNAL_RECEIVED), 0);
    assert_int_equal(world_disk_things(&world->disk, JOURNAL_PARCEL), 0);
    assert_int_equal(world_disk_things(&world->disk, JOURNAL_SUBSCRIPTION), SUBSCRIBERS);
    assert_int_equal(world_disk_things(&world->disk, JOURNAL_SESSION), SUBSCRIBERS + 1);
}

/* Crashes after so many frames, of which `spared` more had come. False: there are no more. */
static bool play_crash(const struct cast *cast, size_t frames, size_t spared)
{
    struct play *play = play_begin(cast);
    bool goes_on = play_until(play, frames);

    step(play);
    world_crash(&play->world, spared, cast->shards_after);
    play->world.disk_is_slow = false;
    connect_all(play, true);
    play_out(play);
    assert_all_came(play, cast);
    assert_disk_is_tidy(&play->world);
    world_fini(&play->world);
    free(play);
    return goes_on;
}

static void play_all_crashes(const struct cast *cast)
{
    static const size_t spared[] = { 0, 1, 2, SIZE_MAX / 2 };
    bool goes_on = true;

    for (size_t frames = 0; goes_on; frames++) {
        goes_on = false;
        for (size_t i = 0; i < MQTT_ARRAY_LEN(spared); i++)
            goes_on |= play_crash(cast, frames, spared[i]);
        assert_true(frames < 500);
    }
}

static void crash_everywhere(bool is_shared, bool are_away)
{
    static const unsigned shards[][2] = { { 1, 1 }, { 3, 3 }, { 1, 3 }, { 3, 2 }, { 4, 1 } };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(shards); i++)
        for (unsigned qos = MQTT_QOS_1; qos <= MQTT_QOS_2; qos++) {
            const struct cast cast = { (enum mqtt_qos)qos, is_shared, are_away, shards[i][0],
                                       shards[i][1] };
            play_all_crashes(&cast);
        }
}

static void messages_to_plain_subscribers_survive(void **state)
{
    (void)state;
    crash_everywhere(false, false);
}

static void messages_to_absent_subscribers_survive(void **state)
{
    (void)state;
    crash_everywhere(false, true);
}

static void messages_to_shared_subscribers_survive(void **state)
{
    (void)state;
    crash_everywhere(true, false);
}

static void messages_to_absent_shared_subscribers_survive(void **state)
{
    (void)state;
    crash_everywhere(true, true);
}

/* ---- scenes: what is on disk after each frame is what was there after some step ---- */

/* The steps of a scene, and what is seen after each. */
struct scene {
    void (*act)(struct world *world, unsigned number);
    void (*look)(struct world *world, char *out, size_t size);
    const char *const *seen; /* [0] before the first step */
    unsigned steps;
};

#define STEPS_MAX 16u

struct marks {
    size_t begin[STEPS_MAX + 1]; /* frames before the step */
    size_t end[STEPS_MAX + 1];
};

static void play_scene(const struct scene *scene, struct world *world, struct marks *marks)
{
    world_init(world, 2, NULL);
    for (unsigned i = 1; i <= scene->steps; i++) {
        marks->begin[i] = world->disk.count;
        scene->act(world, i);
        world_run(world);
        marks->end[i] = world->disk.count;
    }
}

/* Step i is to be seen when all its frames have come, and may be when one has. */
static void assert_seen(const struct scene *scene, const struct marks *marks, size_t frames,
                        const char *text)
{
    unsigned least = 0;
    unsigned most = 0;

    for (unsigned i = 1; i <= scene->steps; i++) {
        if (marks->end[i] <= frames)
            least = i;
        if (marks->begin[i] < frames)
            most = i;
    }
    for (unsigned i = least; i <= most || i == least; i++)
        if (strcmp(scene->seen[i], text) == 0)
            return;
    fail_msg("after %zu frames: \"%s\", not \"%s\" .. \"%s\"", frames, text, scene->seen[least],
             scene->seen[most]);
}

static void crash_scene(const struct scene *scene)
{
    struct marks marks;
    size_t most = 0;

    for (size_t frames = 0; frames <= most; frames++) {
        for (unsigned shards = 1; shards <= 3; shards++) {
            struct world world;
            char text[256];

            play_scene(scene, &world, &marks);
            most = world.disk.count;
            world.confirmed = frames;
            world_crash(&world, 0, shards);
            world_crash(&world, 0, 4 - shards); /* a second time: nothing was used up */
            text[0] = '\0';
            scene->look(&world, text, sizeof(text));
            assert_seen(scene, &marks, frames, text);
            world_fini(&world);
        }
    }
}

static void say(char *out, size_t size, const char *format, ...) MQTT_PRINTF(3, 4);

static void say(char *out, size_t size, const char *format, ...)
{
    size_t len = strlen(out);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(out + len, size - len, format, arguments);
    va_end(arguments);
}

/* Everything that has come to it, as "TOPIC=PAYLOAD ". */
static void say_messages(struct world_peer *peer, char *out, size_t size)
{
    struct mqtt_publish message;

    while (world_take_publish(peer, &message))
        say(out, size, "%.*s=%.*s ", (int)message.topic.len, (const char *)message.topic.data,
            (int)message.payload.len, (const char *)message.payload.data);
    assert_true(world_is_silent(peer));
}

/* ---- subscribe, unsubscribe, clean start, end ---- */

static struct world_peer *peer_of(struct world *world, unsigned number)
{
    return &world->peers[number];
}

static void act_subscriptions(struct world *world, unsigned number)
{
    struct world_peer *peer = peer_of(world, 0);
    static const uint8_t disconnect[] = { 0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0 };

    switch (number) {
    case 1:
        world_come(world, "subscriber", false, LASTS_S);
        break;
    case 2:
        world_subscribe(peer, "a", MQTT_QOS_1);
        break;
    case 3:
        world_subscribe(peer, "b", MQTT_QOS_1);
        break;
    case 4:
        world_subscribe(peer, "a", MQTT_QOS_0); /* lower terms */
        break;
    case 5:
        world_send_unsubscribe(peer, "b");
        break;
    case 6:
        world_break(peer);
        world_come(world, "subscriber", true, LASTS_S);
        break;
    case 7: /* takes over, and begins anew */
        world_come(world, "subscriber", false, LASTS_S);
        break;
    case 8:
        world_subscribe(peer_of(world, 1), "c", MQTT_QOS_2);
        break;
    default: /* says that the session is to end with the connection */
        world_send(peer_of(world, 1), (struct mqtt_span){ disconnect, sizeof(disconnect) });
    }
}

static void look_at_subscriptions(struct world *world, char *out, size_t size)
{
    static const char *const topics[] = { "a", "b", "c" };
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);
    const struct world_connect how = { .client_id = "subscriber",
                                       .resume = true,
                                       .expiry_s = LASTS_S };

    if (!world_connect(peer, &how, NULL)) {
        say(out, size, "nobody");
        return;
    }
    struct world_peer *publisher = world_come(world, "looking", false, 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(topics); i++) {
        struct mqtt_publish message;

        world_publish(publisher, topics[i], "x", MQTT_QOS_2, (uint16_t)(i + 1), false);
        if (world_take_publish(peer, &message))
            say(out, size, "%s%d ", topics[i], message.qos);
    }
}

static void subscriptions_survive(void **state)
{
    static const char *const seen[] = { "nobody", "",    "a1 ", "a1 b1 ", "a0 b1 ",
                                        "a0 ",    "a0 ", "",    "c2 ",    "nobody" };
    const struct scene scene = { act_subscriptions, look_at_subscriptions, seen, 9 };

    (void)state;
    crash_scene(&scene);
}

/* ---- retained messages ---- */

static void act_retained(struct world *world, unsigned number)
{
    static const char *const acts[][2] = { { "r", "1" }, { "q", "x" }, { "r", "2" },
                                           { "q", "" },  { "r", "" },  { "q", "y" } };
    struct world_peer *peer =
        number == 1 ? world_come(world, "publisher", false, 0) : peer_of(world, 0);

    world_publish(peer, acts[number - 1][0], acts[number - 1][1], (enum mqtt_qos)(number % 2), 1,
                  true);
}

static void look_at_retained(struct world *world, char *out, size_t size)
{
    struct world_peer *peer = world_come(world, "looking", false, 0);

    world_subscribe(peer, "q", MQTT_QOS_1);
    say_messages(peer, out, size);
    world_subscribe(peer, "r", MQTT_QOS_1);
    say_messages(peer, out, size);
}

static void retained_messages_survive(void **state)
{
    static const char *const seen[] = { "", "r=1 ", "q=x r=1 ", "q=x r=2 ", "r=2 ", "", "q=y " };
    const struct scene scene = { act_retained, look_at_retained, seen, 6 };

    (void)state;
    crash_scene(&scene);
}

/* ---- queued messages, and what is taken from them ---- */

static void act_queue(struct world *world, unsigned number)
{
    struct mqtt_publish message;
    struct world_peer *peer = peer_of(world, 0);
    struct world_peer *publisher = peer_of(world, 1);
    char text[8];

    switch (number) {
    case 1:
        world_come(world, "subscriber", false, LASTS_S);
        world_come(world, "publisher", false, 0);
        world_subscribe(peer, "a", MQTT_QOS_1);
        world_break(peer);
        break;
    case 2:
    case 3:
    case 4:
        snprintf(text, sizeof(text), "%u", number);
        world_publish(publisher, "a", text, MQTT_QOS_1, (uint16_t)number, false);
        break;
    case 5:
        world_come(world, "subscriber", true, LASTS_S);
        break;
    case 6:
    case 7:
        assert_true(world_take_publish(peer, &message));
        world_ack(peer, MQTT_PUBACK, message.packet_id);
        break;
    default: /* the last one: taken over, it comes again */
        world_come(world, "subscriber", true, LASTS_S);
    }
}

static void look_at_queue(struct world *world, char *out, size_t size)
{
    struct world_peer *peer = world_open(world, MQTT_VERSION_5);
    const struct world_connect how = { .client_id = "subscriber",
                                       .resume = true,
                                       .expiry_s = LASTS_S };

    if (world_connect(peer, &how, NULL))
        say_messages(peer, out, size);
}

static void queued_messages_survive(void **state)
{
    static const char *const seen[] = {
        "", "", "a=2 ", "a=2 a=3 ", "a=2 a=3 a=4 ", "a=2 a=3 a=4 ", "a=3 a=4 ", "a=4 ", "a=4 "
    };
    const struct scene scene = { act_queue, look_at_queue, seen, 8 };

    (void)state;
    crash_scene(&scene);
}

/* ---- packet identifiers and terms ---- */

static void packet_identifiers_are_kept(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    world_init(&world, 2, NULL);
    struct world_peer *peer = world_come(&world, "subscriber", false, LASTS_S);
    world_subscribe(peer, "a", MQTT_QOS_2);
    struct world_peer *publisher = world_come(&world, "publisher", false, 0);
    for (uint16_t id = 1; id <= 6; id++) {
        world_publish(publisher, "a", "x", id % 2 == 0 ? MQTT_QOS_2 : MQTT_QOS_1, id, false);
        assert_true(world_take_publish(peer, &message));
        assert_int_equal(message.packet_id, id);
    }
    world_ack(peer, MQTT_PUBACK, 1);
    world_ack(peer, MQTT_PUBREC, 4);
    assert_true(world_expect(peer, MQTT_PUBREL));
    for (unsigned shards = 3; shards >= 1; shards--) {
        static const uint16_t ids[] = { 2, 3, 4, 5, 6 };

        world_crash(&world, 0, shards);
        peer = world_come(&world, "subscriber", true, LASTS_S);
        for (size_t i = 0; i < MQTT_ARRAY_LEN(ids); i++) {
            if (ids[i] == 4) {
                assert_true(world_expect(peer, MQTT_PUBREL));
                continue;
            }
            assert_true(world_take_publish(peer, &message));
            assert_int_equal(message.packet_id, ids[i]);
            assert_int_equal(message.qos, ids[i] % 2 == 0 ? MQTT_QOS_2 : MQTT_QOS_1);
            assert_true(message.duplicate);
        }
        assert_true(world_is_silent(peer));
    }
    /* A new one gets an identifier that nobody has. */
    publisher = world_come(&world, "publisher", false, 0);
    world_publish(publisher, "a", "x", MQTT_QOS_1, 1, false);
    assert_true(world_take_publish(peer, &message));
    assert_int_equal(message.packet_id, 7);
    assert_false(message.duplicate);
    world_fini(&world);
}

static void subscribe_with_terms(struct world_peer *peer)
{
    uint8_t packet[64];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    static const uint8_t identifier[] = { 0x0b, 0xff, 0xff, 0xff, 0x7f };
    const struct mqtt_subscription entry = {
        .filter = span_of("a"), .qos = MQTT_QOS_1, .retain_as_published = true, .no_local = true
    };

    mqtt_subscribe_encode(&w, peer->version, 1, (struct mqtt_span){ identifier, 5 }, &entry, 1);
    world_send(peer, mqtt_writer_written(&w));
    world_run(peer->world);
    assert_true(world_expect(peer, MQTT_SUBACK));
}

/* Of one that waited, and of one that is published after the restart. */
static void terms_of_subscriptions_are_kept(void **state)
{
    struct world world;
    struct mqtt_publish message;

    (void)state;
    world_init(&world, 2, NULL);
    struct world_peer *peer = world_come(&world, "subscriber", false, LASTS_S);
    subscribe_with_terms(peer);
    world_break(peer);
    struct world_peer *publisher = world_come(&world, "publisher", false, 0);
    world_publish(publisher, "a", "1", MQTT_QOS_1, 1, true);
    world_publish(publisher, "a", "2", MQTT_QOS_1, 2, false);
    world_crash(&world, 0, 3);
    publisher = world_come(&world, "publisher", false, 0);
    world_publish(publisher, "a", "3", MQTT_QOS_1, 1, true);
    peer = world_come(&world, "subscriber", true, LASTS_S);
    for (unsigned i = 1; i <= 3; i++) {
        assert_true(world_take_publish(peer, &message));
        assert_int_equal(message.payload.data[0], '0' + i);
        assert_int_equal(message.retain, i != 2);
        assert_true(message.has_subscription_identifier);
    }
    world_publish(peer, "a", "mine", MQTT_QOS_1, 9, false);
    assert_true(world_expect(peer, MQTT_PUBACK));
    assert_true(world_is_silent(peer));
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_to_plain_subscribers_survive),
        cmocka_unit_test(messages_to_absent_subscribers_survive),
        cmocka_unit_test(messages_to_shared_subscribers_survive),
        cmocka_unit_test(messages_to_absent_shared_subscribers_survive),
        cmocka_unit_test(subscriptions_survive),
        cmocka_unit_test(retained_messages_survive),
        cmocka_unit_test(queued_messages_survive),
        cmocka_unit_test(packet_identifiers_are_kept),
        cmocka_unit_test(terms_of_subscriptions_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
