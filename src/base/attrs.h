/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes and the few macros that every layer may use. */
#pragma once

#include <stddef.h>

#define MQTT_NODISCARD           __attribute__((warn_unused_result))
#define MQTT_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define MQTT_HOT                 __attribute__((hot))
#define MQTT_COLD                __attribute__((cold))
/* What is seldom needed and would make the stack of its only caller deeper. */
#define MQTT_NOINLINE __attribute__((noinline))
/* For the smallest of functions, which cost more to call than they are. */
#define MQTT_INLINED inline __attribute__((always_inline))
#define MQTT_UNUSED  __attribute__((unused))
/* For large scratch buffers that are written before they are read. */
#define MQTT_UNINITIALIZED __attribute__((uninitialized))

#define MQTT_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The object that holds `member`, from a pointer to that member. */
#define MQTT_CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define MQTT_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define MQTT_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
