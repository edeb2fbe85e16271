/* SPDX-License-Identifier: Apache-2.0 */
/* The Gamma-Poisson model of a counter: how often something happens in a window, and how much
 * evidence a count is that it now happens more often, or less.
 *
 * A device has a mean and a variance of its own, the role has them over all of its devices and
 * knows besides how far the means of the devices lie apart. What is expected of a device is the
 * role's mean at first, and its own the sooner, the more unlike the devices of the role are. */
#pragma once

#include <stdint.h>

struct sense_rate {
    float mean;     /* per window */
    float variance; /* of the windows */
};

struct sense_role_rate {
    struct sense_rate all; /* of the windows of all devices */
    float apart;           /* the variance of the devices' means */
};

/* What is expected of one device. */
struct sense_expected {
    float mean;   /* above 0 */
    float shape;  /* of the negative binomial: small is wide */
    float narrow; /* 1, or less when the counts vary less than Poisson's */
};

/* Learns one count into a mean and variance of `windows` windows before; a window moves them by at
 * most `step` (0..1), and when `cap` is above 0 mean and
 * variance by at most that part of themselves. */
void sense_rate_learn(struct sense_rate *rate, float count, float step, float cap);

/* The role learns one count of a device whose own mean is `own`. */
void sense_role_rate_learn(struct sense_role_rate *rate, float count, float own, float step);

/* How much of what is expected of a device is what it has done itself, 0 to 1; the rest is its role's.
 * `windows`: so many the device has been learned from. */
float sense_rate_weight(float windows, const struct sense_role_rate *role);

struct sense_expected sense_rate_expect(const struct sense_rate *own, float windows,
                                        const struct sense_role_rate *role);

/* Evidence in bits, log2 of a likelihood ratio: that the rate is raised; that it has dropped by half.
 * Negative for counts that speak against it. */
float sense_rate_more(const struct sense_expected *expected, float count);
float sense_rate_less(const struct sense_expected *expected, float count);

/* The count that is passed by chance once in 2^bits windows, about: for people. */
float sense_rate_usual(const struct sense_expected *expected, float bits);
