/* SPDX-License-Identifier: Apache-2.0 */
/* What template.c needs of a platform: stands in for its headers, so that the template compiles
 * wherever there is a compiler. All return 0 or a count, or one of the two below, or less. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PLATFORM_LATER     (-1) /* would block: EINPROGRESS, EAGAIN, WANT_READ, WANT_WRITE */
#define PLATFORM_UNTRUSTED (-2) /* the certificate of the server, or ours */

typedef int platform_socket;
typedef struct platform_tls platform_tls;

/* Starts to look up and to connect, not waiting for either; the host has no NUL at its end. */
int platform_tcp_connect(platform_socket *out, const char *host, size_t len, uint16_t port);
int platform_tcp_is_connected(platform_socket socket);
void platform_tcp_close(platform_socket *socket);

/* TLS 1.3 or 1.2, ALPN "mqtt", with the device's certificate; the server's is verified. */
int platform_tls_begin(platform_tls **out, platform_socket socket, const char *host, size_t len);
int platform_tls_handshake(platform_tls *tls);
int platform_tls_write(platform_tls *tls, const void *bytes, size_t len);
int platform_tls_read(platform_tls *tls, void *out, size_t size);
void platform_tls_end(platform_tls **tls);

int platform_random(void *out, size_t len);

/* Milliseconds that never go back and, with 64 bits, never start anew. */
uint64_t platform_now_ms(void);

/* Until the socket can be read, or that long (UINT32_MAX: for ever). */
void platform_wait(platform_socket socket, uint32_t most_ms);
