/* SPDX-License-Identifier: Apache-2.0 */
/* bench-registry FOLDER COUNT: so many devices in a new registry in FOLDER, then a view of it as
 * tacitd makes it for its shards. Prints three numbers: milliseconds to make the view, bytes of the
 * heap per device, and nanoseconds per look-up of a name, in random order. */
#include "pki/registry_sql.h"
#include "pki/registry_view.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_UPS 2000000u

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static struct registry_entry device(unsigned number)
{
    struct registry_entry entry = { .kind = IDENTITY_DEVICE, .status = REGISTRY_ACTIVE };

    (void)snprintf(entry.name, sizeof(entry.name), "device-%07u", number);
    (void)snprintf(entry.role, sizeof(entry.role), "device");
    (void)snprintf(entry.protection, sizeof(entry.protection), "plain");
    (void)snprintf(entry.algorithm, sizeof(entry.algorithm), "EC P-256");
    (void)snprintf(entry.certificate.serial, sizeof(entry.certificate.serial), "%08x", number + 1);
    memcpy(entry.key_sha256, &number, sizeof(number));
    memcpy(entry.certificate.fingerprint, &number, sizeof(number));
    entry.certificate.not_after_s = 4000000000;
    return entry;
}

static int fill(struct registry *registry, unsigned count, struct pki_fault *fault)
{
    int error = registry_begin(registry, fault);

    if (error < 0)
        return error;
    for (unsigned i = 0; i < count && error == 0; i++) {
        struct registry_entry entry = device(i);
        error = registry_add(registry, &entry, fault);
    }
    return registry_end(registry, error, fault);
}

static double look_up(const struct registry_view *view, unsigned count)
{
    uint32_t random = 1;
    size_t found = 0;
    double began = now_ns();

    for (unsigned i = 0; i < LOOK_UPS; i++) {
        char name[16] = "device-0000000";
        random = random * 1664525u + 1013904223u;
        unsigned number = (unsigned)(((uint64_t)random * count) >> 32);
        for (unsigned digit = 13; digit > 6; digit--, number /= 10)
            name[digit] = (char)('0' + number % 10);
        found += registry_view_find(view, (struct mqtt_span){ (uint8_t *)name, 14 }) != NULL;
    }
    return found == LOOK_UPS ? (now_ns() - began) / LOOK_UPS : -1;
}

int main(int argc, char **argv)
{
    char path[4096];
    struct registry *registry = NULL;
    struct registry_view *view;
    struct pki_fault fault = { "" };

    if (argc != 3)
        return 2;
    unsigned count = (unsigned)strtoul(argv[2], NULL, 10);
    (void)snprintf(path, sizeof(path), "%s/registry.db", argv[1]);
    int error = registry_open(path, &registry, &fault);
    if (error == 0)
        error = fill(registry, count, &fault);
    size_t before = heap_bytes();
    double began = now_ns();
    if (error == 0)
        error = registry_view_new(registry, &view, &fault);
    if (error < 0) {
        (void)fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    printf("%.1f %.1f ", (now_ns() - began) / 1e6, (double)(heap_bytes() - before) / count);
    printf("%.1f\n", look_up(view, count));
    registry_view_unref(view);
    registry_close(registry);
    return 0;
}
