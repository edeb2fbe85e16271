/* SPDX-License-Identifier: Apache-2.0 */
/* The key and its certificate. */
#include "keystore/device_key.h"
#include "keystore/key_trial.h"
#include "pki/ca.h"
#include "tools/doctor_patient.h"
#include "tools/enroll_device.h"
#include "tools/enroll_due.h"
#include "tools/identity_print.h"

#include <inttypes.h>
#include <string.h>

#define SECONDS_A_DAY 86400

/* ---- the key ---- */

static void look_at_level(const struct doctor_patient *p, struct doctor_report *report)
{
    const struct key_facts *key = &p->facts.key;
    bool has_tpm = device_key_has_tpm();
    bool is_plain = key->protection <= KEY_PROTECTION_PLAIN;
    bool could_be_better =
        key->protection == KEY_PROTECTION_SEALED && !key->is_sealed_by_tpm && has_tpm;

    doctor_report_add(report, "key.level", is_plain || could_be_better ? DOCTOR_WARN : DOCTOR_OK,
                      has_tpm ? "tacit keys migrate --to tpm; or --to sealed, by the TPM"
                              : "tacit keys migrate --to sealed",
                      "%s, in %s; this user can ask %s TPM", keys_print_level(key),
                      p->place->key_file, has_tpm ? "a" : "no");
}

static void look_whether_it_signs(const struct doctor_patient *p, struct doctor_report *report)
{
    struct pki_fault why = { "" };
    struct key *key;
    int error = device_key_load(p->place->key_file, &key, &why);

    if (error == 0) {
        error = key_trial_sign(key, &why);
        key_free(key);
    }
    if (error == 0)
        doctor_report_add(report, "key.signs", DOCTOR_OK, NULL,
                          "it was opened and has signed; the signature is good");
    else
        doctor_report_add(report, "key.signs", DOCTOR_FAIL,
                          "as long as it does not open, the device cannot connect: mend what is "
                          "said, or enrol again with tacit enroll",
                          "%s", why.text);
}

void doctor_look_at_key(const struct doctor_patient *patient, struct doctor_report *report)
{
    look_at_level(patient, report);
    look_whether_it_signs(patient, report);
}

/* ---- the certificate ---- */

static void look_at_pair(const struct doctor_patient *p, struct doctor_report *report)
{
    enum keys_certificate state = p->facts.state;

    if (state == KEYS_CERTIFICATE_MISSING)
        doctor_report_add(report, "certificate.key", DOCTOR_FAIL,
                          "tacit enroll gets one, with a token of `tacit device add`",
                          "%s: there is no certificate that can be read",
                          p->place->certificate_file);
    else if (!p->facts.key.is_open)
        doctor_report_add(report, "certificate.key", DOCTOR_WARN, "see key.signs",
                          "the key does not open: it cannot be compared");
    else if (state == KEYS_CERTIFICATE_OF_OTHER)
        doctor_report_add(
            report, "certificate.key", DOCTOR_FAIL,
            "was a change of the key interrupted? The command that began it completes "
            "it: tacit enroll --renew --force, or tacit keys migrate",
            "%s belongs to another key", p->place->certificate_file);
    else
        doctor_report_add(report, "certificate.key", DOCTOR_OK, NULL, "%s belongs to the key",
                          p->place->certificate_file);
}

static void look_at_life(const struct doctor_patient *p, struct doctor_report *report)
{
    const struct registry_certificate *life = &p->facts.certificate.registered;
    const struct enroll_due due = { life->not_before_s, life->not_after_s };
    char to[IDENTITY_PRINT_TIME_SIZE];
    bool is_over = p->now_s > life->not_after_s;
    bool is_due = enroll_due_is(&due, p->now_s);

    doctor_report_add(report, "certificate.life",
                      is_over  ? DOCTOR_FAIL
                      : is_due ? DOCTOR_WARN
                               : DOCTOR_OK,
                      is_over ? "it cannot renew itself any more: enrol again with a new token"
                              : "tacit enroll --renew; `--watch` does it whenever it is time",
                      "until %s: %" PRId64 " days%s",
                      identity_print_exact_time(life->not_after_s, to),
                      (life->not_after_s - p->now_s) / SECONDS_A_DAY,
                      is_over  ? ", it has expired"
                      : is_due ? ", less than a third of its time"
                               : "");
}

/* A root of its trust domain, by their names. */
static bool is_its_root(const struct certificate *certificate, const struct certificate *authority)
{
    char domain[IDENTITY_URI_DOMAIN_SIZE];
    struct certificate_facts facts;
    struct identity_uri uri;

    return certificate_is_self_signed(authority) && ca_trust_domain_of(authority, domain, NULL) == 0
           && certificate_facts_of(certificate, &facts, NULL) == 0
           && identity_uri_parse(span_of(facts.uri), &uri) == 0
           && strcmp(uri.trust_domain, domain) == 0;
}

/* Who was added at the broker itself has its root here, and not the issuing CA between them. */
static bool has_root_only(const struct certificate *certificate, const char *authority_file)
{
    struct certificate_list list = { 0 };
    bool is_root = certificate_list_load(authority_file, &list, NULL) == 0;

    for (size_t i = 0; i < list.count; i++)
        is_root = is_root && is_its_root(certificate, list.all[i]);
    certificate_list_fini(&list);
    return is_root;
}

static void look_at_authority(const struct doctor_patient *p, struct doctor_report *report)
{
    struct certificate *certificate;
    bool is_signed = false, is_root = false;

    if (certificate_load(p->place->certificate_file, &certificate, NULL) == 0) {
        is_signed = enroll_device_is_signed(certificate, p->place->ca_file, p->now_s);
        is_root = !is_signed && has_root_only(certificate, p->place->ca_file);
        certificate_free(certificate);
    }
    doctor_report_add(report, "certificate.authority",
                      is_signed || is_root ? DOCTOR_OK : DOCTOR_WARN,
                      "is that the broker's authority still? tacit enroll --renew --force brings "
                      "the certificate up to date",
                      "%s %s", p->place->ca_file,
                      is_signed ? "has signed it, now"
                      : is_root ? "is the root of its trust domain; what is between them is not "
                                  "here, and the broker looks at it"
                                : "has not signed a good one, now");
}

static void look_at_clock(const struct doctor_patient *p, struct doctor_report *report)
{
    bool is_before = p->now_s < p->facts.certificate.registered.not_before_s;
    char now[IDENTITY_PRINT_TIME_SIZE];

    doctor_report_add(report, "clock.certificate", is_before ? DOCTOR_FAIL : DOCTOR_OK,
                      "set the clock: NTP, or a clock with a battery",
                      "it is %s here, %s the certificate was made",
                      identity_print_exact_time(p->now_s, now), is_before ? "before" : "after");
}

void doctor_look_at_certificate(const struct doctor_patient *patient, struct doctor_report *report)
{
    look_at_pair(patient, report);
    if (patient->facts.state == KEYS_CERTIFICATE_MISSING)
        return;
    look_at_life(patient, report);
    look_at_authority(patient, report);
    look_at_clock(patient, report);
}
