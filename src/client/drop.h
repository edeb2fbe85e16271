/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are given up for others, or because the application wants so. */
#pragma once

#include "client/state.h"

/* The event for one that was dropped, before which the connection ends if it was half sent; none if
 * there is none left to be told. */
void tacit_tell_dropped(struct tacit_client *client);
