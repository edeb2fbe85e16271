/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/state.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_DIR           "/var/lib/tacit"
#define SYSTEM_CONFIGURATION "/etc/tacit"

static const char *const places[STATE_FILE_COUNT] = {
    [STATE_CA_CERTIFICATE] = "ca/ca.crt",
    [STATE_CA_KEY] = "ca/ca.key",
    [STATE_ROOT_CERTIFICATE] = "ca/root.crt",
    [STATE_ROOT_KEY] = "ca/root.key",
    [STATE_SERVER_CERTIFICATE] = "server/server.crt",
    [STATE_SERVER_KEY] = "server/server.key",
    [STATE_ADMIN_CERTIFICATE] = "admin/admin.crt",
    [STATE_ADMIN_KEY] = "admin/admin.key",
    [STATE_REGISTRY] = "registry.db",
    [STATE_STORE] = "store",
    [STATE_CONFIGURATION] = "tacit.conf",
    [STATE_OBSERVED] = "learning/observed",
    [STATE_CRL] = "crl/ca.crl",
    [STATE_CRL_PEM] = "crl/ca.crl.pem",
    [STATE_OCSP] = "server/server.ocsp",
    [STATE_ACTIVITY] = "activity.db",
    [STATE_OBSERVED_WANTED] = "learning/wanted",
    [STATE_OBSERVED_COMING] = "learning/coming",
    [STATE_NEXT_KEY] = "ca/next.key",
    [STATE_AUDIT] = "audit",
    [STATE_AUDIT_KEY] = "audit-key.pem",
    [STATE_AUDIT_PUBLIC_KEY] = "audit/key.pub",
    [STATE_SHOWN_CA] = "trust/ca.crt",
    [STATE_SHOWN_ROOT] = "trust/root.crt",
    [STATE_RATCHET] = "ratchet.db",
    [STATE_BEHAVIOUR] = "learning/behaviour",
    [STATE_BARRED] = "learning/blocked",
    [STATE_PARDON] = "learning/pardon",
};

static int join(char *out, const char *dir, const char *rest)
{
    int n = snprintf(out, STATE_PATH_SIZE, "%s/%s", dir, rest);
    return n < 0 || n >= STATE_PATH_SIZE ? -ENAMETOOLONG : 0;
}

int state_path(const char *dir, enum state_file file, char *out)
{
    char path[STATE_PATH_SIZE];
    if ((unsigned)file >= STATE_FILE_COUNT)
        return -EINVAL;
    int error = join(path, dir, places[file]);
    if (error == 0)
        memcpy(out, path, strlen(path) + 1);
    return error;
}

/* Is this machine's tacitd run from the system folder, and by the caller? */
static bool is_system_user(void)
{
    struct stat status;
    if (geteuid() == 0 && stat(SYSTEM_CONFIGURATION, &status) == 0)
        return true;
    return geteuid() != 0 && stat(SYSTEM_DIR, &status) == 0 && status.st_uid == geteuid();
}

static const char *home_dir(void)
{
    const char *home = getenv("HOME");
    if (home != NULL && home[0] == '/')
        return home;
    const struct passwd *user = getpwuid(geteuid());
    return user != NULL ? user->pw_dir : NULL;
}

int state_default_dir(char *out)
{
    const char *own = getenv("TACIT_STATE");
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *base = own;
    const char *rest = "";
    if (own == NULL || own[0] == '\0') {
        bool is_system = is_system_user();
        bool has_xdg = xdg != NULL && xdg[0] == '/';
        base = is_system ? SYSTEM_DIR : has_xdg ? xdg : home_dir();
        rest = is_system ? "" : has_xdg ? "/tacit" : "/.local/state/tacit";
    }
    if (base == NULL)
        return -ENOENT;
    if (strlen(base) + strlen(rest) >= STATE_PATH_SIZE)
        return -ENAMETOOLONG;
    (void)snprintf(out, STATE_PATH_SIZE, "%s%s", base, rest);
    return 0;
}

static int check_status(const char *dir, const struct stat *status, struct pki_fault *fault)
{
    if (!S_ISDIR(status->st_mode))
        return pki_fail(fault, -ENOTDIR, "%s is not a folder", dir);
    if (status->st_uid != geteuid()) {
        const struct passwd *owner = getpwuid(status->st_uid);
        return pki_fail(fault, -EPERM,
                        "%s belongs to user %s (%u) and you are user %u; run this as its owner "
                        "or choose another folder with --state",
                        dir, owner != NULL ? owner->pw_name : "?", status->st_uid, geteuid());
    }
    if ((status->st_mode & 022) != 0)
        return pki_fail(fault, -EPERM,
                        "others may write to %s (mode %03o), so what lies in it cannot be "
                        "trusted; chmod 700 it, or choose another folder with --state",
                        dir, status->st_mode & 0777u);
    return 0;
}

int state_check(const char *dir, struct pki_fault *fault)
{
    struct stat status;
    if (stat(dir, &status) < 0)
        return pki_fail(fault, -errno, "%s: %s; `tacit up` makes a state folder", dir,
                        strerror(errno));
    return check_status(dir, &status, fault);
}

int state_lock(const char *dir, bool waits, int *out, struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    int error = join(path, dir, "lock");
    if (error < 0)
        return pki_fail(fault, error, "%s: the path is too long", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return pki_fail(fault, -errno, "%s: cannot make the lock: %s", path, strerror(errno));
    if (flock(fd, waits ? LOCK_EX : LOCK_EX | LOCK_NB) < 0) {
        error = errno == EWOULDBLOCK ? -EBUSY : -errno;
        close(fd);
        return pki_fail(fault, error, "%s: cannot lock: %s", path, strerror(-error));
    }
    *out = fd;
    return 0;
}

#define CLAIM_TRIES   10
#define CLAIM_WAIT_US 20000

/* Who only looks (state_is_claimed()) holds the lock for a moment, too. */
static int lock_patiently(int fd)
{
    int tries = 0;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return -errno;
        if (++tries == CLAIM_TRIES)
            return -EBUSY;
        (void)usleep(CLAIM_WAIT_US);
    }
    return 0;
}

int state_claim(const char *dir, int *out, struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    int error = join(path, dir, "tacitd.lock");
    if (error < 0)
        return pki_fail(fault, error, "%s: the path is too long", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return pki_fail(fault, -errno, "%s: cannot make the lock: %s", path, strerror(errno));
    error = lock_patiently(fd);
    if (error < 0) {
        close(fd);
        if (error == -EBUSY)
            return pki_fail(fault, error,
                            "another tacitd is running with the state in %s; stop it or give "
                            "this one its own with --state",
                            dir);
        return pki_fail(fault, error, "%s: cannot lock: %s", path, strerror(-error));
    }
    *out = fd;
    return 0;
}

bool state_is_claimed(const char *dir)
{
    char path[STATE_PATH_SIZE];
    int fd = join(path, dir, "tacitd.lock") == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    bool is_claimed = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    close(fd);
    return is_claimed;
}

int state_trust_domain(const char *dir, char *out, struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    struct certificate *root;
    int error = state_path(dir, STATE_CA_CERTIFICATE, path);
    if (error < 0)
        return pki_fail(fault, error, "%s: the path is too long", dir);
    error = certificate_load(path, &root, fault);
    if (error < 0)
        return error;
    error = ca_trust_domain_of(root, out, fault);
    certificate_free(root);
    return error;
}
