/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys_list.h"

#include "tools/identity_options.h"
#include "tools/identity_print.h"
#include "tools/keys_find.h"
#include "tools/keys_print.h"

#include <stdio.h>
#include <time.h>

/* How many of them are not as they should be; each to `array`, or, NULL, to standard output. */
static size_t look_at_all(const struct keys_found *found, json_t *array)
{
    struct keys_print one;
    size_t bad = 0;

    for (size_t i = 0; i < found->count; i++) {
        keys_print_of(&found->all[i], (int64_t)time(NULL), &one);
        bad += keys_print_is_good(&one) ? 0 : 1;
        if (array == NULL)
            keys_print_people(&one);
        else
            (void)json_array_append_new(array, keys_print_json(&one));
    }
    return bad;
}

static int list(const struct keys_found *found, bool as_json)
{
    json_t *array = as_json ? json_array() : NULL;
    size_t bad = look_at_all(found, array);
    int code = IDENTITY_EXIT_DONE;

    if (as_json)
        code = identity_print_document(
            json_pack("{s:o, s:I}", "keys", array, "problems", (json_int_t)bad));
    else if (found->count == 0)
        (void)puts("no key of a device is here; tacit enroll makes one");
    if (code == IDENTITY_EXIT_DONE && fflush(stdout) != 0)
        code = IDENTITY_EXIT_FAILED;
    return code == IDENTITY_EXIT_DONE && bad > 0 ? IDENTITY_EXIT_FOUND : code;
}

int keys_list(const struct identity_options *options)
{
    struct keys_found found;
    struct pki_fault fault = { "" };

    if (keys_find(options->dir, &found, &fault) < 0)
        return identity_options_fail(options, IDENTITY_EXIT_FAILED, "%s", fault.text);
    int code = list(&found, options->json);
    keys_find_fini(&found);
    return code;
}
