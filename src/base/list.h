/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list. The head is a node of its own; an initialised
 * node that is in no list points at itself. A zeroed node counts as unlinked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *node)
{
    node->next = node;
    node->prev = node;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head || head->next == NULL;
}

static inline bool list_is_linked(const struct list *node)
{
    return node->next != NULL && node->next != node;
}

static inline void list_insert_before(struct list *where, struct list *node)
{
    node->prev = where->prev;
    node->next = where;
    where->prev->next = node;
    where->prev = node;
}

static inline void list_push_back(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

static inline void list_push_front(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}

/* Unlinking a node that is in no list does nothing. */
static inline void list_unlink(struct list *node)
{
    if (node->next == NULL)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* The first node, unlinked, or NULL. */
static inline struct list *list_take_first(struct list *head)
{
    if (list_is_empty(head))
        return NULL;
    struct list *first = head->next;
    list_unlink(first);
    return first;
}

#define list_for_each(node, head) \
    for (struct list *node = (head)->next; node != (head); node = node->next)

/* `node` may be unlinked inside the body, `following` may not. */
#define list_for_each_safe(node, following, head)                                   \
    for (struct list *node = (head)->next, *following = node->next; node != (head); \
         node = following, following = node->next)
