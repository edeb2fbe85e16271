/* SPDX-License-Identifier: Apache-2.0 */
/* What a board without an operating system gives to a program: a clock, a serial line, and the
 * two services of the debugger (semihosting) that a test needs: a line of text, and an end.
 *
 * This one is mps2-an386 as QEMU plays it; another board is another board.c. One thread; the
 * interrupt of the clock touches nothing else. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BOARD_HZ 25000000u /* of the processor and of SysTick */

/* Starts the clock: an interrupt each millisecond. */
void board_clock_start(void);

/* Milliseconds since then; never goes back. */
uint64_t board_now_ms(void);

/* Sleeps until an interrupt, at the latest a millisecond later. */
void board_sleep(void);

/* SysTick as a ruler, in ticks of 1/BOARD_HZ s. It counts `ruler_start() - now` up to 2^24. Not
 * together with the clock. */
void board_ruler_start(void);
uint32_t board_ruler_ticks(void);

/* The serial line. 1 if the byte was taken or given, 0 for not now. */
int board_serial_put(uint8_t byte);
int board_serial_get(uint8_t *out);
void board_serial_start(void);

/* Text for whoever watches; and the end of the program with an exit code. */
void board_print(const char *text);
_Noreturn void board_exit(int code);

/* The program. */
int main(void);
