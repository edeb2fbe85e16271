/* SPDX-License-Identifier: Apache-2.0 */
/* Who can get the key: other users, root, a copy of the disk, a backup. */
#include "keystore/key_trial.h"
#include "tools/doctor_patient.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define OTHERS 077

/* ---- other users ---- */

static _Noreturn void read_as_nobody(const char *path)
{
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0
        || setresuid(NOBODY, NOBODY, NOBODY) < 0)
        _exit(DOCTOR_WARN);
    _exit(open(path, O_RDONLY | O_CLOEXEC) >= 0 ? DOCTOR_FAIL : DOCTOR_OK);
}

/* Only root can be somebody else. */
static enum doctor_verdict try_as_nobody(const char *path)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        read_as_nobody(path);
    bool is_known = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
    return is_known ? (enum doctor_verdict)WEXITSTATUS(status) : DOCTOR_WARN;
}

static void look_at_users(const struct doctor_patient *p, struct doctor_report *report)
{
    bool is_root = geteuid() == 0;
    bool is_open = (p->facts.mode & OTHERS) != 0;
    enum doctor_verdict tried = is_root ? try_as_nobody(p->place->key_file) : DOCTOR_OK;
    const char *told = is_open                ? "the mode of the file lets others at it"
                       : !is_root             ? "the mode of the file lets nobody else at it; only "
                                                "root can try that as another user"
                       : tried == DOCTOR_OK   ? "tried as user nobody: refused"
                       : tried == DOCTOR_FAIL ? "tried as user nobody: the file was opened"
                                              : "it could not be tried as user nobody";

    doctor_report_add(report, "reader.users", is_open ? DOCTOR_FAIL : tried,
                      "chmod 600 the file, and look at its folders", "%s", told);
}

/* ---- thieves ---- */

#define NO_ANSWER                                                                           \
    "mend what kept it from being tried; of a token in software, look at who can read its " \
    "files, or take one that is hardware, or a TPM"

static const struct {
    const char *id;
    enum key_trial_thief thief;
    const char *advice;
} thieves[] = {
    { "reader.root", KEY_TRIAL_ROOT,
      "only hardware keeps a key from root, who can use it there, but not take it away: tacit keys "
      "migrate --to tpm, or --to pkcs11:..." },
    { "reader.disk-image", KEY_TRIAL_DISK,
      "a TPM makes an image of the disk worthless, as seal or with the key in it; without one, "
      "encrypt the disk, and wipe it before it goes" },
    { "reader.backup", KEY_TRIAL_FOLDER,
      "tacit keys migrate --to sealed; with --new-key where backups have it already" },
};

static void look_at_thief(const struct doctor_patient *p, size_t row, struct doctor_report *report)
{
    static const enum doctor_verdict verdicts[KEY_TRIAL_ENDS] = {
        [KEY_TRIAL_GIVEN] = DOCTOR_WARN,
        [KEY_TRIAL_UNKNOWN] = DOCTOR_WARN,
        [KEY_TRIAL_REFUSED] = DOCTOR_OK,
    };
    static const char *const words[KEY_TRIAL_ENDS] = {
        [KEY_TRIAL_GIVEN] = "yes",
        [KEY_TRIAL_UNKNOWN] = "unknown",
        [KEY_TRIAL_REFUSED] = "no",
    };
    struct key_trial trial;

    key_trial_steal(p->place->key_file, thieves[row].thief, &trial);
    const char *advice = trial.end == KEY_TRIAL_GIVEN ? thieves[row].advice : NO_ANSWER;
    doctor_report_add(report, thieves[row].id, verdicts[trial.end], advice, "%s: %s",
                      words[trial.end], trial.told);
}

void doctor_look_at_readers(const struct doctor_patient *patient, struct doctor_report *report)
{
    look_at_users(patient, report);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(thieves); i++)
        look_at_thief(patient, i, report);
}
