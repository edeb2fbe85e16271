/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/key_block.h"

#include "pki/blocked_folder.h"
#include "pki/blocked_keys.h"
#include "pki/key_use.h"
#include "pki/public_key.h"
#include "pki/registry.h"
#include "pki/state.h"
#include "tools/identity_print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fail(const struct identity_options *o, const struct pki_fault *fault)
{
    return identity_options_fail(o, IDENTITY_EXIT_FAILED, "%s", fault->text);
}

static int open_registry(const struct identity_options *o, struct registry **out,
                         struct pki_fault *fault)
{
    char path[STATE_PATH_SIZE];
    int error = state_check(o->state, fault);
    if (error == 0)
        error = state_path(o->state, STATE_REGISTRY, path);
    return error == 0 ? registry_open(path, out, fault) : error;
}

static int finish(void)
{
    return fflush(stdout) == 0 ? IDENTITY_EXIT_DONE : IDENTITY_EXIT_FAILED;
}

/* ---- block ---- */

struct blocking {
    const struct identity_options *options;
    struct registry *registry;
    json_t *array; /* NULL: for people */
    struct pki_fault fault;
};

static int report(struct blocking *b, const uint8_t *key_sha256, bool is_new)
{
    char hex[65];
    char owner[IDENTITY_URI_NAME_SIZE] = "";
    int error = key_use_find(b->registry, key_sha256, owner, &b->fault);
    if (error < 0 && error != -ENOENT)
        return error;
    (void)identity_print_hash(key_sha256, hex);
    if (b->array != NULL)
        return json_array_append_new(b->array, json_pack("{s:s, s:b, s:s?}", "key_sha256", hex,
                                                         "is_new", (int)is_new, "device",
                                                         owner[0] != '\0' ? owner : NULL));
    (void)printf("%s is blocked%s\n", hex, is_new ? "" : " already; it stays so as it was");
    if (owner[0] != '\0')
        (void)printf("  it is the key of '%s', which comes in again with a new key only\n", owner);
    return 0;
}

static int block_one(struct blocking *b, const uint8_t *key_sha256)
{
    struct blocked_key key = { .reason = "blocked by hand" };
    if (b->options->reason != NULL)
        (void)snprintf(key.reason, sizeof(key.reason), "%s", b->options->reason);
    memcpy(key.key_sha256, key_sha256, sizeof(key.key_sha256));
    int error = blocked_keys_add(b->registry, &key, &b->fault);
    if (error < 0 && error != -EEXIST)
        return error;
    return report(b, key_sha256, error == 0);
}

static int block_file(struct blocking *b, const char *file)
{
    struct public_key key;
    int error = public_key_load(file, &key, &b->fault);
    if (error < 0)
        return error;
    error = block_one(b, key.sha256);
    public_key_fini(&key);
    return error;
}

/* As the lists have it, so that what is blocked here can be exported and imported. */
static bool is_reason(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return len > 0 && len < BLOCKED_REASON_SIZE;
}

static int check_arguments(const struct identity_options *o, uint8_t out[BLOCKED_KEY_BYTES])
{
    if (o->sha256 == NULL && o->operand_count == 0)
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "which one? Give a file that has it, or --sha256");
    if (o->sha256 != NULL && !blocked_list_decode(span_of(o->sha256), out, BLOCKED_KEY_BYTES))
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "'%s' is no SHA-256: 64 hexadecimal digits", o->sha256);
    if (o->reason != NULL && !is_reason(o->reason))
        return identity_options_fail(o, IDENTITY_EXIT_USAGE,
                                     "the reason is 1 to %d characters of printable ASCII",
                                     BLOCKED_REASON_SIZE - 1);
    return 0;
}

int key_block(const struct identity_options *options)
{
    uint8_t key_sha256[BLOCKED_KEY_BYTES];
    struct blocking b = { .options = options, .fault = { "out of memory" } };
    int usage = check_arguments(options, key_sha256);
    if (usage != 0)
        return usage;
    if (open_registry(options, &b.registry, &b.fault) < 0)
        return fail(options, &b.fault);
    b.array = options->json ? json_array() : NULL;
    int error = options->sha256 != NULL ? block_one(&b, key_sha256) : 0;
    for (int i = 0; i < options->operand_count && error == 0; i++)
        error = block_file(&b, options->operands[i]);
    registry_close(b.registry);
    if (error < 0) {
        json_decref(b.array);
        return fail(options, &b.fault);
    }
    return options->json ? identity_print_document(b.array) : finish();
}

/* ---- unblock ---- */

int key_block_undo(const struct identity_options *options)
{
    uint8_t key_sha256[BLOCKED_KEY_BYTES];
    struct registry *registry = NULL;
    struct pki_fault fault = { "out of memory" };
    const char *hex = options->operands[0];
    if (!blocked_list_decode(span_of(hex), key_sha256, BLOCKED_KEY_BYTES))
        return identity_options_fail(options, IDENTITY_EXIT_USAGE,
                                     "'%s' is no SHA-256: 64 hexadecimal digits. A modulus goes "
                                     "with its list: remove that from %s/blocked-keys",
                                     hex, options->state);
    int error = open_registry(options, &registry, &fault);
    if (error == 0)
        error = blocked_keys_remove(registry, key_sha256, &fault);
    registry_close(registry);
    if (error < 0)
        return fail(options, &fault);
    if (options->json)
        return identity_print_document(json_pack("{s:s}", "unblocked", hex));
    (void)printf("%s is not blocked any more\n", hex);
    return finish();
}

/* ---- import ---- */

int key_block_import(const struct identity_options *options)
{
    struct registry *registry = NULL;
    struct blocked_import counts;
    struct pki_fault fault = { "out of memory" };
    int error = open_registry(options, &registry, &fault);
    if (error == 0)
        error =
            blocked_keys_import(registry, options->operands[0], options->source, &counts, &fault);
    registry_close(registry);
    if (error < 0)
        return fail(options, &fault);
    if (options->json)
        return identity_print_document(
            json_pack("{s:I, s:I, s:I}", "added", (json_int_t)counts.added, "known",
                      (json_int_t)counts.known, "moduli", (json_int_t)counts.moduli));
    (void)printf("%zu keys blocked, %zu were already; %zu RSA moduli blocked\n", counts.added,
                 counts.known, counts.moduli);
    return finish();
}

/* ---- list ---- */

struct listing {
    json_t *keys;  /* NULL: for people */
    json_t *lists; /* name and number of entries */
    char file[256];
    size_t count;
};

static int on_key(void *context, const struct blocked_key *key)
{
    struct listing *listing = context;
    char hex[65];
    char added[IDENTITY_PRINT_TIME_SIZE];
    (void)identity_print_hash(key->key_sha256, hex);
    if (listing->keys == NULL) {
        (void)printf("%s  %s  %s%s%s%s\n", hex, identity_print_time(key->added_s, added),
                     key->reason, key->source[0] != '\0' ? " (" : "", key->source,
                     key->source[0] != '\0' ? ")" : "");
        return 0;
    }
    return json_array_append_new(listing->keys,
                                 json_pack("{s:s, s:s, s:s, s:s}", "key_sha256", hex, "reason",
                                           key->reason, "source", key->source, "added",
                                           identity_print_time_rfc3339(key->added_s, added)))
                   < 0
               ? -ENOMEM
               : 0;
}

static int end_list(struct listing *listing)
{
    size_t count = listing->count;
    listing->count = 0;
    if (count == 0)
        return 0;
    if (listing->lists != NULL)
        return json_array_append_new(listing->lists, json_pack("{s:s, s:I}", "file", listing->file,
                                                               "entries", (json_int_t)count))
                       < 0
                   ? -ENOMEM
                   : 0;
    (void)printf("blocked-keys/%s: %zu entries\n", listing->file, count);
    return 0;
}

static int on_entry(void *context, const char *file, const struct blocked_line *line)
{
    struct listing *listing = context;
    int error = strcmp(file, listing->file) != 0 ? end_list(listing) : 0;
    (void)line;
    (void)snprintf(listing->file, sizeof(listing->file), "%s", file);
    listing->count++;
    return error;
}

static void on_doubt(void *context, const char *text)
{
    const struct identity_options *options = context;
    (void)fprintf(stderr, "%s: %s\n", options->command, text);
}

int key_block_list(const struct identity_options *options)
{
    struct identity_options copy = *options;
    const struct blocked_folder_doubts doubts = { &copy, on_doubt };
    struct registry *registry = NULL;
    struct pki_fault fault = { "out of memory" };
    struct listing listing = { .keys = options->json ? json_array() : NULL,
                               .lists = options->json ? json_array() : NULL };
    int error = open_registry(options, &registry, &fault);
    if (error == 0)
        error = blocked_keys_list(registry, on_key, &listing, &fault);
    if (error == 0)
        error = blocked_folder_read(registry, &doubts, on_entry, &listing, &fault);
    if (error == 0)
        error = end_list(&listing);
    registry_close(registry);
    if (error < 0) {
        json_decref(listing.keys);
        json_decref(listing.lists);
        return fail(options, &fault);
    }
    return options->json ? identity_print_document(
               json_pack("{s:o, s:o}", "keys", listing.keys, "lists", listing.lists))
                         : finish();
}
