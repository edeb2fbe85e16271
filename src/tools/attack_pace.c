/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_pace.h"

#include <tacit/posix.h>

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

struct attack_pace {
    _Atomic uint64_t next_us;
    uint64_t interval_us;
};

struct attack_pace *attack_pace_new(uint32_t per_s)
{
    void *memory = mmap(NULL, sizeof(struct attack_pace), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct attack_pace *pace = memory;

    if (memory == MAP_FAILED)
        return NULL;
    pace->interval_us = 1000000 / per_s;
    return pace;
}

void attack_pace_free(struct attack_pace *pace)
{
    if (pace != NULL)
        (void)munmap(pace, sizeof(*pace));
}

void attack_pace_sleep(uint32_t ms)
{
    struct timespec rest = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    /* What a signal cuts off is slept after it. */
    while (nanosleep(&rest, &rest) < 0)
        continue;
}

void attack_pace_wait(struct attack_pace *pace)
{
    uint64_t now_us = tacit_posix_now_ms() * 1000;
    uint64_t next_us = atomic_load(&pace->next_us);
    uint64_t mine_us;

    do {
        mine_us = next_us > now_us ? next_us : now_us;
    } while (!atomic_compare_exchange_weak(&pace->next_us, &next_us, mine_us + pace->interval_us));
    attack_pace_sleep((uint32_t)((mine_us - now_us + 999) / 1000));
}
