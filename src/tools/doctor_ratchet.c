/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a copy of the key that sleeps while the device is awake would be noticed. */
#include "pki/private_file.h"
#include "tools/device_ratchet.h"
#include "tools/doctor_patient.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ID "ratchet"

static void add_one_that_turns(struct doctor_report *report, const char *path, uint64_t turns)
{
    doctor_report_add(report, ID, DOCTOR_OK, NULL,
                      "%s: turned %" PRIu64 " times; of a copy of this device and the device, the "
                      "second one to connect raises the alarm",
                      path, turns);
}

/* Where the key cannot leave its hardware there is no copy to be noticed. */
static void add_none(struct doctor_report *report, bool is_soft)
{
    doctor_report_add(report, ID, is_soft ? DOCTOR_WARN : DOCTOR_OK,
                      "enrol with tacit enroll, which makes one", "none%s",
                      is_soft ? ": a copy of this key that is never online together with it is "
                                "not noticed"
                              : "; the key is not to be copied either");
}

static void add_a_bad_one(struct doctor_report *report, const char *path, int error)
{
    bool is_none = error == -EBADMSG || error == -EFBIG;

    doctor_report_add(
        report, ID, DOCTOR_FAIL,
        "chmod 600; if its content is lost, remove it, and on the broker: tacit device "
        "release NAME --reset-ratchet",
        "%s: %s", path,
        is_none           ? "this is no ratchet: the device cannot connect with it"
        : error == -EPERM ? "others can read it"
                          : strerror(-error));
}

void doctor_look_at_ratchet(const struct doctor_patient *patient, struct doctor_report *report)
{
    char path[PATH_MAX];
    uint64_t turns = 0;
    int error = device_ratchet_path(patient->place->certificate_file, path);

    if (error == 0)
        error = device_ratchet_turns(path, &turns);
    if (error == 0)
        error = private_file_is_closed(path);
    if (error == 0)
        add_one_that_turns(report, path, turns);
    else if (error == -ENOENT || error == -EINVAL)
        add_none(report, patient->is_soft);
    else
        add_a_bad_one(report, path, error);
}
