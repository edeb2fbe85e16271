/* SPDX-License-Identifier: Apache-2.0 */
/* The topics that the clients of broker_fuzz.c publish to: few, so that they meet. */
#pragma once

#define BROKER_TOPICS 10u

extern const char *const broker_topics[BROKER_TOPICS];
