/* SPDX-License-Identifier: Apache-2.0 */
/* What a role chooses out of a few: one word each in tacit.conf. Zero is what holds when nothing is
 * said. */
#pragma once

/* What happens when one key is seen in two places at once (promise I5). Zero is as strict as the
 * kind of identity allows. */
enum policy_clone {
    POLICY_CLONE_BY_KIND = 0, /* devices are held; of services and admins several are normal */
    POLICY_CLONE_HOLD,        /* nothing is taken from or given to either until an operator says */
    POLICY_CLONE_DROP_BOTH,
    POLICY_CLONE_KEEP_FIRST, /* the newcomer is refused */
    POLICY_CLONE_ALLOW,      /* several connections are normal */
    POLICY_CLONE_COUNT,
};

/* The ratchet that a device and the broker turn at each connect (promise I6). */
enum policy_ratchet {
    POLICY_RATCHET_ON = 0,   /* who comes with one cannot come without it any more */
    POLICY_RATCHET_REQUIRED, /* nobody comes in without one by a certificate of our CA */
    POLICY_RATCHET_OFF,      /* whatever comes is believed */
    POLICY_RATCHET_COUNT,
};

/* What an acknowledgement means (promise D1). Zero is the most. Of several, the highest counts. */
enum policy_durability {
    POLICY_DURABLE = 0, /* it is on disk */
    POLICY_RELAXED,     /* it is written: there after a crash of the process, not of the machine */
    POLICY_MEMORY,      /* it is in memory; nothing of this client's is kept on disk */
    POLICY_DURABILITY_COUNT,
};
/* What the detector does about who behaves unlike himself. Zero is all that the broker is told to. */
enum policy_sense {
    POLICY_SENSE_ON = 0,
    POLICY_SENSE_ALERT_ONLY, /* what is found is told, and nothing is done */
    POLICY_SENSE_OFF,        /* it is not looked at */
    POLICY_SENSE_COUNT,
};

const char *policy_durability_name(enum policy_durability durability); /* static */
