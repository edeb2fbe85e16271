/* SPDX-License-Identifier: Apache-2.0 */
#include "store/segment_reader.h"

#include "base/attrs.h"
#include "store/fake_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LARGE ((size_t)5 * 1024 * 1024 + 123) /* more than a huge page, and no round number */

static void put(struct fake_files *fake, const char *name, const uint8_t *bytes, size_t len)
{
    fake_files_put(fake, name, (struct mqtt_span){ bytes, len });
}

/* Here and there something among zeros, also at the edges of what is read at once. */
static void fill(uint8_t *bytes, size_t first)
{
    const size_t at[] = { 0, first, 1048575, 1048576, 3 * 65536 - 1, 4194304, LARGE - 1 };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(at); i++)
        bytes[at[i]] = (uint8_t)(i + 1);
}

static void what_was_read_is_what_is_there(void **state)
{
    struct fake_files *fake = fake_files_new(1);
    const struct files files = fake_files_port(fake);
    struct segment_bytes bytes = { 0 };
    uint8_t *wanted = calloc(1, LARGE);

    (void)state;
    assert_non_null(wanted);
    put(fake, "zeros", wanted, LARGE);
    fill(wanted, 1000);
    put(fake, "sparse", wanted, LARGE);
    assert_int_equal(segment_bytes_load(&files, "sparse", UINT64_MAX, &bytes), 0);
    assert_int_equal(bytes.len, LARGE);
    assert_memory_equal(bytes.data, wanted, LARGE);
    /* Into memory that another one's bytes are in. */
    memset(wanted, 0, LARGE);
    assert_int_equal(segment_bytes_load(&files, "zeros", UINT64_MAX, &bytes), 0);
    assert_memory_equal(bytes.data, wanted, LARGE);
    fill(wanted, 1000);
    assert_int_equal(segment_bytes_load(&files, "sparse", 3 * 65536, &bytes), 0);
    assert_int_equal(bytes.len, 3 * 65536);
    assert_memory_equal(bytes.data, wanted, 3 * 65536);
    segment_bytes_fini(&bytes);
    assert_null(bytes.data);
    free(wanted);
    fake_files_free(fake);
}

static struct files known;
static unsigned reads;

static int64_t counted_read(struct file *file, uint64_t offset, void *into, size_t len)
{
    reads++;
    return known.read(file, offset, into, len);
}

/* As exact as no file system is. */
static uint64_t find_not_zero(struct file *file, uint64_t offset)
{
    uint8_t bytes[4096];

    for (int64_t n; (n = known.read(file, offset, bytes, sizeof(bytes))) > 0; offset += (uint64_t)n)
        for (int64_t i = 0; i < n; i++)
            if (bytes[i] != 0)
                return offset + (uint64_t)i;
    return UINT64_MAX;
}

static void what_is_known_to_be_zero_is_not_read(void **state)
{
    struct fake_files *fake = fake_files_new(1);
    struct segment_bytes bytes = { 0 };
    uint8_t *wanted = calloc(1, LARGE);

    (void)state;
    assert_non_null(wanted);
    known = fake_files_port(fake);
    struct files files = known;
    files.read = counted_read;
    files.find_data = find_not_zero;
    fill(wanted, 1000);
    put(fake, "sparse", wanted, LARGE);
    reads = 0;
    assert_int_equal(segment_bytes_load(&files, "sparse", UINT64_MAX, &bytes), 0);
    assert_memory_equal(bytes.data, wanted, LARGE);
    /* The beginning, and the megabytes behind what is not zero. */
    assert_in_range(reads, 4, 1 + 2 * 16 + 1);
    segment_bytes_fini(&bytes);
    memset(wanted + 1, 0, LARGE - 1);
    put(fake, "short", wanted, LARGE);
    reads = 0;
    assert_int_equal(segment_bytes_load(&files, "short", UINT64_MAX, &bytes), 0);
    assert_memory_equal(bytes.data, wanted, LARGE);
    assert_int_equal(reads, 1);
    segment_bytes_fini(&bytes);
    free(wanted);
    fake_files_free(fake);
}

static void a_small_one_grows(void **state)
{
    struct fake_files *fake = fake_files_new(1);
    const struct files files = fake_files_port(fake);
    struct segment_bytes bytes = { 0 };
    uint8_t *wanted = calloc(1, LARGE);

    (void)state;
    assert_non_null(wanted);
    fill(wanted, 7);
    put(fake, "small", wanted, 4096);
    put(fake, "large", wanted, LARGE);
    assert_int_equal(segment_bytes_load(&files, "small", UINT64_MAX, &bytes), 0);
    assert_memory_equal(bytes.data, wanted, 4096);
    assert_int_equal(segment_bytes_load(&files, "large", UINT64_MAX, &bytes), 0);
    assert_memory_equal(bytes.data, wanted, LARGE);
    segment_bytes_fini(&bytes);
    free(wanted);
    fake_files_free(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_read_is_what_is_there),
        cmocka_unit_test(what_is_known_to_be_zero_is_not_read),
        cmocka_unit_test(a_small_one_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
