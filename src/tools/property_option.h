/* SPDX-License-Identifier: Apache-2.0 */
/* -D COMMAND NAME VALUE [VALUE2]: MQTT 5 properties from the command line, named as
 * mosquitto names them. */
#pragma once

#include <tacit/client.h>

#include "base/attrs.h"

#define PROPERTY_PAIRS_MAX 32

struct property_pairs {
    struct tacit_pair pair[PROPERTY_PAIRS_MAX];
    unsigned count;
};

/* What may be said about a message: of publish, and of will. */
struct property_message {
    bool payload_is_utf8;
    bool has_expiry;
    uint32_t expiry_s;
    const char *content_type;
    const char *response_topic;
    const char *correlation;
    struct property_pairs pairs;
};

struct property_options {
    struct property_message publish;
    struct property_message will;
    uint32_t will_delay_s;
    struct property_pairs connect_pairs;
    bool request_response;
    bool has_session_expiry;
    uint32_t session_expiry_s;
    struct property_pairs subscribe_pairs;
    uint32_t subscription_identifier;
};

/* Reads COMMAND NAME VALUE... at argv[0..argc). Returns how many arguments it took, or
 * 0 with *out_error naming the culprit (borrowed). Strings are borrowed. */
MQTT_NODISCARD int property_option_parse(struct property_options *options, int argc, char **argv,
                                         const char **out_error);

/* Puts them on a message. */
void property_option_apply(const struct property_message *properties,
                           struct tacit_message *message);
