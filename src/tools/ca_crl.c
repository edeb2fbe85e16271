/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/ca_crl.h"

#include "pki/crl.h"
#include "pki/private_file.h"
#include "pki/state.h"
#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/identity_registry.h"
#include "tools/publish_crl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool ends_in_pem(const char *path)
{
    size_t len = strlen(path);

    return len >= 4 && strcmp(path + len - 4, ".pem") == 0;
}

/* Whole or not at all, and readable by all: it is for a web server. */
static int copy(const char *from, const char *to, struct pki_fault *fault)
{
    uint8_t *bytes;
    size_t len;
    int error = private_file_read(from, CRL_MAX_BYTES, &bytes, &len);

    if (error < 0)
        return pki_fail(fault, error, "%s: cannot be read: %s", from, strerror(-error));
    error = private_file_write(to, (struct mqtt_span){ bytes, len }, PRIVATE_FILE_REPLACE);
    free(bytes);
    if (error == 0 && chmod(to, 0644) < 0)
        error = -errno;
    return error == 0 ? 0
                      : pki_fail(fault, error, "%s: cannot be written: %s", to, strerror(-error));
}

static int print(const struct identity_options *o, const struct crl_facts *facts, const char *path)
{
    char from[IDENTITY_PRINT_TIME_SIZE];
    char until[IDENTITY_PRINT_TIME_SIZE];

    if (o->json)
        return identity_print_document(
            json_pack("{s:I, s:s, s:s, s:I, s:s}", "number", (json_int_t)facts->number,
                      "this_update", identity_print_time_rfc3339(facts->this_update_s, from),
                      "next_update", identity_print_time_rfc3339(facts->next_update_s, until),
                      "certificates", (json_int_t)facts->count, "file", path));
    (void)printf("number        %llu\nmade          %s\nnext until    %s\ncertificates  %zu\n"
                 "file          %s\n",
                 (unsigned long long)facts->number, identity_print_time(facts->this_update_s, from),
                 identity_print_time(facts->next_update_s, until), facts->count, path);
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

int ca_crl(const struct identity_options *options)
{
    char path[STATE_PATH_SIZE];
    struct registry *registry = NULL;
    struct crl_facts facts;
    struct pki_fault fault = { "the path is too long" };
    bool as_pem = options->out != NULL && ends_in_pem(options->out);
    int error = identity_registry_open(options, &registry, &fault);

    if (error == 0) {
        publish_crl(options, registry);
        registry_close(registry);
        error = state_path(options->state, as_pem ? STATE_CRL_PEM : STATE_CRL, path);
    }
    if (error == 0)
        error = crl_read(path, &facts, &fault);
    if (error == 0 && options->out != NULL)
        error = copy(path, options->out, &fault);
    if (error < 0)
        return identity_registry_fail(options, error, &fault);
    return print(options, &facts, options->out != NULL ? options->out : path);
}
