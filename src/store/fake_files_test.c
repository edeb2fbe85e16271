/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fake_files.h"

#include "base/attrs.h"
#include "store/fake_sectors.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTCOMES 400u
#define SECTORS  16u /* of the file of the tests: two blocks */

static struct fake_files *fake;
static struct files port;

static int set_up(void **state)
{
    (void)state;
    fake = fake_files_new(7);
    port = fake_files_port(fake);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_files_free(fake);
    return 0;
}

static struct file *make(const char *name)
{
    struct file *file = NULL;

    assert_int_equal(port.open(port.context, name, FILE_CREATE, &file), 0);
    return file;
}

/* Fills a sector with one letter. */
static int fill(struct file *file, unsigned sector, char letter)
{
    uint8_t bytes[FAKE_SECTOR_BYTES];
    const struct mqtt_span pieces[] = { { bytes, 100 }, { bytes + 100, sizeof(bytes) - 100 } };

    memset(bytes, letter, sizeof(bytes));
    return port.write(file, (uint64_t)sector * FAKE_SECTOR_BYTES, pieces, MQTT_ARRAY_LEN(pieces));
}

/* A durable file of SECTORS sectors of 'a'. */
static struct file *make_durable(const char *name)
{
    struct file *file = make(name);

    for (unsigned i = 0; i < SECTORS; i++)
        assert_int_equal(fill(file, i, 'a'), 0);
    assert_int_equal(port.sync(file), 0);
    assert_int_equal(port.sync_folder(port.context), 0);
    return file;
}

/* The letter of a sector; '?' if it is torn. */
static char letter_of(struct mqtt_span bytes, unsigned sector)
{
    const uint8_t *at = bytes.data + (size_t)sector * FAKE_SECTOR_BYTES;

    assert_true(bytes.len >= (size_t)(sector + 1) * FAKE_SECTOR_BYTES);
    for (size_t i = 1; i < FAKE_SECTOR_BYTES; i++)
        if (at[i] != at[0])
            return '?';
    return (char)at[0];
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t back[8];
    const struct mqtt_span pieces[] = { span_of("one "), span_of(""), span_of("two") };
    struct file *file = make("f");
    struct file *other = NULL;

    assert_int_equal(port.write(file, 600, pieces, MQTT_ARRAY_LEN(pieces)), 0);
    assert_int_equal(port.size(file), 607);
    assert_int_equal(port.read(file, 600, back, sizeof(back)), 7);
    assert_memory_equal(back, "one two", 7);
    assert_int_equal(port.read(file, 0, back, 1), 1);
    assert_int_equal(back[0], 0);
    assert_int_equal(port.read(file, 607, back, 1), 0);
    assert_int_equal(port.truncate(file, 601), 0);
    assert_int_equal(port.truncate(file, 604), 0);
    assert_int_equal(port.read(file, 600, back, sizeof(back)), 4);
    assert_memory_equal(back, "o\0\0\0", 4);
    assert_int_equal(port.open(port.context, "f", FILE_CREATE, &other), -EEXIST);
    assert_int_equal(port.open(port.context, "g", FILE_CHANGE, &other), -ENOENT);
    assert_int_equal(port.open(port.context, "f", FILE_NONE, &other), -EINVAL);
    assert_int_equal(port.open(port.context, "f", FILE_READ, &other), 0);
    assert_int_equal(port.write(other, 0, pieces, 1), -EBADF);
    port.close(other);
    port.close(file);
    port.close(NULL);
}

/* Each sector, the size and the name are found old or new, in every combination of two. */
static void what_is_not_synced_may_be_old_or_new(void **state)
{
    (void)state;
    unsigned seen[2][2] = { { 0 } };
    struct file *file = make_durable("f");

    assert_int_equal(fill(file, 3, 'b'), 0);
    assert_int_equal(fill(file, 9, 'b'), 0);
    fake_files_cut(fake);
    assert_int_equal(fill(file, 4, 'b'), -EIO);
    for (uint64_t seed = 1; seed <= OUTCOMES; seed++) {
        struct fake_files *after = fake_files_after_cut(fake, seed, false);
        struct mqtt_span found = fake_files_get(after, "f");
        assert_int_equal(found.len, SECTORS * FAKE_SECTOR_BYTES);
        for (unsigned i = 0; i < SECTORS; i++)
            assert_true(letter_of(found, i) == 'a' || i == 3 || i == 9);
        seen[letter_of(found, 3) == 'b'][letter_of(found, 9) == 'b']++;
        fake_files_free(after);
    }
    assert_true(seen[0][0] > 0 && seen[0][1] > 0 && seen[1][0] > 0 && seen[1][1] > 0);
    port.close(file);
}

static void a_sector_written_twice_may_be_found_as_in_between(void **state)
{
    (void)state;
    unsigned seen[3] = { 0 };
    struct file *file = make_durable("f");

    assert_int_equal(fill(file, 0, 'b'), 0);
    assert_int_equal(fill(file, 0, 'c'), 0);
    fake_files_cut(fake);
    for (uint64_t seed = 1; seed <= OUTCOMES; seed++) {
        struct fake_files *after = fake_files_after_cut(fake, seed, false);
        seen[letter_of(fake_files_get(after, "f"), 0) - 'a']++;
        fake_files_free(after);
    }
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
    port.close(file);
}

static void what_is_synced_stays_whatever_happens(void **state)
{
    (void)state;
    struct file *file = make_durable("f");

    assert_int_equal(fill(file, 2, 'b'), 0);
    assert_int_equal(port.sync(file), 0);
    assert_int_equal(fill(file, 12, 'c'), 0);
    fake_files_cut(fake);
    for (uint64_t seed = 1; seed <= OUTCOMES; seed++) {
        struct fake_files *after = fake_files_after_cut(fake, seed, true);
        struct mqtt_span found = fake_files_get(after, "f");
        for (unsigned i = 0; i < FAKE_BLOCK_BYTES / FAKE_SECTOR_BYTES; i++)
            assert_int_equal(letter_of(found, i), i == 2 ? 'b' : 'a');
        fake_files_free(after);
    }
    port.close(file);
}

/* A torn write spoils the block of 4096 bytes it lies in, synced neighbours included. */
static void a_block_being_written_may_be_torn(void **state)
{
    (void)state;
    unsigned torn = 0;
    unsigned neighbours = 0;
    struct file *file = make_durable("f");

    assert_int_equal(fill(file, 12, 'c'), 0);
    fake_files_cut(fake);
    for (uint64_t seed = 1; seed <= OUTCOMES; seed++) {
        struct fake_files *after = fake_files_after_cut(fake, seed, true);
        torn += letter_of(fake_files_get(after, "f"), 12) == '?';
        neighbours += letter_of(fake_files_get(after, "f"), 11) == '?';
        fake_files_free(after);
    }
    assert_true(torn > 0 && neighbours > 0);
    port.close(file);
}

static void sizes_are_undecided_until_the_sync(void **state)
{
    (void)state;
    unsigned seen[3] = { 0 };
    struct file *file = make_durable("f");

    assert_int_equal(port.reserve(file, 20 * FAKE_SECTOR_BYTES), 0);
    assert_int_equal(port.truncate(file, 1 * FAKE_SECTOR_BYTES), 0);
    fake_files_cut(fake);
    for (uint64_t seed = 1; seed <= OUTCOMES; seed++) {
        struct fake_files *after = fake_files_after_cut(fake, seed, false);
        size_t sectors = fake_files_get(after, "f").len / FAKE_SECTOR_BYTES;
        assert_true(sectors == 1 || sectors == 16 || sectors == 20);
        seen[sectors == 1 ? 0 : sectors == 16 ? 1 : 2]++;
        fake_files_free(after);
    }
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
    port.close(file);
}

static void names_are_undecided_until_the_folder_is_synced(void **state)
{
    (void)state;
    unsigned created[2] = { 0 };
    unsigned renamed[2] = { 0 };
    unsigned removed[2] = { 0 };

    port.close(make_durable("old"));
    port.close(make_durable("gone"));
    port.close(make("new"));
    assert_int_equal(port.rename(port.context, "old", "moved"), 0);
    assert_int_equal(port.rename(port.context, "old", "moved"), -ENOENT);
    assert_int_equal(port.remove(port.context, "gone"), 0);
    assert_int_equal(port.remove(port.context, "gone"), -ENOENT);
    fake_files_cut(fake);
    for (uint64_t seed = 1; seed <= OUTCOMES; seed++) {
        struct fake_files *after = fake_files_after_cut(fake, seed, false);
        assert_true(fake_files_has(after, "old") != fake_files_has(after, "moved"));
        created[fake_files_has(after, "new")]++;
        renamed[fake_files_has(after, "moved")]++;
        removed[!fake_files_has(after, "gone")]++;
        fake_files_free(after);
    }
    assert_true(created[0] > 0 && created[1] > 0 && renamed[0] > 0 && renamed[1] > 0);
    assert_true(removed[0] > 0 && removed[1] > 0);
}

static void a_rename_replaces_at_once(void **state)
{
    (void)state;
    unsigned seen[2] = { 0 };
    struct file *file = make_durable("f");

    port.close(file);
    file = make("f.new");
    for (unsigned i = 0; i < SECTORS; i++)
        assert_int_equal(fill(file, i, 'n'), 0);
    assert_int_equal(port.sync(file), 0);
    assert_int_equal(port.rename(port.context, "f.new", "f"), 0);
    port.close(file);
    fake_files_cut(fake);
    for (uint64_t seed = 1; seed <= OUTCOMES; seed++) {
        struct fake_files *after = fake_files_after_cut(fake, seed, true);
        struct mqtt_span found = fake_files_get(after, "f");
        char letter = letter_of(found, 0);
        assert_int_equal(letter_of(found, SECTORS - 1), letter);
        seen[letter == 'n']++;
        fake_files_free(after);
    }
    assert_true(seen[0] > 0 && seen[1] > 0);
}

static void the_same_seed_gives_the_same_outcome(void **state)
{
    (void)state;
    struct file *file = make_durable("f");

    for (unsigned i = 0; i < SECTORS; i++)
        assert_int_equal(fill(file, i, 'b'), 0);
    fake_files_cut(fake);
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct fake_files *one = fake_files_after_cut(fake, seed, true);
        struct fake_files *two = fake_files_after_cut(fake, seed, true);
        assert_true(span_equal(fake_files_get(one, "f"), fake_files_get(two, "f")));
        fake_files_free(one);
        fake_files_free(two);
    }
    port.close(file);
}

static void the_power_goes_at_the_operation_asked_for(void **state)
{
    (void)state;
    char byte;
    struct file *file = make_durable("f");

    fake_files_cut_at(fake, 2);
    assert_int_equal(fill(file, 0, 'b'), 0);
    assert_int_equal(port.size(file), SECTORS * FAKE_SECTOR_BYTES);
    assert_false(fake_files_is_cut(fake));
    assert_int_equal(port.sync(file), -EIO);
    assert_true(fake_files_is_cut(fake));
    assert_int_equal(port.size(file), -EIO);
    assert_int_equal(port.read(file, 0, &byte, 1), -EIO);
    assert_int_equal(port.sync_folder(port.context), -EIO);
    port.close(file);
}

static void operations_fail_when_they_are_told_to(void **state)
{
    (void)state;
    struct file *file = make_durable("f");
    uint64_t before = fake_files_count(fake, FAKE_WRITE);

    fake_files_fail(fake, FAKE_WRITE, 2, EIO, false);
    assert_int_equal(fill(file, 0, 'b'), 0);
    assert_int_equal(fill(file, 1, 'b'), -EIO);
    assert_int_equal(fill(file, 1, 'b'), 0);
    assert_int_equal(fake_files_count(fake, FAKE_WRITE), before + 3);
    fake_files_fail(fake, FAKE_CHANGE, 1, EROFS, true);
    assert_int_equal(fill(file, 1, 'b'), -EROFS);
    assert_int_equal(port.remove(port.context, "f"), -EROFS);
    assert_int_equal(port.sync(file), -EROFS);
    assert_int_equal(port.size(file), SECTORS * FAKE_SECTOR_BYTES);
    fake_files_fail(fake, FAKE_CHANGE, 0, 0, false);
    assert_int_equal(port.sync(file), 0);
    port.close(file);
}

/* As Linux does it: what a failed sync has lost, a later good one does not bring. */
static void a_failed_sync_loses_what_was_not_synced(void **state)
{
    (void)state;
    unsigned lost = 0;
    struct file *file = make_durable("f");

    for (unsigned i = 0; i < SECTORS; i++)
        assert_int_equal(fill(file, i, 'b'), 0);
    fake_files_fail(fake, FAKE_SYNC, 1, EIO, false);
    assert_int_equal(port.sync(file), -EIO);
    assert_int_equal(port.sync(file), 0);
    assert_int_equal(letter_of(fake_files_get(fake, "f"), 0), 'b');
    fake_files_cut(fake);
    struct fake_files *after = fake_files_after_cut(fake, 1, false);
    for (unsigned i = 0; i < SECTORS; i++)
        lost += letter_of(fake_files_get(after, "f"), i) == 'a';
    assert_true(lost > 0 && lost < SECTORS);
    fake_files_free(after);
    port.close(file);
}

static void the_disk_can_be_full(void **state)
{
    (void)state;
    struct file *file = make("f");
    struct file *other = NULL;

    fake_files_bound(fake, 10 * FAKE_SECTOR_BYTES);
    assert_int_equal(port.reserve(file, 8 * FAKE_SECTOR_BYTES), 0);
    other = make("g");
    assert_int_equal(port.reserve(other, 4 * FAKE_SECTOR_BYTES), -ENOSPC);
    assert_int_equal(port.size(other), 0);
    assert_int_equal(fill(other, 0, 'b'), 0);
    assert_int_equal(fill(other, 2, 'b'), -ENOSPC);
    assert_int_equal(fill(file, 7, 'b'), 0); /* it was reserved */
    assert_int_equal(fake_files_used(fake), 9 * FAKE_SECTOR_BYTES);
    assert_int_equal(port.remove(port.context, "f"), 0);
    assert_int_equal(fill(other, 2, 'b'), -ENOSPC); /* somebody has it open */
    port.close(file);
    assert_int_equal(fill(other, 2, 'b'), 0);
    port.close(other);
}

static int count_name(void *visitor, const char *name)
{
    unsigned *count = visitor;

    assert_true(strcmp(name, "a") == 0 || strcmp(name, "b") == 0);
    return ++*count == 5 ? -ECANCELED : 0;
}

static void names_are_listed(void **state)
{
    (void)state;
    unsigned count = 0;

    fake_files_put(fake, "a", span_of("durable"));
    port.close(make("b"));
    assert_int_equal(port.list(port.context, count_name, &count), 0);
    assert_int_equal(count, 2);
    count = 4;
    assert_int_equal(port.list(port.context, count_name, &count), -ECANCELED);
    assert_true(fake_files_flip(fake, "a", 0, 1));
    assert_true(span_equal(fake_files_get(fake, "a"), span_of("eurable")));
    assert_false(fake_files_flip(fake, "a", 7, 1));
    assert_false(fake_files_flip(fake, "c", 0, 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(what_is_not_synced_may_be_old_or_new),
        TEST(a_sector_written_twice_may_be_found_as_in_between),
        TEST(what_is_synced_stays_whatever_happens),
        TEST(a_block_being_written_may_be_torn),
        TEST(sizes_are_undecided_until_the_sync),
        TEST(names_are_undecided_until_the_folder_is_synced),
        TEST(a_rename_replaces_at_once),
        TEST(the_same_seed_gives_the_same_outcome),
        TEST(the_power_goes_at_the_operation_asked_for),
        TEST(operations_fail_when_they_are_told_to),
        TEST(a_failed_sync_loses_what_was_not_synced),
        TEST(the_disk_can_be_full),
        TEST(names_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
