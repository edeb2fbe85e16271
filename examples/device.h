/* SPDX-License-Identifier: Apache-2.0 */
/* What the examples for POSIX systems share: an identity from files, one client over mutual TLS, and
 * the loop. Everything a firmware would do otherwise is in device.c; what the examples are about is
 * in theirs. One thread. */
#pragma once

#include <tacit/client.h>
#include <tacit/posix.h>

#define DEVICE_TOPIC_SIZE 128

struct device {
    const char *name; /* the common name of its certificate */
    char **rest;      /* words behind the options, ended by NULL */
    struct tacit_tls *tls;
    struct tacit_posix *posix;
    struct tacit_client *client;
    struct tacit_config config; /* may be changed between device_read and device_start */
    uint64_t arena[2048];       /* 16 KiB: of it, config.limits take what they say */
};

/* Reads --host --port --ca --certificate --key --name, and if they are there --keep-alive (seconds),
 * --retry-ms (the longest delay) and --timeout-ms, and loads the files. False, with the reason on
 * standard error, if that cannot work. `more` is what the usage says behind the options. */
bool device_read(struct device *device, char **arguments, const char *more);

/* Makes the client of device->config and lets it connect. False: the limits exceed the arena. */
bool device_start(struct device *device);

/* The next event; sleeps until there is one, `descriptor` (-1: none) can be read, or `most_ms` have
 * passed: then it is TACIT_EVENT_NONE. Says on standard error why a connection failed. */
void device_next(struct device *device, int descriptor, uint32_t most_ms,
                 struct tacit_event *event);

/* Stops in good order, at most 2 s, and releases everything. */
void device_end(struct device *device);

/* "devices/NAME/rest", as the built-in roles of tacitd want it. */
struct tacit_bytes device_topic(const struct device *device, char out[DEVICE_TOPIC_SIZE],
                                const char *rest);
