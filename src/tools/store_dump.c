/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store_dump.h"

#include "core/journal_op.h"
#include "core/journal_record.h"
#include "tools/store_contents.h"
#include "tools/store_place.h"
#include "tools/store_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct dumping {
    const struct identity_options *options;
    struct store_contents contents;
};

/* Prints and releases it. NULL: out of memory. */
static int print(const struct dumping *dumping, json_t *object)
{
    if (object == NULL)
        return -ENOMEM;
    int error = 0;
    if (!dumping->options->json)
        store_record_print(object);
    else if (json_dumpf(object, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF)
        error = -EIO;
    json_decref(object);
    return ferror(stdout) != 0 ? -EIO : error;
}

/* Of bytes that are no such record the object says so; that is no failure here. */
static json_t *describe(const struct dumping *dumping, uint64_t key, struct mqtt_span bytes)
{
    json_t *object = store_record_head_json(key, bytes.len);
    if (object == NULL
        || store_record_add_json(object, key, bytes, dumping->options->payloads) != -ENOMEM)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- every operation ---- */

static json_t *describe_op(const struct dumping *dumping, const struct scan_frame *frame,
                           const struct journal_op *op)
{
    bool is_put = op->verb == JOURNAL_PUT;
    json_t *object =
        is_put ? describe(dumping, op->key, op->bytes) : store_record_head_json(op->key, 0);
    json_t *where =
        json_pack("{s:s, s:s, s:I, s:I}", "op", is_put ? "put" : "drop", "segment", frame->segment,
                  "offset", (json_int_t)frame->offset, "sequence", (json_int_t)frame->sequence);
    bool is_done = object != NULL && where != NULL && json_object_update(object, where) == 0
                   && (!frame->is_copy || json_object_set_new(object, "copy", json_true()) == 0)
                   && (op->body == 0
                       || json_object_set_new(object, "body",
                                              json_integer((json_int_t)journal_number_of(op->body)))
                              == 0)
                   && (is_put || json_object_del(object, "bytes") == 0);
    json_decref(where);
    if (is_done)
        return object;
    json_decref(object);
    return NULL;
}

static int print_ops(void *context, const struct scan_frame *frame)
{
    const struct dumping *dumping = context;
    struct mqtt_span ops = frame->ops;
    struct journal_op op;
    int more = journal_op_next(&ops, &op);
    for (; more == 1; more = journal_op_next(&ops, &op)) {
        int error = print(dumping, describe_op(dumping, frame, &op));
        if (error < 0)
            return error;
    }
    return 0;
}

/* ---- what lives ---- */

static int collect(void *context, const struct scan_frame *frame)
{
    struct dumping *dumping = context;
    int error = store_contents_apply(&dumping->contents, frame->ops);
    return error == -EBADMSG ? 0 : error;
}

static struct mqtt_span bytes_of(const struct store_item *item)
{
    return (struct mqtt_span){ item->bytes, item->len };
}

static int add_client_id(const struct dumping *dumping, json_t *object)
{
    struct journal_session session;
    json_t *number = json_object_get(object, "session");
    const struct store_item *item =
        number != NULL ? store_contents_find(
            &dumping->contents, journal_key(JOURNAL_SESSION, (uint64_t)json_integer_value(number)))
                       : NULL;
    if (item == NULL || journal_session_read(bytes_of(item), &session) < 0)
        return 0;
    return store_record_set_bytes(object, "client_id", session.client_id);
}

static int add_topic(const struct dumping *dumping, json_t *object, uint64_t body)
{
    struct journal_message message;
    const struct store_item *item =
        body != 0 ? store_contents_find(&dumping->contents, body) : NULL;
    if (item == NULL || journal_message_read(bytes_of(item), &message) < 0)
        return 0;
    if (json_object_set_new(object, "body", json_integer((json_int_t)journal_number_of(body))) < 0)
        return -ENOMEM;
    return store_record_set_bytes(object, "topic", message.topic);
}

static int print_living(const struct dumping *dumping)
{
    const struct store_contents *contents = &dumping->contents;
    int error = 0;
    for (size_t i = 0; i < contents->count && error == 0; i++) {
        const struct store_item *item = &contents->items[i];
        json_t *object = describe(dumping, item->key, bytes_of(item));
        if (object != NULL
            && (add_client_id(dumping, object) < 0 || add_topic(dumping, object, item->body) < 0)) {
            json_decref(object);
            object = NULL;
        }
        error = print(dumping, object);
    }
    return error;
}

int store_dump(const struct identity_options *options)
{
    struct store_place place;
    struct scan_summary summary = { 0 };
    struct dumping dumping = { .options = options, .contents = { .keeps_bytes = true } };
    const struct scan_hooks hooks = { .context = &dumping,
                                      .frame = options->all ? print_ops : collect };
    int result = store_place_open(options, &place);
    if (result != 0)
        return result;
    int error = store_place_scan(&place, &hooks, &summary);
    if (error == 0 && !options->all) {
        store_contents_settle(&dumping.contents, NULL, NULL);
        error = print_living(&dumping);
    }
    if (error < 0)
        result = store_place_fail(&place, error);
    else if (fflush(stdout) != 0)
        result = IDENTITY_EXIT_FAILED;
    if (error == 0 && summary.damages > 0)
        (void)fprintf(stderr, "%s: parts of it are damaged; tacit store check says which\n",
                      options->command);
    store_contents_fini(&dumping.contents);
    store_place_close(&place);
    return result;
}
