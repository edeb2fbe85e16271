/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/profile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SIXTY_FIVE "01234567890123456789012345678901234567890123456789012345678901234"

static char root[] = "/tmp/tacit-profile-XXXXXX";

static int make_home(void **state)
{
    (void)state;
    memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    if (mkdtemp(root) == NULL)
        return -1;
    return setenv("XDG_CONFIG_HOME", root, 1);
}

static int remove_home(void **state)
{
    (void)state;
    char command[sizeof(root) + 16];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", root);
    return system(command);
}

static struct profile sample(const char *name)
{
    struct profile profile = { .host = "broker.example", .port = 8883, .client_id = "lamp-1" };
    (void)snprintf(profile.name, sizeof(profile.name), "%s", name);
    (void)snprintf(profile.ca_file, sizeof(profile.ca_file), "/etc/\"quoted\" ca.pem");
    (void)snprintf(profile.key_file, sizeof(profile.key_file), "/keys/\xc3\xa4.key");
    return profile;
}

static void comes_back_as_it_was_saved(void **state)
{
    (void)state;
    struct profile saved = sample("lamp");
    struct profile loaded;
    assert_int_equal(profile_save(&saved), 0);
    assert_int_equal(profile_load("lamp", &loaded), 0);
    assert_string_equal(loaded.name, "lamp");
    assert_string_equal(loaded.host, saved.host);
    assert_int_equal(loaded.port, 8883);
    assert_string_equal(loaded.ca_file, saved.ca_file);
    assert_string_equal(loaded.key_file, saved.key_file);
    assert_string_equal(loaded.certificate_file, "");
    assert_string_equal(loaded.client_id, "lamp-1");
}

static void is_for_its_owner_only(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct stat file;
    struct profile saved = sample("lamp");
    (void)umask(0);
    assert_int_equal(profile_save(&saved), 0);
    assert_int_equal(profile_path("lamp", path, sizeof(path)), 0);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0700);
}

static void names_cannot_leave_the_folder(void **state)
{
    (void)state;
    static const char *const bad[] = { "",   ".",   "..",       "../x",    "a/b",
                                       "-h", "a b", "\xc3\xa4", SIXTY_FIVE };
    struct profile profile = sample("lamp");
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        assert_false(profile_name_is_valid(bad[i]));
        assert_int_equal(profile_load(bad[i], &profile), -EINVAL);
        assert_int_equal(profile_remove(bad[i]), -EINVAL);
    }
    assert_true(profile_name_is_valid("plant-7:a.b_C"));
}

static void default_is_the_first_the_only_or_the_chosen(void **state)
{
    (void)state;
    char name[PROFILE_NAME_SIZE];
    struct profile a = sample("a");
    struct profile b = sample("b");
    struct profile c = sample("c");
    assert_int_equal(profile_default(name), -ENOENT);
    assert_int_equal(profile_save(&b), 0);
    assert_int_equal(profile_save(&a), 0);
    assert_int_equal(profile_save(&c), 0);
    assert_int_equal(profile_default(name), 0);
    assert_string_equal(name, "b");
    assert_int_equal(profile_make_default("a"), 0);
    assert_int_equal(profile_default(name), 0);
    assert_string_equal(name, "a");
    assert_int_equal(profile_make_default("nobody"), -ENOENT);
    assert_int_equal(profile_remove("a"), 0);
    assert_int_equal(profile_default(name), -ENOTUNIQ);
    assert_int_equal(profile_remove("c"), 0);
    assert_int_equal(profile_default(name), 0);
    assert_string_equal(name, "b");
}

static void collect(void *context, const char *name)
{
    (void)strcat(context, name);
    (void)strcat(context, " ");
}

static void lists_in_order_and_nothing_else(void **state)
{
    (void)state;
    char path[PATH_MAX];
    char names[64] = "";
    struct profile b = sample("b");
    struct profile a = sample("a");
    assert_int_equal(profile_list(collect, names), 0);
    assert_string_equal(names, "");
    assert_int_equal(profile_save(&b), 0);
    assert_int_equal(profile_save(&a), 0);
    assert_int_equal(profile_path("a", path, sizeof(path)), 0);
    memcpy(strrchr(path, '/'), "/x.txt", sizeof("/x.txt"));
    FILE *stranger = fopen(path, "w");
    assert_non_null(stranger);
    assert_int_equal(fclose(stranger), 0);
    assert_int_equal(profile_list(collect, names), 0);
    assert_string_equal(names, "a b ");
}

static void refuses_what_is_not_a_profile(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{}",
        "{\"host\": 1}",
        "{\"host\": \"h\", \"port\": 0}",
        "{\"host\": \"h\", \"port\": 65536}",
        "{\"host\": \"h\", \"port\": \"1883\"}",
        "{\"host\": \"h\", \"host\": \"i\"}",
    };
    char path[PATH_MAX];
    struct profile profile = sample("p");
    assert_int_equal(profile_save(&profile), 0);
    assert_int_equal(profile_path("p", path, sizeof(path)), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        struct profile out = sample("untouched");
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(bad[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(profile_load("p", &out), -EBADMSG);
        assert_string_equal(out.name, "untouched");
    }
    assert_int_equal(profile_load("q", &profile), -ENOENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_home, remove_home)
    static const struct CMUnitTest tests[] = {
        TEST(comes_back_as_it_was_saved),      TEST(is_for_its_owner_only),
        TEST(names_cannot_leave_the_folder),   TEST(default_is_the_first_the_only_or_the_chosen),
        TEST(lists_in_order_and_nothing_else), TEST(refuses_what_is_not_a_profile),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
