/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_link.h"

#include <inttypes.h>

#define SECURITY_BITS_LEAST 112 /* RSA 2048, P-224; NIST SP 800-57 */
#define DIGEST_BITS_LEAST   100 /* SHA-256 has 128; SHA-1 less than 80 */
#define DAYS_LEAST          7

/* A CA that nobody named is unknown to this machine whether it is good or not. */
static void judge_trust(const struct attack_env *env, const struct tacit_probe_certificate *c,
                        struct attack_finding *out)
{
    bool knows_ca = env->ca_file[0] != '\0';

    if (c->trust[0] == '\0')
        attack_check_judge(out, ATTACK_SAFE, "its chain, host name and times are accepted by %s",
                           knows_ca ? "the CA that was named" : "the CAs of this machine");
    else if (knows_ca || c->is_self_signed || c->days_left < 0)
        attack_check_judge(out, ATTACK_OPEN, "it is not accepted: %s", c->trust);
    else
        attack_check_judge(out, ATTACK_UNCLEAR,
                           "it is not accepted by the CAs of this machine (%s); name yours with "
                           "--ca-file",
                           c->trust);
}

static void judge_content(const struct tacit_probe_certificate *c, struct attack_finding *out)
{
    bool is_weak = c->security_bits < SECURITY_BITS_LEAST;
    bool is_old_digest = c->digest_security_bits < DIGEST_BITS_LEAST;
    bool is_near_end = c->days_left < DAYS_LEAST && c->days_in_all > 4 * DAYS_LEAST;

    attack_check_judge(out, is_weak ? ATTACK_OPEN : ATTACK_SAFE, "key: %s with %d bits, worth %d",
                       c->key, c->key_bits, c->security_bits);
    attack_check_judge(out, is_old_digest ? ATTACK_OPEN : ATTACK_SAFE, "signed with %s",
                       c->digest[0] != '\0' ? c->digest : "its own digest");
    attack_check_judge(out, c->has_names && c->is_for_host ? ATTACK_SAFE : ATTACK_OPEN, "%s",
                       !c->has_names    ? "it names no host (Subject Alternative Name)"
                       : c->is_for_host ? "it names the host"
                                        : "it names other hosts than this one");
    attack_check_judge(out, is_near_end ? ATTACK_OPEN : ATTACK_SAFE,
                       "%" PRId64 " days left of %" PRId64, c->days_left, c->days_in_all);
}

void attack_certificate_quality(const struct attack_env *env, struct attack_finding *out)
{
    struct attack_link link;
    struct tacit_probe_certificate certificate;
    const struct attack_hello hello = { .suffix = "q" };

    /* Shown before the broker looks at ours: a handshake that fails later does not matter. */
    (void)!attack_link_dial(&link, env, &hello);
    if (link.probe != NULL && tacit_probe_certificate(link.probe, env->host, &certificate)) {
        judge_trust(env, &certificate, out);
        judge_content(&certificate, out);
    } else {
        attack_check_judge(out, ATTACK_UNCLEAR, "no certificate was shown: %s", link.said);
    }
    attack_link_close(&link);
}
