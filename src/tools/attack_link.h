/* SPDX-License-Identifier: Apache-2.0 */
/* One MQTT connection of a check: blocking, with a deadline for everything, and bounded whatever
 * the broker sends. It answers what a living client answers (acknowledgements), and nothing else.
 *
 * Owner: one thread. `said` is always a clause about what happened last, for the evidence. */
#pragma once

#include "codec/frame.h"
#include "tools/attack_env.h"

#define ATTACK_ANSWER_MS    5000u           /* in which a broker answers, unless said otherwise */
#define ATTACK_PACKET_BYTES (1024u * 1024u) /* a larger one is no answer */

/* How to come. All zero: with the broker's own transport, without credentials. */
struct attack_hello {
    const struct attack_identity *who; /* NULL: nobody */
    const char *suffix;                /* of the client id; NULL: exactly the identity's own */
    const char *client_id;             /* instead of all that */
    const char *user_name;             /* instead of the identity's, with this password */
    const char *password;
    const char *source;                /* own address; NULL: any */
    const struct tacit_probe *earlier; /* its TLS session is offered again */
    uint32_t session_expiry_s;         /* of MQTT 5; more than 0 keeps the session before it */
    uint32_t receive_buffer_bytes;     /* of the kernel; 0: as usual */
    uint16_t plain_port;               /* 0: not; else there, without TLS */
    bool resumes_session;              /* clean start is not asked for */
};

struct attack_link {
    const struct attack_env *env;
    struct tacit_probe *probe; /* NULL: closed */
    enum mqtt_version version;
    uint8_t *memory; /* ATTACK_PACKET_BYTES: what came, from malloc */
    size_t len;
    size_t taken; /* of it, the packet that was handed out last */
    uint16_t packet_id;
    uint8_t reason; /* of the last CONNACK, SUBACK, PUBACK or DISCONNECT */
    bool session_present;
    bool was_answered;      /* a CONNACK came, whatever it said */
    bool is_over;           /* the broker closed, or broke the protocol */
    uint64_t payload_bytes; /* of all PUBLISH that came */
    char client_id[ATTACK_CLIENT_ID_SIZE + 32];
    char topic[ATTACK_TOPIC_SIZE]; /* of the last PUBLISH */
    char said[160];
};

/* TCP and TLS. False: refused, and `said` how; it can be closed then, too. */
MQTT_NODISCARD bool attack_link_dial(struct attack_link *out, const struct attack_env *env,
                                     const struct attack_hello *hello);

/* CONNECT, and CONNACK. False: not let in. */
MQTT_NODISCARD bool attack_link_greet(struct attack_link *link, const struct attack_hello *hello);
MQTT_NODISCARD bool attack_link_welcome(struct attack_link *link, uint32_t timeout_ms);

/* All of these. */
MQTT_NODISCARD bool attack_link_join(struct attack_link *out, const struct attack_env *env,
                                     const struct attack_hello *hello);

void attack_link_close(struct attack_link *link);

/* Sends bytes as they are. False: not all were taken in ATTACK_ANSWER_MS. */
MQTT_NODISCARD bool attack_link_send(struct attack_link *link, const void *bytes, size_t len);

/* The next packet, valid until the next call. False: none in time, or it is_over. */
MQTT_NODISCARD bool attack_link_take(struct attack_link *link, uint32_t timeout_ms,
                                     struct mqtt_frame *out);

/* The next packet of this type, others being dropped. */
MQTT_NODISCARD bool attack_link_await(struct attack_link *link, enum mqtt_packet_type type,
                                      uint32_t timeout_ms, struct mqtt_frame *out);

/* Answers what comes for so long, and drops it. False: it is_over. */
MQTT_NODISCARD bool attack_link_idle(struct attack_link *link, uint32_t ms);

/* Asks, and waits for the answer. False: refused, or no answer. */
MQTT_NODISCARD bool attack_link_ping(struct attack_link *link, uint32_t timeout_ms);
MQTT_NODISCARD bool attack_link_subscribe(struct attack_link *link, const char *filter,
                                          enum mqtt_qos qos);

/* True: SUBSCRIBE is answered, whatever the answer is. *out_is_heard: a PINGREQ behind it is, so that
 * one who gets nothing else is held, and not only slow. */
MQTT_NODISCARD bool attack_link_is_served(struct attack_link *link, const char *filter,
                                          bool *out_is_heard);

struct attack_message {
    const char *topic;
    const void *payload;
    size_t len;
    enum mqtt_qos qos; /* 0 or 1 */
    bool retain;
};

/* With QoS 1 true only after PUBACK, which before MQTT 5 does not say whether it was allowed. */
MQTT_NODISCARD bool attack_link_publish(struct attack_link *link,
                                        const struct attack_message *message);

/* Waits for a PUBLISH whose payload is this text; others are counted and dropped. NULL: any. */
MQTT_NODISCARD bool attack_link_hears(struct attack_link *link, const char *payload,
                                      uint32_t timeout_ms);
