/* SPDX-License-Identifier: Apache-2.0 */
#include "config/testing.h"

static const struct test_complaint bad[] = {
    { "enrolment { port = many }",
      "dir/t.conf:1:20: port = \"many\": write a whole number from 1 to 65535" },
    { "enrolment { address = example.org }",
      "dir/t.conf:1:23: address = \"example.org\": write a numeric address, localhost, or \"*\" "
      "for all" },
    { "enrolment { port = 8883 }",
      "dir/t.conf:1:1: enrolment is at the same port as listener \"mqtts\"; give it another, or "
      "write port = off" },
    { "listener \"a\" { port = 8884 }\n"
      "enrolment { address = \"127.0.0.1\" }",
      "dir/t.conf:2:1: enrolment is at the same port as listener \"a\"; give it another, or write "
      "port = off" },
    { "enrolment { manufacturer \"acme\" { } }",
      "dir/t.conf:1:13: manufacturer \"acme\" has no 'ca'; write ca = \"manufacturer.pem\"\n"
      "dir/t.conf:1:13: manufacturer \"acme\" has no 'name'; write name = \"%{serial}\"\n"
      "dir/t.conf:1:13: manufacturer \"acme\" has no 'role'; write role = \"device\"" },
    { "enrolment { manufacturer \"acme\" {\n"
      " ca = \"a.pem\" name = fixed role = device } }",
      "dir/t.conf:2:22: name = \"fixed\": write \"%{serial}\" or \"%{common-name}\", or something "
      "around one of them, as in \"acme-%{serial}\"" },
    { "enrolment { manufacturer \"acme\" {\n"
      " ca = \"a.pem\" name = \"%{serial}%{serial}\" role = device } }",
      "dir/t.conf:2:22: name = \"%{serial}%{serial}\": write \"%{serial}\" or \"%{common-name}\", "
      "or something around one of them, as in \"acme-%{serial}\"" },
    { "enrolment { manufacturer \"acme\" {\n"
      " ca = \"\" name = \"%{serial}\" role = devcie } }",
      "dir/t.conf:2:7: 'ca' is empty; write ca = \"manufacturer.pem\"\n"
      "dir/t.conf:2:36: role = \"devcie\" names no role; did you mean \"device\"?" },
    { "enrolment { attestation-roots = \"\" }",
      "dir/t.conf:1:33: 'attestation-roots' is empty; name a file, or leave the line out" },
    { "enrolment { manufacturer \"a b\" {\n"
      " ca = x name = \"%{serial}\" role = device } }",
      "dir/t.conf:1:13: manufacturer \"a b\": a name is made of letters, digits and . _ : -" },
};

static void complaints(void **state)
{
    (void)state;
    test_refuses(bad, MQTT_ARRAY_LEN(bad));
}

static struct config *with_port(const char *text, uint16_t port)
{
    const struct test_files texts = { text, NULL };
    const struct config_overrides overrides = { .port = port, .shards = -1, .log_format = -1 };
    struct test_complaints complaint;
    struct config *config = NULL;
    int status = test_load(&texts, &overrides, &complaint, &config);

    assert_string_equal(complaint.text, "");
    assert_int_equal(status, 0);
    return config;
}

static const struct {
    const char *text; /* NULL: the built-in configuration */
    uint16_t port;    /* of --port; 0: none */
    bool is_on;
    uint16_t expected;
    const char *address;
} rows[] = {
    { NULL, 0, true, 8884, "" },
    { NULL, 1883, true, 1884, "" },
    { NULL, 65535, false, 0, NULL },
    { "shards = 1", 0, true, 8884, "" },
    { "listener \"a\" { address = \"127.0.0.1\" }", 0, true, 8884, "127.0.0.1" },
    { "listener \"a\" { port = 8884 }", 0, false, 0, NULL },
    { "listener \"a\" { tls = off address = localhost anonymous-role = device }", 0, false, 0,
      NULL },
    { "listener \"a\" { certificate = \"/c\" key = \"/k\" client-ca = \"/a\" }", 0, false, 0,
      NULL },
    { "listener \"a\" { certificate = \"/c\" key = \"/k\" client-ca = \"/a\" }\nenrolment { }", 0,
      true, 8884, "" },
    { "enrolment { port = off }", 0, false, 0, NULL },
    { "enrolment { port = 9000 address = \"::1\" }", 1883, true, 9000, "::1" },
};

static void where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct config *config = with_port(rows[i].text, rows[i].port);
        assert_int_equal(config->enrolment.is_on, rows[i].is_on);
        if (rows[i].is_on) {
            assert_int_equal(config->enrolment.port, rows[i].expected);
            assert_string_equal(config->enrolment.address, rows[i].address);
        }
        config_unref(config);
    }
}

static void manufacturers(void **state)
{
    struct config *config =
        test_load_good("enrolment {\n"
                       "  attestation-roots = \"makers.pem\"\n"
                       "  manufacturer \"acme\" { ca = \"acme.pem\" name = \"acme-%{serial}\"\n"
                       "    role = device tenant = t site = s }\n"
                       "}\n"
                       "enrolment { manufacturer \"other\" { ca = \"/x.pem\"\n"
                       "  name = \"%{common-name}\" role = device } }\n",
                       NULL);
    const struct config_enrolment *e = &config->enrolment;

    (void)state;
    assert_string_equal(e->attestation_roots, "dir/makers.pem");
    assert_int_equal(e->manufacturer_count, 2);
    assert_string_equal(e->manufacturers[0].name, "acme");
    assert_string_equal(e->manufacturers[0].ca, "dir/acme.pem");
    assert_string_equal(e->manufacturers[0].device_name, "acme-%{serial}");
    assert_string_equal(e->manufacturers[0].tenant, "t");
    assert_string_equal(e->manufacturers[0].site, "s");
    assert_string_equal(e->manufacturers[1].ca, "/x.pem");
    assert_null(e->manufacturers[1].tenant);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complaints),
        cmocka_unit_test(where_it_is),
        cmocka_unit_test(manufacturers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
