/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver of firmware: an image of any size through a buffer of 512 bytes, continued after any
 * interruption, believed only when its SHA-256 is the announced one. MQTT 5.
 *
 *   ota ... FOLDER
 *
 * 1. devices/NAME/firmware, retained, announces "SIZE SHA256" (hexadecimal).
 * 2. The device asks on devices/NAME/firmware/want for "SHA256 OFFSET": OFFSET is the length of
 *    FOLDER/SHA256.part, so what it has is not sent again.
 * 3. The answer on devices/NAME/firmware/bytes is the image from there on, all of it or a part; its
 *    correlation data is the OFFSET. It arrives in pieces. What follows is asked for.
 * 4. When all is there and right it becomes FOLDER/firmware.bin, and devices/NAME/state says
 *    "installed SHA256"; when it is wrong it is thrown away and asked for again.
 *
 * Who may announce is the server's policy; a product has its images signed besides. */
#include "device.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEX_BYTES   64
#define MOST_BYTES  (64u * 1024u * 1024u)
#define PATH_SIZE   512
#define MOST_PACKET (4u * 1024u * 1024u)

struct ota {
    struct device device;
    char announced[DEVICE_TOPIC_SIZE];
    char want[DEVICE_TOPIC_SIZE];
    char bytes[DEVICE_TOPIC_SIZE];
    char state[DEVICE_TOPIC_SIZE];
    char sha256[HEX_BYTES + 1]; /* "" before there is an announcement */
    char part[PATH_SIZE];
    unsigned long size;
    unsigned long have;
    unsigned long asked; /* the last offset asked for */
    FILE *file;
    bool asks;      /* a request is to be queued */
    bool installed; /* and to be told */
    bool told;
};

static bool is_topic(struct tacit_bytes topic, const char *expected)
{
    return topic.len == strlen(expected) && memcmp(topic.data, expected, topic.len) == 0;
}

/* A short message as a string; "" if it is not short. */
static void text_of(struct tacit_bytes bytes, char *out, size_t size)
{
    size_t len = bytes.len < size ? bytes.len : 0;
    if (len > 0)
        memcpy(out, bytes.data, len);
    out[len] = '\0';
}

/* Opens what there is of the image already. */
static bool open_part(struct ota *ota)
{
    if (ota->file != NULL)
        (void)fclose(ota->file);
    (void)snprintf(ota->part, sizeof(ota->part), "%s/%s.part", ota->device.rest[0], ota->sha256);
    ota->file = fopen(ota->part, "ab+");
    if (ota->file == NULL || fseek(ota->file, 0, SEEK_END) != 0)
        return false;
    long have = ftell(ota->file);
    ota->have = have > 0 ? (unsigned long)have : 0;
    return true;
}

static void on_announcement(struct ota *ota, struct tacit_bytes payload)
{
    char text[HEX_BYTES + 24];
    char *end = text;
    text_of(payload, text, sizeof(text));
    unsigned long size = strtoul(text, &end, 10);
    if (size == 0 || size > MOST_BYTES || *end != ' ' || strlen(end + 1) != HEX_BYTES
        || strspn(end + 1, "0123456789abcdef") != HEX_BYTES)
        return;
    /* Told twice, as when it was retained: what was asked for is on its way. */
    if (ota->file != NULL && strcmp(ota->sha256, end + 1) == 0)
        return;
    ota->size = size;
    (void)snprintf(ota->sha256, sizeof(ota->sha256), "%s", end + 1);
    ota->installed = false;
    ota->told = false;
    ota->asks = open_part(ota);
    (void)printf("announced %lu bytes, %lu are here\n", size, ota->have);
}

/* One piece: the bytes that we do not have yet. A gap cannot be filled and is asked for again. */
static void on_piece(struct ota *ota, const struct tacit_event *event)
{
    char offset[24];
    const struct tacit_bytes piece = event->message.payload;
    text_of(event->message.correlation, offset, sizeof(offset));
    unsigned long begin = strtoul(offset, NULL, 10) + event->offset;
    bool is_last = event->offset + piece.len == event->total;
    if (ota->file == NULL || ota->installed)
        return;
    if (begin <= ota->have && begin + piece.len > ota->have) {
        const char *fresh = (const char *)piece.data + (ota->have - begin);
        ota->have += fwrite(fresh, 1, begin + piece.len - ota->have, ota->file);
    }
    if (is_last && fflush(ota->file) == 0 && fsync(fileno(ota->file)) == 0)
        (void)printf("%lu of %lu bytes\n", ota->have, ota->size);
    ota->asks |= is_last && ota->have < ota->size && ota->have > ota->asked;
}

static void digest_of(FILE *file, char out[HEX_BYTES + 1])
{
    unsigned char bytes[4096];
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t got;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    out[0] = '\0';
    bool well = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1
                && fseek(file, 0, SEEK_SET) == 0;
    while (well && (got = fread(bytes, 1, sizeof(bytes), file)) > 0)
        well = EVP_DigestUpdate(context, bytes, got) == 1;
    if (well && EVP_DigestFinal_ex(context, digest, NULL) == 1)
        for (unsigned i = 0; i < HEX_BYTES / 2; i++)
            (void)snprintf(out + (size_t)2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(context);
}

static void install(struct ota *ota)
{
    char found[HEX_BYTES + 1];
    char path[PATH_SIZE];
    digest_of(ota->file, found);
    (void)fclose(ota->file);
    ota->file = NULL;
    if (strcmp(found, ota->sha256) != 0) {
        (void)printf("wrong SHA-256, again from the start\n");
        (void)remove(ota->part);
        ota->asks = open_part(ota);
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/firmware.bin", ota->device.rest[0]);
    ota->installed = rename(ota->part, path) == 0;
}

static void tell(struct ota *ota)
{
    char text[HEX_BYTES + 24];
    int len = snprintf(text, sizeof(text), "installed %s", ota->sha256);
    struct tacit_message message = { .topic = device_topic(&ota->device, ota->state, "state"),
                                     .payload = { text, (size_t)len },
                                     .qos = 1 };
    ota->told = tacit_publish(ota->device.client, &message, NULL) == TACIT_OK;
}

static void ask(struct ota *ota)
{
    char text[HEX_BYTES + 24];
    int len = snprintf(text, sizeof(text), "%s %lu", ota->sha256, ota->have);
    struct tacit_message message = {
        .topic = device_topic(&ota->device, ota->want, "firmware/want"),
        .payload = { text, (size_t)len },
        .qos = 1,
        .response_topic = { ota->bytes, strlen(ota->bytes) },
        .correlation = { text + HEX_BYTES + 1, (size_t)len - HEX_BYTES - 1 },
    };
    if (tacit_publish(ota->device.client, &message, NULL) == TACIT_OK)
        ota->asks = false;
    ota->asked = ota->have;
}

static void take(struct ota *ota, const struct tacit_event *event)
{
    if (event->type == TACIT_EVENT_SUBSCRIBED && event->reason >= 0x80)
        (void)fprintf(stderr, "refused: %s\n", tacit_reason_text(event->reason));
    /* A server that has forgotten us has forgotten the answer as well. */
    if (event->type == TACIT_EVENT_UP && !event->session_present)
        ota->asks = ota->file != NULL && !ota->installed;
    if (event->type != TACIT_EVENT_MESSAGE)
        return;
    if (is_topic(event->message.topic, ota->bytes))
        on_piece(ota, event);
    else if (event->offset == 0 && event->message.payload.len == event->total)
        on_announcement(ota, event->message.payload);
}

static void work(struct ota *ota)
{
    if (ota->file != NULL && ota->have >= ota->size)
        install(ota);
    if (ota->asks)
        ask(ota);
    if (ota->installed && !ota->told)
        tell(ota);
}

int main(int count, char **arguments)
{
    static struct ota ota;
    (void)count;
    if (!device_read(&ota.device, arguments, "FOLDER") || ota.device.rest[0] == NULL)
        return 2;
    const struct tacit_subscription announced = {
        .filter = device_topic(&ota.device, ota.announced, "firmware"), .qos = 1
    };
    const struct tacit_subscription bytes = {
        .filter = device_topic(&ota.device, ota.bytes, "firmware/bytes"), .qos = 1
    };
    ota.device.config.limits.maximum_packet_bytes = MOST_PACKET;
    if (!device_start(&ota.device) || tacit_subscribe(ota.device.client, &bytes) != TACIT_OK
        || tacit_subscribe(ota.device.client, &announced) != TACIT_OK)
        return 2;
    while (!ota.told || !tacit_is_idle(ota.device.client)) {
        struct tacit_event event;
        device_next(&ota.device, -1, ota.asks || ota.installed ? 10 : 60000, &event);
        take(&ota, &event);
        work(&ota);
    }
    (void)printf("installed %s\n", ota.sha256);
    device_end(&ota.device);
    return 0;
}
