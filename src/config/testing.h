/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a file system of two files, and complaints in one text. */
#pragma once

#include "config/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct test_files {
    const char *main; /* "dir/t.conf" */
    const char *more; /* "dir/more.conf" */
};

/* A row of a table: what a file says, and every line of what is wrong with it. */
struct test_complaint {
    const char *text;
    const char *complaint;
};

static inline int test_files_read(void *context, const char *path, char **out_text, size_t *out_len)
{
    const struct test_files *files = context;
    const char *text = strcmp(path, "dir/t.conf") == 0      ? files->main
                       : strcmp(path, "dir/more.conf") == 0 ? files->more
                                                            : NULL;
    if (text == NULL)
        return -ENOENT;
    /* Exactly sized: whoever reads on is seen. */
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    *out_text = copy;
    *out_len = len;
    return 0;
}

struct test_complaints {
    char text[16384];
    size_t used;
};

static inline void test_complaints_line(void *context, const char *line)
{
    struct test_complaints *complaints = context;
    size_t room = sizeof(complaints->text) - complaints->used;
    int written = snprintf(complaints->text + complaints->used, room, "%s%s",
                           complaints->used == 0 ? "" : "\n", line);
    assert_in_range(written, 0, room - 1);
    complaints->used += (size_t)written;
}

static inline int test_load(const struct test_files *texts,
                            const struct config_overrides *overrides,
                            struct test_complaints *complaints, struct config **out)
{
    struct test_files copy = *texts;
    const struct settings_files files = { &copy, test_files_read };
    struct diagnostics diagnostics = { test_complaints_line, complaints, 0 };

    *complaints = (struct test_complaints){ .used = 0 };
    return config_load(texts->main != NULL ? "dir/t.conf" : NULL, &files, overrides, &diagnostics,
                       out);
}

static inline struct config *test_load_good(const char *main, const char *more)
{
    const struct test_files texts = { main, more };
    struct test_complaints complaints;
    struct config *config = NULL;
    int status = test_load(&texts, NULL, &complaints, &config);

    assert_string_equal(complaints.text, "");
    assert_int_equal(status, 0);
    return config;
}

static inline void test_refuses(const struct test_complaint *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct test_files texts = { rows[i].text, NULL };
        struct test_complaints complaints;
        struct config *config = NULL;
        int status = test_load(&texts, NULL, &complaints, &config);
        assert_string_equal(complaints.text, rows[i].complaint);
        assert_int_equal(status, -EINVAL);
        assert_null(config);
    }
}
