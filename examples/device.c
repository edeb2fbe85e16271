/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_MS 2000u

struct words {
    const char *host;
    const char *port;
    const char *ca;
    const char *certificate;
    const char *key;
    const char *name;
    const char *keep_alive_s;
    const char *retry_ms;
    const char *timeout_ms;
};

static const char **place_of(struct words *words, const char *option)
{
    struct {
        const char *option;
        const char **place;
    } table[] = {
        { "--host", &words->host },
        { "--port", &words->port },
        { "--ca", &words->ca },
        { "--certificate", &words->certificate },
        { "--key", &words->key },
        { "--name", &words->name },
        { "--keep-alive", &words->keep_alive_s },
        { "--retry-ms", &words->retry_ms },
        { "--timeout-ms", &words->timeout_ms },
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].option, option) == 0)
            return table[i].place;
    return NULL;
}

/* The words behind the options, or NULL if an option is not known or missing. */
static char **read_words(struct words *words, char **arguments)
{
    char **at = arguments + 1;
    for (; *at != NULL && strncmp(*at, "--", 2) == 0; at += 2) {
        const char **place = place_of(words, *at);
        if (place == NULL || at[1] == NULL)
            return NULL;
        *place = at[1];
    }
    bool all =
        words->host && words->port && words->ca && words->certificate && words->key && words->name;
    return all ? at : NULL;
}

static uint32_t number_or(const char *word, uint32_t otherwise)
{
    return word != NULL ? (uint32_t)strtoul(word, NULL, 10) : otherwise;
}

/* Rest of the configuration: zero is a sensible value for what is not named. */
static void configure(struct device *device, const struct words *words)
{
    device->config = (struct tacit_config){
        .host = { words->host, strlen(words->host) },
        .port = (uint16_t)strtoul(words->port, NULL, 10),
        .client_id = { words->name, strlen(words->name) },
        .keep_alive_s = (uint16_t)number_or(words->keep_alive_s, 30),
        .redirects = 3,           /* a server that moves may say where to */
        .session_expiry_s = 3600, /* what waits for us survives an hour of absence */
        .limits = { .receive_bytes = 512,
                    .send_bytes = 512,
                    .queue_bytes = 4096,
                    .inbound_messages = 4,
                    .subscriptions = 4,
                    .aliases_out = 4,
                    .alias_topic_bytes = DEVICE_TOPIC_SIZE },
        .retry = { .minimum_ms = 500,
                   .maximum_ms = number_or(words->retry_ms, 60000),
                   .timeout_ms = number_or(words->timeout_ms, 10000) },
        .transport = tacit_posix_transport(device->posix),
        .random = tacit_posix_random,
    };
}

bool device_read(struct device *device, char **arguments, const char *more)
{
    struct words words = { .host = NULL };
    char error[200];
    char **rest = read_words(&words, arguments);
    if (rest == NULL) {
        (void)fprintf(stderr,
                      "usage: %s --host HOST --port PORT --ca FILE --certificate FILE --key FILE "
                      "--name NAME\n"
                      "       [--keep-alive S] [--retry-ms MOST] [--timeout-ms MS] %s\n",
                      arguments[0], more);
        return false;
    }
    const struct tacit_tls_options options = { .ca_file = words.ca,
                                               .certificate_file = words.certificate,
                                               .key_file = words.key,
                                               .require_tls_1_3 = true };
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    *device = (struct device){ .name = words.name, .rest = rest };
    device->tls = tacit_tls_new(&options, error, sizeof(error));
    if (device->tls == NULL) {
        (void)fprintf(stderr, "%s: %s\n", words.name, error);
        return false;
    }
    device->posix = tacit_posix_tls_new(device->tls);
    configure(device, &words);
    return device->posix != NULL;
}

bool device_start(struct device *device)
{
    device->client = tacit_init(device->arena, sizeof(device->arena), &device->config);
    if (device->client == NULL)
        return false;
    tacit_start(device->client);
    return true;
}

static void tell_down(const struct device *device, const struct tacit_event *event)
{
    const char *detail = tacit_posix_error(device->posix);
    (void)fprintf(stderr, "%s: not connected: %s%s%s\n", device->name,
                  tacit_status_text(event->status), detail[0] != '\0' ? ": " : "", detail);
}

void device_next(struct device *device, int descriptor, uint32_t most_ms, struct tacit_event *event)
{
    uint32_t sleep_ms = tacit_poll(device->client, tacit_posix_now_ms(), event);
    if (event->type == TACIT_EVENT_NONE) {
        tacit_posix_wait(device->posix, descriptor, sleep_ms < most_ms ? sleep_ms : most_ms);
        (void)tacit_poll(device->client, tacit_posix_now_ms(), event);
    }
    if (event->type == TACIT_EVENT_DOWN && event->status != TACIT_STOPPED)
        tell_down(device, event);
}

void device_end(struct device *device)
{
    struct tacit_event event = { .type = TACIT_EVENT_NONE };
    uint64_t end_ms = tacit_posix_now_ms() + STOP_MS;
    tacit_stop(device->client, false);
    while (event.type != TACIT_EVENT_DOWN && tacit_posix_now_ms() < end_ms)
        device_next(device, -1, 100, &event);
    tacit_posix_free(device->posix);
    tacit_tls_free(device->tls);
}

struct tacit_bytes device_topic(const struct device *device, char out[DEVICE_TOPIC_SIZE],
                                const char *rest)
{
    int len = snprintf(out, DEVICE_TOPIC_SIZE, "devices/%s/%s", device->name, rest);
    return (struct tacit_bytes){ out, len < DEVICE_TOPIC_SIZE ? (size_t)len : 0 };
}
