/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/probe.h"

#include "codec/connect.h"
#include "codec/disconnect.h"
#include "codec/frame.h"
#include "codec/publish.h"
#include "codec/reader.h"
#include "codec/subscribe.h"
#include "codec/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void probe_init(struct probe *probe)
{
    memset(probe, 0, sizeof(*probe));
    probe->fd = -1;
}

bool probe_begin(struct probe *probe, const struct broker *broker, const struct model *model)
{
    const struct mqtt_connect connect = { .version = MQTT_VERSION_5,
                                          .clean_start = true,
                                          .client_id = span_of("probe") };
    const struct mqtt_subscription all = { .filter = span_of("r/+"), .qos = MQTT_QOS_0 };
    uint8_t packets[256];
    struct mqtt_writer w = mqtt_writer_over(packets, sizeof(packets));

    probe_init(probe);
    probe->fd = broker_connect(broker);
    if (probe->fd < 0)
        return false;
    probe->since = model->tick;
    mqtt_connect_encode(&w, &connect);
    mqtt_subscribe_encode(&w, MQTT_VERSION_5, 1, (struct mqtt_span){ NULL, 0 }, &all, 1);
    mqtt_ping_encode(&w, MQTT_PINGREQ);
    struct mqtt_span all_of_it = mqtt_writer_written(&w);
    if (w.status != MQTT_OK)
        abort(); /* an encoder that refuses what this test writes */
    if (send(probe->fd, all_of_it.data, all_of_it.len, MSG_NOSIGNAL) != (ssize_t)all_of_it.len)
        probe_end(probe);
    return true;
}

void probe_end(struct probe *probe)
{
    if (probe->fd >= 0)
        close(probe->fd);
    probe->fd = -1;
}

static void take(struct probe *probe, const struct mqtt_frame *frame)
{
    struct mqtt_publish publish;

    if (mqtt_publish_decode(MQTT_VERSION_5, frame->flags, frame->body, &publish) != MQTT_OK
        || !publish.retain || publish.topic.len != 3)
        return;
    struct mqtt_reader r = mqtt_reader_over(publish.payload);
    unsigned which = publish.topic.data[2] - (unsigned)'0';
    if (which < 3)
        probe->found[which] = mqtt_read_u32(&r);
}

/* True: the answer to the last question is there. */
static bool handle_all(struct probe *probe)
{
    struct mqtt_frame frame;
    size_t at = 0;
    bool is_over = false;

    while (!is_over
           && mqtt_frame_decode((struct mqtt_span){ probe->in + at, probe->len - at },
                                sizeof(probe->in), &frame)
                  == MQTT_OK) {
        at += frame.len;
        if (frame.type == MQTT_PUBLISH)
            take(probe, &frame);
        is_over = frame.type == MQTT_PINGRESP;
    }
    probe->len -= at;
    memmove(probe->in, probe->in + at, probe->len);
    return is_over;
}

bool probe_read(struct probe *probe, struct model *model)
{
    while (probe->fd >= 0) {
        ssize_t got = recv(probe->fd, probe->in + probe->len, sizeof(probe->in) - probe->len, 0);
        if (got < 0 && errno == EAGAIN)
            return false;
        probe->len += got > 0 ? (size_t)got : 0;
        bool is_over = handle_all(probe);
        for (unsigned i = 0; is_over && i < 3; i++)
            model_retained(model, i, probe->found[i], probe->since);
        if (is_over || got <= 0)
            probe_end(probe);
    }
    return true;
}
