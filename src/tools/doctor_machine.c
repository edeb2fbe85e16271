/* SPDX-License-Identifier: Apache-2.0 */
/* What every key of this machine needs. */
#include "tools/doctor_patient.h"

#include <sys/random.h>

void doctor_look_at_machine(const struct doctor_patient *patient, struct doctor_report *report)
{
    unsigned char bytes[32];
    bool is_ready = getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) == (ssize_t)sizeof(bytes);
    bool can_renew = patient->place->enrolment[0] != '\0';

    doctor_report_add(report, "entropy", is_ready ? DOCTOR_OK : DOCTOR_FAIL,
                      "the kernel has gathered too little to be unpredictable: a seed that "
                      "survives reboots, or hardware (rngd), before keys are made here",
                      "the kernel's random numbers are %s", is_ready ? "ready" : "not ready yet");
    doctor_report_add(report, "renewal", can_renew ? DOCTOR_OK : DOCTOR_WARN,
                      "tacit enroll makes a profile that can renew itself", "%s%s",
                      can_renew ? "certificates are renewed at "
                                : "the profile does not "
                                  "say where its certificate is renewed",
                      patient->place->enrolment);
}
