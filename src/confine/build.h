/* SPDX-License-Identifier: Apache-2.0 */
/* Which build this is; the file of two that answers is chosen by CMake. */
#pragma once

#include <stdbool.h>

/* Sanitizers, coverage and fuzzers need what confinement takes away. */
bool confine_build_is_instrumented(void);
