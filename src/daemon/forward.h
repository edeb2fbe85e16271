/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the audit log to syslog or the journal, besides its files: on another machine they tell
 * what was cut off here. Facility authpriv. Owner: one thread. */
#pragma once

#include "base/span.h"
#include "config/config.h"

/* Each line of `lines` by itself. What the other side does not take is lost there. */
void forward_lines(enum config_audit_forward forward, struct mqtt_span lines);

/* ---- parts, for tests ---- */

#define FORWARD_SYSLOG_PATH "/dev/log"

/* A line to the datagram socket of a syslog; it is asked anew each time, as it may have been started
 * again. By hand, as syslog(3) connects, which a confined process may not. */
void forward_to_syslog(const char *path, struct mqtt_span line);
