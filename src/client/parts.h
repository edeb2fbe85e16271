/* SPDX-License-Identifier: Apache-2.0 */
/* What of the client this build has; the versions and QoS 2 stand in codec/variant.h. The constants
 * are known to the compiler, so that what stands behind them goes, too. */
#pragma once

#include "codec/variant.h"

/* Messages that overtake others, and those that are dropped for them. */
#ifdef TACIT_NO_PRIORITIES
#define TACIT_PRIORITIES 0
#else
#define TACIT_PRIORITIES 1
#endif

/* Messages that exceed the buffer: payloads that go from the queue to the transport past the one
 * for sending, and incoming ones that are handed out in pieces. */
#ifdef TACIT_NO_LARGE_MESSAGES
#define TACIT_LARGE_MESSAGES 0
#else
#define TACIT_LARGE_MESSAGES 1
#endif

/* Messages whose payload the application hands over while it is written. */
#ifdef TACIT_NO_PIECES
#define TACIT_PIECES 0
#else
#define TACIT_PIECES TACIT_LARGE_MESSAGES
#endif

/* What can be dropped: messages for others, payloads that the application cannot give. */
#if TACIT_PRIORITIES || TACIT_PIECES
#define TACIT_DROPS 1
#else
#define TACIT_DROPS 0
#endif

/* What is to survive a reboot. */
#ifdef TACIT_NO_STORE
#define TACIT_STORES 0
#else
#define TACIT_STORES 1
#endif

/* Servers that name another one. */
#ifdef TACIT_NO_REDIRECT
#define TACIT_REDIRECTS 0
#else
#define TACIT_REDIRECTS MQTT_SPEAKS_5
#endif

/* Messages that the application acknowledges itself. */
#ifdef TACIT_NO_MANUAL_ACKNOWLEDGEMENT
#define TACIT_MANUAL 0
#else
#define TACIT_MANUAL 1
#endif

/* Is an acknowledgement written later than its message is handed out? With a store what is written
 * has to be kept before. */
#if TACIT_MANUAL || TACIT_STORES
#define TACIT_OWES 1
#else
#define TACIT_OWES 0
#endif

/* A message that the server publishes when the client is gone. */
#ifdef TACIT_NO_WILL
#define TACIT_WILLS 0
#else
#define TACIT_WILLS 1
#endif

/* Checks of what the application hands in, as long as they guard no memory. What the server sends
 * is always checked. */
#ifdef TACIT_NO_CHECKS
#define TACIT_CHECKS 0
#else
#define TACIT_CHECKS 1
#endif

/* What a device shows at CONNECT besides its certificate: tacit/ratchet.h. */
#ifdef TACIT_NO_GREETING
#define TACIT_GREETINGS 0
#else
#define TACIT_GREETINGS 1
#endif
