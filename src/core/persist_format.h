/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a record of persist.h.
 *
 * Every record starts with its type and the version of its layout:
 *
 * session: client id, identity (device, tenant, site, role, each as span; proved u8), expiry_s u32,
 *   expiry left u64 ms, last packet id u16, received ids (u32 count, u16 each),
 *   subscriptions (u32 count: filter span, options u8, identifier u32),
 *   will (u8 present: delay left u64 ms, has expiry u8, expiry_s u32, message),
 *   deliveries (u32 count: state u8, flags u8, qos u8, packet id u16, identifiers (u32 count, u32
 *   each), has message u8, message)
 * retained: message
 * message: qos u8, retain u8, expiry left u64 ms, topic, forwarded properties, payload */
#pragma once

enum persist_type {
    PERSIST_NONE = 0,
    PERSIST_SESSION = 'S',
    PERSIST_RETAINED = 'R',
};

#define PERSIST_VERSION 1u

enum persist_delivery_flag {
    PERSIST_RETAIN = 1,
    PERSIST_SHARED = 2,
    PERSIST_SENT = 4,
};
