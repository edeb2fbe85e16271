/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/vault.h"

#include "base/wipe.h"
#include "vault/slabs.h"
#include "vault/vault_key.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 16u

/* 16 GiB: a million connections that are with OpenSSL. Beyond it malloc() is asked. */
#define GATHER_SLABS 524288u

/* 1 MiB, for the handshakes that go on at once; given back when none does. */
#define READY_SLABS 32u

/* Before each piece; together they fill the vault without a gap. */
struct piece {
    size_t bytes; /* with this head; a multiple of ALIGNMENT */
    size_t is_used;
};

_Static_assert(sizeof(struct piece) % ALIGNMENT == 0, "what follows the head is aligned");

/* OpenSSL's functions for memory are given no context. */
static struct {
    uint8_t *begin; /* NULL: there is none */
    uint8_t *end;
    uint8_t *low; /* no piece before this one is free */
    size_t used_bytes;
    atomic_flag is_taken;
    struct slabs *_Atomic slabs; /* NULL: OpenSSL's small pieces are malloc()'s */
    CRYPTO_ONCE is_prepared;
} vault = { .is_taken = ATOMIC_FLAG_INIT, .is_prepared = CRYPTO_ONCE_STATIC_INIT };

static _Thread_local unsigned vault_depth;
static _Thread_local bool vault_is_apart;
static _Thread_local bool vault_keeps;
static _Thread_local struct slabs_near vault_near;

/* ---- pieces ---- */

/* Keys are read and dropped rarely, and each time it is a walk over some hundred pieces. */
static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&vault.is_taken, memory_order_acquire))
        sched_yield();
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&vault.is_taken, memory_order_release);
}

static struct piece *piece_at(uint8_t *at)
{
    return (struct piece *)(void *)at;
}

static struct piece *next_of(struct piece *piece)
{
    return piece_at((uint8_t *)piece + piece->bytes);
}

static bool is_last(const struct piece *piece)
{
    return (const uint8_t *)piece + piece->bytes == vault.end;
}

static struct piece *piece_of(void *secret)
{
    return piece_at((uint8_t *)secret - sizeof(struct piece));
}

/* With the free ones behind it. */
static void join(struct piece *piece)
{
    while (!is_last(piece) && next_of(piece)->is_used == 0) {
        struct piece *next = next_of(piece);

        piece->bytes += next->bytes;
        wipe_bytes(next, sizeof(*next));
    }
}

static void split(struct piece *piece, size_t bytes)
{
    size_t rest = piece->bytes - bytes;

    if (rest <= sizeof(struct piece))
        return;
    piece->bytes = bytes;
    *next_of(piece) = (struct piece){ .bytes = rest };
}

/* The first that is large enough. */
static struct piece *find(size_t bytes)
{
    for (uint8_t *at = vault.low; at < vault.end; at += piece_at(at)->bytes) {
        struct piece *piece = piece_at(at);
        if (piece->is_used != 0) {
            vault.low = at == vault.low ? at + piece->bytes : vault.low;
            continue;
        }
        join(piece);
        if (piece->bytes >= bytes)
            return piece;
    }
    return NULL;
}

/* Zeroed, as all is that nobody has; NULL: there is no room. */
static void *take(size_t bytes)
{
    if (vault.begin == NULL || bytes > VAULT_BYTES)
        return NULL;
    size_t whole = (sizeof(struct piece) + bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    lock();
    struct piece *piece = find(whole);
    if (piece != NULL) {
        split(piece, whole);
        piece->is_used = 1;
        vault.used_bytes += piece->bytes;
    }
    unlock();
    return piece != NULL ? piece + 1 : NULL;
}

static void give(void *secret)
{
    struct piece *piece = piece_of(secret);

    wipe_bytes(secret, piece->bytes - sizeof(*piece));
    lock();
    vault.used_bytes -= piece->bytes;
    piece->is_used = 0;
    if ((uint8_t *)piece < vault.low)
        vault.low = (uint8_t *)piece;
    unlock();
}

bool vault_holds(const void *secret)
{
    const uint8_t *at = secret;

    return at != NULL && vault.begin != NULL && at >= vault.begin && at < vault.end;
}

size_t vault_used_bytes(void)
{
    lock();
    size_t bytes = vault.used_bytes;
    unlock();
    return bytes;
}

static struct slabs *slabs(void)
{
    return atomic_load_explicit(&vault.slabs, memory_order_acquire);
}

static bool is_in_slabs(const void *memory)
{
    const struct slabs *all = slabs();

    return all != NULL && slabs_hold(all, memory);
}

bool vault_has_gathered(const void *memory)
{
    return is_in_slabs(memory);
}

static size_t room_of(void *secret)
{
    if (is_in_slabs(secret))
        return slabs_room(slabs(), secret);
    return vault_holds(secret) ? piece_of(secret)->bytes - sizeof(struct piece)
                               : malloc_usable_size(secret);
}

static void *take_small(struct slabs *small, size_t bytes)
{
    void *memory = vault_keeps ? slabs_near_take(&vault_near, bytes) : NULL;

    return memory != NULL ? memory : slabs_alloc(small, bytes);
}

/* Not the vault's. */
static void drop(void *memory)
{
    if (!is_in_slabs(memory))
        free(memory);
    else if (!vault_keeps || !slabs_near_keep(&vault_near, slabs(), memory))
        slabs_free(slabs(), memory);
}

/* ---- for the broker ---- */

void *vault_alloc(size_t bytes)
{
    void *secret = take(bytes);

    return secret != NULL ? secret : calloc(1, bytes);
}

void vault_free(void *secret)
{
    if (vault_holds(secret)) {
        give(secret);
        return;
    }
    if (secret != NULL)
        wipe_bytes(secret, room_of(secret));
    drop(secret);
}

/* What it makes stays, whoever was the first. */
static void prepare(void)
{
    bool was_apart = vault_is_apart;

    vault_is_apart = true;
    vault_key_prepare();
    vault_is_apart = was_apart;
}

void vault_enter_prepared(void)
{
    vault_depth++;
}

void vault_enter(void)
{
    if (vault_depth == 0 && vault.begin != NULL)
        (void)CRYPTO_THREAD_run_once(&vault.is_prepared, prepare);
    vault_depth++;
}

void vault_leave(void)
{
    vault_depth--;
}

void vault_part(void)
{
    vault_is_apart = true;
}

void vault_join(void)
{
    vault_is_apart = false;
}

/* ---- what is brief ---- */

void *vault_brief_alloc(size_t bytes)
{
    struct slabs *small = slabs();
    void *memory = small != NULL ? take_small(small, bytes) : NULL;

    if (memory == NULL)
        return calloc(1, bytes);
    memset(memory, 0, bytes);
    return memory;
}

void vault_brief_free(void *memory)
{
    drop(memory);
}

void vault_keep_near(void)
{
    vault_keeps = true;
}

void vault_settle(void)
{
    if (slabs() == NULL)
        return;
    slabs_near_drop(&vault_near, slabs());
    slabs_trim(slabs());
}

/* ---- files ---- */

int vault_read_all(int fd, size_t limit, uint8_t *into, size_t *out_len)
{
    size_t len = 0;

    while (len <= limit) {
        ssize_t n = read(fd, into + len, limit + 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) {
            into[len] = '\0';
            *out_len = len;
            return 0;
        }
        len += (size_t)n;
    }
    return -EFBIG;
}

int vault_read(const char *path, size_t limit, uint8_t **out, size_t *out_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    uint8_t *bytes = vault_alloc(limit + 1);
    int error = bytes != NULL ? vault_read_all(fd, limit, bytes, out_len) : -ENOMEM;
    close(fd);
    if (error == 0)
        *out = bytes;
    else
        vault_free(bytes);
    return error;
}

/* ---- for OpenSSL ---- */

static void *on_malloc(size_t bytes, const char *file, int line)
{
    struct slabs *small = slabs();
    void *memory = NULL;

    (void)file;
    (void)line;
    if (vault_depth > 0)
        memory = take(bytes);
    else if (small != NULL && !vault_is_apart)
        memory = take_small(small, bytes);
    return memory != NULL ? memory : malloc(bytes);
}

static void on_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    if (memory == NULL)
        return; /* four of five: a record costs OpenSSL some forty calls */
    if (vault_depth > 0 || vault_holds(memory))
        vault_free(memory);
    else
        drop(memory);
}

static void *on_realloc(void *memory, size_t bytes, const char *file, int line)
{
    if (memory == NULL)
        return on_malloc(bytes, file, line);
    if (vault_depth == 0 && is_in_slabs(memory) && bytes <= room_of(memory))
        return memory;
    if (vault_depth == 0 && !vault_holds(memory) && !is_in_slabs(memory))
        return realloc(memory, bytes);
    void *larger = on_malloc(bytes, file, line);
    if (larger == NULL)
        return NULL;
    size_t room = room_of(memory);
    memcpy(larger, memory, room < bytes ? room : bytes);
    on_free(memory, file, line);
    return larger;
}

/* ---- opening ---- */

/* Between two pages that nobody can touch. */
static int map(void)
{
    long page = sysconf(_SC_PAGESIZE);
    size_t guard = page > 0 ? (size_t)page : 4096;
    uint8_t *all =
        mmap(NULL, VAULT_BYTES + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED)
        return -errno;
    if (mprotect(all + guard, VAULT_BYTES, PROT_READ | PROT_WRITE) != 0) {
        int error = -errno;
        (void)munmap(all, VAULT_BYTES + 2 * guard);
        return error;
    }
    vault.begin = vault.low = all + guard;
    vault.end = vault.begin + VAULT_BYTES;
    *piece_at(vault.begin) = (struct piece){ .bytes = VAULT_BYTES };
    return 0;
}

/* Each page from its first use on: those that nobody uses are no memory. What counts against the bound of
 * the process is all of it. */
static int lock_pages(void)
{
    if (mlock2(vault.begin, VAULT_BYTES, MLOCK_ONFAULT) == 0)
        return 0;
    /* A kernel, or a sandbox around us, that knows the old call only. */
    return mlock(vault.begin, VAULT_BYTES) == 0 ? 0 : -errno;
}

int vault_open(void)
{
    int error = vault.begin != NULL ? 0 : map();

    if (error != 0)
        return error;
    if (CRYPTO_set_mem_functions(on_malloc, on_realloc, on_free) != 1)
        error = -EALREADY;
    /* Its own file is read while that is still allowed. What is wrong with it, it says at its use. */
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    (void)madvise(vault.begin, VAULT_BYTES, MADV_DONTDUMP);
    int locking = lock_pages();
    return locking == 0 ? error : locking;
}

void vault_gather(void)
{
    struct slabs *fresh = NULL;
    struct slabs *none = NULL;

    if (slabs() != NULL || slabs_open(GATHER_SLABS, READY_SLABS, &fresh) < 0)
        return;
    if (!atomic_compare_exchange_strong(&vault.slabs, &none, fresh))
        slabs_close(fresh); /* another thread was faster */
}

int vault_inherit(void)
{
    return vault.begin == NULL ? 0 : lock_pages();
}
