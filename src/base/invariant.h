/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on our own reasoning, always compiled in.
 *
 * Never on anything that a peer, a file or an operator controls: those are
 * refused with a reason, not asserted. */
#pragma once

/* Prints file:line and the condition to standard error and aborts. */
_Noreturn void invariant_failed(const char *file, int line, const char *condition);

#define MQTT_INVARIANT(condition) \
    ((condition) ? (void)0 : invariant_failed(__FILE__, __LINE__, #condition))
