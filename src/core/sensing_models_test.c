/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sensing_models.h"

#include "core/sensing_keep.h"
#include "core/sensing_order.h"
#include "core/sensing_testing.h"
#include "core/state.h"

#include <errno.h>
#include <stdlib.h>

struct file {
    uint8_t *bytes;
    size_t len;
};

static struct mqtt_span span_of_file(const struct file *file)
{
    return (struct mqtt_span){ file->bytes, file->len };
}

/* What goes into a file: one role, and a device if there is one. */
struct content {
    struct sensing_part_head head;
    struct sensing_part_role role_head;
    const struct sense_role *role;
    const struct sensed *device;
};

static void emit(void *context, struct sensing_part_writer *writer)
{
    const struct content *content = context;

    sensing_part_put_role(writer, span_of("device"), &content->role_head, content->role);
    if (content->device != NULL)
        sensing_part_put_device(writer, content->device->by_name.key, 0, &content->device->device);
}

static struct file write_file(struct content *content)
{
    struct file file;

    assert_int_equal(sensing_part_write(sensing_models_line(), &content->head, emit, content,
                                        &file.bytes, &file.len),
                     0);
    return file;
}

/* A fleet that is watched, and what it has taught. */
static void learned(struct watch *watch, struct content *content)
{
    watch_init(watch, NULL);
    learn(watch);
    watch->options.port.entered = NULL;
    assert_true(sensing_set(broker_of(watch), &watch->options, watch->world.now_ms));
    memset(content, 0, sizeof(*content));
    content->head.window_ms = SENSE_WINDOW_MS;
    content->role_head.windows = 7;
    content->role = &sensed_of(watch->fleet[0])->role->model;
}

static void fresh(struct watch *watch, const struct limits *limits)
{
    watch_init(watch, limits);
    watch->options.port.entered = NULL;
    assert_true(sensing_set(broker_of(watch), &watch->options, watch->world.now_ms));
}

static struct sensing_outcome take(struct watch *watch, const struct file *file)
{
    const struct sensing_order order = { .kind = SENSING_ORDER_TAKE, .models = span_of_file(file) };
    struct sensing_outcome outcome;

    sensing_order_carry_out(broker_of(watch), &order, watch->world.now_ms, &outcome);
    return outcome;
}

/* A broker that has learned nothing tells of a flood in the first window of a device. */
static void a_model_is_known_from_the_first_message(void **state)
{
    (void)state;
    struct watch teacher, pupil;
    struct content content;

    learned(&teacher, &content);
    struct file file = write_file(&content);
    assert_int_equal(sensing_models_check(span_of_file(&file)), 0);
    fresh(&pupil, NULL);
    fleet_come(&pupil);
    run(&pupil, 5);
    assert_int_equal(take(&pupil, &file).result, SENSING_DONE);
    assert_int_equal(sensed_of(pupil.fleet[0])->role->model.phase, SENSE_WATCH);
    assert_int_equal(sensed_of(pupil.fleet[0])->role->windows, 7);
    run(&pupil, 20);
    assert_int_equal(told(&pupil), 0);
    struct world_peer *newcomer = come(&pupil, "new");
    for (unsigned i = 0; i < 300; i++)
        publish(newcomer, "t");
    assert_int_equal(pupil.told[SENSING_OF_DEVICE], 1);
    assert_string_equal(pupil.device, "new");
    world_fini(&teacher.world);
    world_fini(&pupil.world);
    free(file.bytes);
}

static void windows_of_another_length_are_refused(void **state)
{
    (void)state;
    struct watch watch;
    struct content content;

    learned(&watch, &content);
    content.head.window_ms = 1000;
    struct file file = write_file(&content);
    struct sensing_outcome outcome = take(&watch, &file);
    assert_int_equal(outcome.result, SENSING_REFUSED);
    assert_non_null(strstr(outcome.text, "windows of 1000 ms"));
    world_fini(&watch.world);
    free(file.bytes);
}

static void no_more_roles_than_there_is_room_for(void **state)
{
    (void)state;
    struct watch teacher, pupil;
    struct content content;
    struct limits limits = limits_default();

    learned(&teacher, &content);
    struct file file = write_file(&content);
    limits.sense_roles = 1;
    fresh(&pupil, &limits);
    assert_non_null(sensing_role_at(broker_of(&pupil)->sensing, span_of("other"), 0));
    assert_int_equal(take(&pupil, &file).result, SENSING_REFUSED);
    assert_int_equal(broker_of(&pupil)->sensing->roles.count, 1);
    world_fini(&teacher.world);
    world_fini(&pupil.world);
    free(file.bytes);
}

/* With the same key a device brings its topics along; with another one its rhythm and its sizes. */
static void topics_come_along_with_their_key(void **state)
{
    (void)state;
    struct watch teacher, pupil;
    struct content content;

    learned(&teacher, &content);
    content.device = sensed_of(teacher.fleet[2]);
    content.head.key = teacher.options.key;
    struct file same = write_file(&content);
    content.head.key = (struct siphash_key){ 8, 9 };
    struct file other = write_file(&content);
    fresh(&pupil, NULL);
    fleet_come(&pupil);
    const struct sense_device *device = &sensed_of(pupil.fleet[2])->device;
    assert_int_equal(take(&pupil, &same).result, SENSING_DONE);
    assert_int_equal(device->windows, content.device->device.windows);
    publish(pupil.fleet[2], "t");
    assert_int_equal(device->window.counts[SENSE_NEW_TOPICS], 0);
    assert_int_equal(take(&pupil, &other).result, SENSING_DONE);
    assert_int_equal(device->windows, 0);
    assert_int_equal(device->active, content.device->device.active);
    assert_int_equal(device->address, 0);
    publish(pupil.fleet[2], "t");
    assert_int_equal(device->window.counts[SENSE_NEW_TOPICS], 1);
    run(&pupil, 20);
    assert_int_equal(told(&pupil), 0);
    world_fini(&teacher.world);
    world_fini(&pupil.world);
    free(same.bytes);
    free(other.bytes);
}

static void what_it_is_not_is_said(void **state)
{
    (void)state;
    struct watch watch;
    struct content content;

    learned(&watch, &content);
    struct file file = write_file(&content);
    size_t line = sensing_models_line().len;
    for (size_t i = 0; i < file.len; i += i < 512 ? 1 : 499) {
        file.bytes[i] ^= 4;
        int status = sensing_models_check(span_of_file(&file));
        if (i < line)
            assert_int_equal(status, -EINVAL);
        else
            assert_true(status == -EBADMSG || (status == -EPROTO && i < line + 20));
        file.bytes[i] ^= 4;
    }
    for (size_t len = 0; len < file.len; len += len < 512 ? 1 : 499) {
        uint8_t *cut = malloc(len + 1);
        assert_non_null(cut);
        memcpy(cut, file.bytes, len);
        assert_int_equal(sensing_models_check((struct mqtt_span){ cut, len }),
                         len < line ? -EINVAL : -EBADMSG);
        free(cut);
    }
    assert_int_equal(sensing_models_check(span_of_file(&file)), 0);
    world_fini(&watch.world);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_known_from_the_first_message),
        cmocka_unit_test(windows_of_another_length_are_refused),
        cmocka_unit_test(no_more_roles_than_there_is_room_for),
        cmocka_unit_test(topics_come_along_with_their_key),
        cmocka_unit_test(what_it_is_not_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
