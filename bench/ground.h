/* SPDX-License-Identifier: Apache-2.0 */
/* What every measuring program stands on. */
#pragma once

#include <stdbool.h>

/* Ends the program with a message unless it holds: for what is wrong with this machine or with
 * the benchmark, never for what the broker does. */
void must(bool holds, const char *what);

double now_s(void); /* monotonic */
