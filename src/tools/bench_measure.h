/* SPDX-License-Identifier: Apache-2.0 */
/* What a process costs, read from the system. */
#pragma once

#include <stdint.h>

/* CPU seconds that the process has used, from its own clock (nanoseconds); negative if
 * it cannot be read. `pid` 0 is this process. */
double bench_cpu_s(int pid);

/* Resident bytes; 0 if they cannot be read. */
uint64_t bench_resident_bytes(int pid);
