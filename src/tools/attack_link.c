/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_link.h"

#include "base/wipe.h"
#include "codec/ack.h"
#include "codec/connack.h"
#include "codec/connect.h"
#include "codec/disconnect.h"
#include "codec/publish.h"
#include "tools/attack_pace.h"

#include <tacit/posix.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_ALIVE_S    120
#define HELLO_BYTES     4096
#define ACK_BYTES       16
#define REASON_NO_MATCH 0x92
#define PROPERTY_EXPIRY 0x11
#define FIRST_FAILURE   0x80

MQTT_PRINTF(2, 3)
static bool say(struct attack_link *link, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(link->said, sizeof(link->said), format, arguments);
    va_end(arguments);
    return false;
}

static void choose_client_id(struct attack_link *link, const struct attack_hello *hello)
{
    const struct attack_identity *who = hello->who;
    const char *own = who != NULL && who->client_id[0] != '\0' ? who->client_id : NULL;
    const char *suffix = hello->suffix != NULL ? hello->suffix : "";

    if (hello->client_id != NULL)
        (void)snprintf(link->client_id, sizeof(link->client_id), "%s", hello->client_id);
    else if (own != NULL && (hello->suffix == NULL || who->only_exact_id))
        (void)snprintf(link->client_id, sizeof(link->client_id), "%s", own);
    else
        (void)snprintf(link->client_id, sizeof(link->client_id), "%s-%s%s",
                       own != NULL ? own : "tacit-attack", link->env->tag, suffix);
}

bool attack_link_dial(struct attack_link *out, const struct attack_env *env,
                      const struct attack_hello *hello)
{
    char error[TACIT_PROBE_ERROR_SIZE];
    struct tacit_probe_tls *tls = hello->who != NULL ? hello->who->tls : env->tls;
    const struct tacit_probe_target target = {
        .address = env->address,
        .port = hello->plain_port != 0 ? hello->plain_port : env->port,
        .source = hello->source,
        .receive_buffer_bytes = hello->receive_buffer_bytes,
    };

    *out = (struct attack_link){ .env = env, .version = env->version };
    choose_client_id(out, hello);
    out->memory = malloc(ATTACK_PACKET_BYTES);
    if (out->memory == NULL)
        return say(out, "out of memory");
    attack_pace_wait(env->pace);
    if (tacit_probe_open(&target, ATTACK_ANSWER_MS, &out->probe, error) < 0)
        return say(out, "%s", error);
    if (!env->is_encrypted || hello->plain_port != 0)
        return true;
    int failed =
        tacit_probe_handshake(out->probe, tls, env->host, hello->earlier, ATTACK_ANSWER_MS);
    if (failed == -ETIMEDOUT)
        return say(out, "the TLS handshake was not finished in 5 s");
    if (failed < 0)
        return say(out, "the TLS handshake failed (%s)", tacit_probe_error(out->probe));
    return true;
}

bool attack_link_greet(struct attack_link *link, const struct attack_hello *hello)
{
    uint8_t memory[HELLO_BYTES];
    const struct attack_identity *who = hello->who;
    uint32_t expiry_s = hello->session_expiry_s;
    const uint8_t expiry[] = { PROPERTY_EXPIRY, (uint8_t)(expiry_s >> 24),
                               (uint8_t)(expiry_s >> 16), (uint8_t)(expiry_s >> 8),
                               (uint8_t)expiry_s };
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));
    bool keeps = expiry_s > 0 || hello->resumes_session;
    struct mqtt_connect connect = {
        .version = link->version,
        /* Before MQTT 5 one flag says both: begin anew, and forget at the end. */
        .clean_start = link->version == MQTT_VERSION_5 ? !hello->resumes_session : !keeps,
        .keep_alive_s = KEEP_ALIVE_S,
        .client_id = span_of(link->client_id),
        .properties = { expiry, link->version == MQTT_VERSION_5 && keeps ? sizeof(expiry) : 0 },
    };
    if (hello->user_name != NULL) {
        connect.has_user_name = connect.has_password = true;
        connect.user_name = span_of(hello->user_name);
        connect.password = span_of(hello->password);
    } else if (who != NULL && who->user_name != NULL) {
        connect.has_user_name = true;
        connect.user_name = span_of(who->user_name);
        connect.has_password = who->has_password;
        connect.password =
            (struct mqtt_span){ (const uint8_t *)who->password.text, who->password.len };
    }
    mqtt_connect_encode(&w, &connect);
    struct mqtt_span packet = mqtt_writer_written(&w);
    bool is_sent = packet.len > 0 && attack_link_send(link, packet.data, packet.len);
    wipe_bytes(memory, sizeof(memory));
    return is_sent;
}

static bool take_connack(struct attack_link *link, const struct mqtt_frame *frame)
{
    struct mqtt_connack connack;

    if (mqtt_connack_decode(link->version, frame->body, &connack) != MQTT_OK) {
        link->is_over = true;
        return say(link, "its CONNACK cannot be read");
    }
    link->was_answered = true;
    link->reason = connack.reason;
    link->session_present = connack.session_present;
    (void)say(link, "CONNACK 0x%02x%s%s", connack.reason,
              link->version == MQTT_VERSION_5 ? ", " : "",
              link->version == MQTT_VERSION_5 ? mqtt_reason_text(connack.reason) : "");
    return connack.reason == 0;
}

bool attack_link_welcome(struct attack_link *link, uint32_t timeout_ms)
{
    struct mqtt_frame frame;

    link->reason = FIRST_FAILURE;
    return attack_link_await(link, MQTT_CONNACK, timeout_ms, &frame) && take_connack(link, &frame);
}

bool attack_link_join(struct attack_link *out, const struct attack_env *env,
                      const struct attack_hello *hello)
{
    return attack_link_dial(out, env, hello) && attack_link_greet(out, hello)
           && attack_link_welcome(out, ATTACK_ANSWER_MS);
}

void attack_link_close(struct attack_link *link)
{
    tacit_probe_close(link->probe);
    free(link->memory);
    link->probe = NULL;
    link->memory = NULL;
    link->is_over = true;
}

bool attack_link_send(struct attack_link *link, const void *bytes, size_t len)
{
    if (link->probe == NULL || link->is_over)
        return false;
    int64_t sent = tacit_probe_send(link->probe, bytes, len, ATTACK_ANSWER_MS);
    if (sent == (int64_t)len)
        return true;
    if (sent >= 0)
        return say(link, "it did not read for 5 s");
    link->is_over = true;
    return say(link, "%s", tacit_probe_error(link->probe));
}

static void acknowledge(struct attack_link *link, enum mqtt_packet_type type, uint16_t packet_id,
                        uint8_t reason)
{
    uint8_t memory[ACK_BYTES];
    const struct mqtt_ack ack = { .packet_id = packet_id, .reason = reason };
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    mqtt_ack_encode(&w, link->version, type, &ack);
    struct mqtt_span packet = mqtt_writer_written(&w);
    /* That it could not be sent shows with the next packet. */
    (void)!attack_link_send(link, packet.data, packet.len);
}

static void take_publish(struct attack_link *link, const struct mqtt_frame *frame)
{
    struct mqtt_publish publish;

    if (mqtt_publish_decode(link->version, frame->flags, frame->body, &publish) != MQTT_OK)
        return;
    (void)snprintf(link->topic, sizeof(link->topic), "%.*s",
                   (int)(publish.topic.len < 256 ? publish.topic.len : 256),
                   publish.topic.len > 0 ? (const char *)publish.topic.data : "");
    link->payload_bytes += publish.payload.len;
    if (publish.qos == MQTT_QOS_1)
        acknowledge(link, MQTT_PUBACK, publish.packet_id, 0);
    else if (publish.qos == MQTT_QOS_2)
        acknowledge(link, MQTT_PUBREC, publish.packet_id, 0);
}

/* What a client that lives does by itself. A PUBREL for a packet that it does not know is how some
 * brokers ask whether it does. */
static void answer(struct attack_link *link, const struct mqtt_frame *frame)
{
    struct mqtt_ack ack;
    struct mqtt_disconnect disconnect;
    uint8_t unknown = link->version == MQTT_VERSION_5 ? REASON_NO_MATCH : 0;

    if (frame->type == MQTT_PUBLISH)
        take_publish(link, frame);
    else if (frame->type == MQTT_PUBREL
             && mqtt_ack_decode(link->version, MQTT_PUBREL, frame->body, &ack) == MQTT_OK)
        acknowledge(link, MQTT_PUBCOMP, ack.packet_id, unknown);
    else if (frame->type == MQTT_DISCONNECT
             && mqtt_disconnect_decode(link->version, true, frame->body, &disconnect) == MQTT_OK) {
        link->reason = disconnect.reason;
        link->is_over = true;
        (void)say(link, "DISCONNECT 0x%02x, %s", disconnect.reason,
                  mqtt_reason_text(disconnect.reason));
    }
}

static bool receive(struct attack_link *link, uint64_t end_ms)
{
    uint64_t now_ms = tacit_posix_now_ms();
    uint32_t left_ms = end_ms > now_ms ? (uint32_t)(end_ms - now_ms) : 0;
    int64_t got = tacit_probe_receive(link->probe, link->memory + link->len,
                                      ATTACK_PACKET_BYTES - link->len, left_ms);

    if (got > 0) {
        link->len += (size_t)got;
        return true;
    }
    if (got == 0)
        return say(link, "it said nothing more");
    link->is_over = true;
    return say(link, "%s", tacit_probe_error(link->probe));
}

bool attack_link_take(struct attack_link *link, uint32_t timeout_ms, struct mqtt_frame *out)
{
    uint64_t end_ms = tacit_posix_now_ms() + timeout_ms;

    if (link->probe == NULL || link->is_over)
        return false;
    memmove(link->memory, link->memory + link->taken, link->len - link->taken);
    link->len -= link->taken;
    link->taken = 0;
    for (;;) {
        const struct mqtt_span bytes = { link->memory, link->len };
        enum mqtt_status status = mqtt_frame_decode(bytes, ATTACK_PACKET_BYTES, out);
        if (status == MQTT_OK) {
            link->taken = out->len;
            answer(link, out);
            return true;
        }
        if (status != MQTT_PENDING) {
            link->is_over = true;
            return say(link, "what it sent is no MQTT");
        }
        if (!receive(link, end_ms))
            return false;
    }
}

bool attack_link_await(struct attack_link *link, enum mqtt_packet_type type, uint32_t timeout_ms,
                       struct mqtt_frame *out)
{
    uint64_t end_ms = tacit_posix_now_ms() + timeout_ms;
    uint64_t now_ms = end_ms - timeout_ms;

    for (; now_ms < end_ms; now_ms = tacit_posix_now_ms()) {
        if (!attack_link_take(link, (uint32_t)(end_ms - now_ms), out))
            return false;
        if (out->type == type)
            return true;
    }
    return say(link, "no %s came", mqtt_packet_type_name(type));
}

bool attack_link_idle(struct attack_link *link, uint32_t ms)
{
    struct mqtt_frame frame;

    (void)!attack_link_await(link, MQTT_RESERVED, ms, &frame);
    return !link->is_over;
}
