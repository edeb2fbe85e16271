/* SPDX-License-Identifier: Apache-2.0 */
/* bench-blocked FOLDER COUNT: so many blocked keys in a new registry in FOLDER and as many RSA
 * moduli in a list beside it, then a set of them as tacitd makes it. Prints how long the import
 * and the set took, bytes of the heap per entry, and nanoseconds per look-up. */
#include "pki/blocked_keys.h"
#include "pki/blocked_set.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_UPS 1000000

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static uint64_t mix(uint64_t i)
{
    i = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return i ^ i >> 29;
}

static void write_list(const char *path, unsigned count)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        exit(1);
    for (unsigned i = 0; i < count; i++) {
        unsigned long long a = mix(i);
        fprintf(file, "%016llx%016llx%016llx%016llx\n%016llx0000\n", a, a, a, a, a);
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    char path[4096];
    char list[4096];
    struct registry *registry;
    struct blocked_import counts;
    struct blocked_set *set;
    struct pki_fault fault = { "" };
    size_t hits = 0;

    if (argc != 3)
        return 2;
    unsigned count = (unsigned)strtoul(argv[2], NULL, 10);
    snprintf(path, sizeof(path), "%s/registry.db", argv[1]);
    snprintf(list, sizeof(list), "%s/bench", argv[1]);
    write_list(list, count);
    double began = now_ms();
    if (registry_open(path, &registry, &fault) != 0
        || blocked_keys_import(registry, list, NULL, &counts, &fault) != 0) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    printf("import_ms %.0f\n", now_ms() - began);

    size_t before = heap_bytes();
    began = now_ms();
    if (blocked_set_new(registry, NULL, &set, &fault) != 0)
        return 1;
    printf("load_ms %.0f\n", now_ms() - began);
    printf("entries %zu\nbytes_per_entry %.1f\n", blocked_set_count(set),
           (double)(heap_bytes() - before) / (double)blocked_set_count(set));

    began = now_ms();
    for (unsigned i = 0; i < LOOK_UPS; i++) {
        uint8_t key[32] = { 0 };
        uint64_t random = mix(i * UINT64_C(7919));
        for (unsigned b = 0; b < 8; b++)
            key[b] = (uint8_t)(random >> (56 - 8 * b));
        hits += blocked_set_find(set, key) + (size_t)blocked_set_find_modulus(set, key);
    }
    printf("look_up_ns %.0f (%zu found)\n", (now_ms() - began) * 1e6 / (2.0 * LOOK_UPS), hits);
    blocked_set_unref(set);
    registry_close(registry);
    return 0;
}
