/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/target.h"

#include "keystore/device_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORT_TLS   8883
#define PORT_PLAIN 1883

static void print_name(void *context, const char *name)
{
    (void)context;
    (void)fprintf(stderr, "  --as %s\n", name);
}

static void print_profiles(const char *headline)
{
    (void)fprintf(stderr, "%s\n", headline);
    if (profile_list(print_name, NULL) < 0)
        (void)fprintf(stderr, "  (the folder of profiles cannot be read)\n");
}

static enum exit_code load_profile(struct target *target, const struct options *options)
{
    char name[PROFILE_NAME_SIZE];
    const char *as = options->as;
    if (as == NULL && (options->host != NULL || options->ca_file != NULL))
        return EXIT_DONE;
    if (as == NULL) {
        int error = profile_default(name);
        if (error == -ENOTUNIQ) {
            options_complain(options, "there are several profiles, and none is the default");
            print_profiles("name one:");
            return EXIT_USAGE;
        }
        if (error < 0)
            return EXIT_DONE;
        as = name;
    }
    int error = profile_load(as, &target->profile);
    if (error == 0)
        return EXIT_DONE;
    if (error == -ENOENT)
        options_complain(options, "there is no profile '%s'", as);
    else
        options_complain(options, "profile '%s': %s", as, strerror(-error));
    if (error == -ENOENT)
        print_profiles("these are:");
    return EXIT_USAGE;
}

/* The option if it was given, else the profile's if that has one, else NULL. */
static const char *either(const char *option, const char *of_profile)
{
    if (option != NULL)
        return option;
    return of_profile[0] != '\0' ? of_profile : NULL;
}

static enum exit_code decide_encryption(struct target *target, const struct options *options)
{
    bool loopback = tacit_posix_is_loopback(target->host);
    bool has_identity = target->ca_file != NULL || target->certificate_file != NULL;
    if (options->insecure_plaintext && has_identity && options->ca_file != NULL) {
        options_complain(options, "--cafile asks for TLS, --insecure-plaintext for none");
        return EXIT_USAGE;
    }
    target->encrypted =
        !options->insecure_plaintext && (has_identity || !loopback || target->port == PORT_TLS);
    if (target->encrypted && target->port == PORT_PLAIN && !has_identity) {
        options_complain(options,
                         "port %d of %s is not encrypted: everybody on the way could read along. "
                         "Use --cafile for TLS (port %d), or insist with --insecure-plaintext",
                         PORT_PLAIN, target->host, PORT_TLS);
        return EXIT_USAGE;
    }
    if (target->port == 0)
        target->port = target->encrypted ? PORT_TLS : PORT_PLAIN;
    return EXIT_DONE;
}

static enum exit_code read_password(struct target *target, const struct options *options)
{
    if (options->password != NULL) {
        if (strlen(options->password) >= sizeof(target->password)) {
            options_complain(options, "the password is too long");
            return EXIT_USAGE;
        }
        memcpy(target->password, options->password, strlen(options->password) + 1);
        options_complain(options, "-P shows the password to everybody who can list processes; "
                                  "--password-file does not");
    }
    if (options->password_file == NULL)
        return EXIT_DONE;
    FILE *file = fopen(options->password_file, "re");
    bool got = file != NULL && fgets(target->password, sizeof(target->password), file) != NULL;
    if (file != NULL)
        (void)fclose(file);
    if (!got) {
        options_complain(options, "%s: %s", options->password_file,
                         file == NULL ? strerror(errno) : "is empty");
        return EXIT_USAGE;
    }
    target->password[strcspn(target->password, "\r\n")] = '\0';
    return EXIT_DONE;
}

/* A profile's client id is the device's own: used as it is, a look at the terminal would take over
 * the session of the device, so it is lent a suffix unless a session is to be kept. */
static void choose_client_id(struct target *target, const struct options *options)
{
    const char *id = either(options->client_id, target->profile.client_id);
    bool is_lent =
        options->client_id == NULL && !options->keep_session && options->session_expiry_s == 0;
    uint64_t random = 0;
    (void)tacit_posix_random(NULL, &random, sizeof(random));
    if (id != NULL && is_lent)
        (void)snprintf(target->client_id, sizeof(target->client_id), "%.200s-%06llx", id,
                       (unsigned long long)(random >> 40));
    else if (id != NULL)
        (void)snprintf(target->client_id, sizeof(target->client_id), "%s", id);
    else
        (void)snprintf(target->client_id, sizeof(target->client_id), "tacit-%012llx",
                       (unsigned long long)(random >> 16));
}

enum exit_code target_decide(struct target *out, const struct options *options)
{
    *out = (struct target){ 0 };
    enum exit_code code = load_profile(out, options);
    if (code != EXIT_DONE)
        return code;
    out->host = either(options->host, out->profile.host);
    if (out->host == NULL)
        out->host = "localhost";
    out->port = options->port != 0 ? options->port : out->profile.port;
    out->ca_file = either(options->ca_file, out->profile.ca_file);
    out->certificate_file = either(options->certificate_file, out->profile.certificate_file);
    out->key_file = either(options->key_file, out->profile.key_file);
    choose_client_id(out, options);
    code = decide_encryption(out, options);
    return code == EXIT_DONE ? read_password(out, options) : code;
}

struct tacit_tls *target_tls_new(const struct target *target, const struct options *options)
{
    char error[512];
    struct tacit_tls_options tls_options = { .ca_file = target->ca_file,
                                             .certificate_file = target->certificate_file,
                                             .key_file = target->key_file };
    if (target->key_file != NULL && !tacit_posix_key_is_private(target->key_file))
        options_complain(options, "others may read the private key %s; chmod 600 it",
                         target->key_file);
    struct tacit_tls *tls = device_key_tls_new(&tls_options, error, sizeof(error));
    if (tls == NULL)
        options_complain(options, "%s", error);
    return tls;
}
