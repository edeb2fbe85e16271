/* SPDX-License-Identifier: Apache-2.0 */
/* Marks memory that our own allocators hold back as out of bounds for
 * AddressSanitizer, which knows only malloc. Nothing in other builds. */
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define POISON_KNOWN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_KNOWN 1
#endif
#endif

#ifdef POISON_KNOWN
#include <sanitizer/asan_interface.h>
#define poison_bytes(start, len)   ASAN_POISON_MEMORY_REGION(start, len)
#define unpoison_bytes(start, len) ASAN_UNPOISON_MEMORY_REGION(start, len)
#else
#define poison_bytes(start, len)   ((void)(start), (void)(len))
#define unpoison_bytes(start, len) ((void)(start), (void)(len))
#endif
