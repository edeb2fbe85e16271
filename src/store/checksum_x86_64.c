/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64 has an instruction for it since SSE 4.2. */
#include "store/checksum.h"

#include <string.h>

/* glibc knows it already; the compiler's own answer is 5 KB that look at every processor. */
#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#define HAS_INSTRUCTION CPU_FEATURE_ACTIVE(SSE4_2)
#else
#define HAS_INSTRUCTION (__builtin_cpu_supports("sse4.2") != 0)
#endif

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t before,
                                                                 struct mqtt_span bytes)
{
    uint64_t crc = ~before;
    size_t i = 0;
    for (; bytes.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, bytes.data + i, sizeof(eight));
        crc = __builtin_ia32_crc32di(crc, eight);
    }
    uint32_t rest = (uint32_t)crc;
    for (; i < bytes.len; i++)
        rest = __builtin_ia32_crc32qi(rest, bytes.data[i]);
    return ~rest;
}

checksum_function checksum_of_processor(void)
{
    return HAS_INSTRUCTION ? by_instruction : NULL;
}
