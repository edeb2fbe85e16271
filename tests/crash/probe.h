/* SPDX-License-Identifier: Apache-2.0 */
/* A client without a session that looks at what the topics keep, and tells the model. */
#pragma once

#include "crash/broker.h"
#include "crash/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct probe {
    int fd; /* -1: none */
    uint64_t since;
    uint32_t found[3];
    uint8_t in[65536]; /* a longer answer is not understood */
    size_t len;
};

void probe_init(struct probe *probe);
/* Connects and asks. False: there is nobody yet. */
bool probe_begin(struct probe *probe, const struct broker *broker, const struct model *model);
/* Reads. True: it is over, with or without a verdict. */
bool probe_read(struct probe *probe, struct model *model);
void probe_end(struct probe *probe);
