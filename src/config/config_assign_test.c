/* SPDX-License-Identifier: Apache-2.0 */
#include "config/testing.h"

static const struct test_complaint bad[] = {
    /* assignments */
    { "assign \"p\" { role = device }",
      "dir/t.conf:1:1: assign \"p\" says nothing of the certificate; write common-name, "
      "organization, organizational-unit or issuer, or use certificate-role of the listener" },
    { "assign \"p\" { common-name = x }",
      "dir/t.conf:1:1: assign \"p\" assigns no role; write role = \"...\"" },
    { "assign \"p\" { organization = x role = devcie }",
      "dir/t.conf:1:38: role = \"devcie\" names no role; did you mean \"device\"?" },
    { "assign \"p\" { organization = x role = thermostat }",
      "dir/t.conf:1:38: role = \"thermostat\" names no role; define role \"thermostat\" "
      "{ ... } or name another" },
    { "assign \"p p\" { issuer = x role = device }",
      "dir/t.conf:1:1: assign \"p p\": a name is made of letters, digits and . _ : -" },
    { "assign \"p\" { issuer = \"\" role = device }",
      "dir/t.conf:1:23: 'issuer' is empty; write a value or remove it" },
    { "assign \"p\" { issuer = x role = device tenant = \"a/b\" }",
      "dir/t.conf:1:48: tenant = \"a/b\": a name is made of letters, digits and . _ : "
      "-" },
    { "assign \"p\" { issuer = x role = device site = \"$x\" }",
      "dir/t.conf:1:46: site = \"$x\": a name is made of letters, digits and . _ : -" },
    { "assign \"p\" { issuer = x role = device }\n"
      "assign \"p\" { issuer = y role = device }",
      "dir/t.conf:2:1: there is another assign \"p\" in line 1 of dir/t.conf; join them "
      "or rename one" },
};

static void bad_assignments(void **state)
{
    (void)state;
    test_refuses(bad, MQTT_ARRAY_LEN(bad));
}

static void assignments(void **state)
{
    struct config *config = test_load_good(
        "include = more.conf\n"
        "assign \"pumps\" {\n  organization = \"Pumps & Sons\"\n"
        "  organizational-unit = \"water\"\n  role = pump tenant = acme site = north\n}\n"
        "role \"pump\" { }",
        "assign \"one\" { common-name = \"sn-1\" issuer = \"Acme CA\" role = pump }");

    (void)state;
    assert_int_equal(config->assign_count, 2);
    const struct config_assign *pumps = &config->assigns[0];
    assert_string_equal(pumps->name, "pumps");
    assert_null(pumps->common_name);
    assert_string_equal(pumps->organization, "Pumps & Sons");
    assert_string_equal(pumps->organizational_unit, "water");
    assert_null(pumps->issuer);
    assert_string_equal(pumps->role, "pump");
    assert_string_equal(pumps->tenant, "acme");
    assert_string_equal(pumps->site, "north");
    assert_string_equal(pumps->origin.file, "dir/t.conf");
    assert_int_equal(pumps->origin.line, 2);
    assert_int_equal(pumps->origin.column, 1);
    const struct config_assign *one = &config->assigns[1];
    assert_string_equal(one->common_name, "sn-1");
    assert_string_equal(one->issuer, "Acme CA");
    assert_null(one->tenant);
    assert_null(one->site);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_assignments),
        cmocka_unit_test(assignments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
