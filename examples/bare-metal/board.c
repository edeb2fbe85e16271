/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* ARMv7-M, SysTick. */
#define SYST_CONTROL REGISTER(0xE000E010u)
#define SYST_RELOAD  REGISTER(0xE000E014u)
#define SYST_CURRENT REGISTER(0xE000E018u)
#define SYST_RUN     5u /* on, by the clock of the processor */
#define SYST_TICKS   2u /* with an interrupt */
#define SYST_LONGEST 0xFFFFFFu

/* CMSDK APB UART 0. */
#define UART_DATA    REGISTER(0x40004000u)
#define UART_STATE   REGISTER(0x40004004u)
#define UART_CONTROL REGISTER(0x40004008u)
#define UART_DIVIDER REGISTER(0x40004010u)
#define UART_FULL    1u /* there is no room to send */
#define UART_HAS     2u /* a byte came */
#define UART_BOTH    3u /* sender and receiver on */

#define SEMIHOSTING_WRITE0 0x04u
#define SEMIHOSTING_EXIT   0x20u
#define STOPPED_BY_PROGRAM 0x20026u

extern uint32_t board_data_start[];
extern uint32_t board_data_end[];
extern const uint32_t board_data_load[];
extern uint32_t board_bss_start[];
extern uint32_t board_bss_end[];
extern uint32_t board_stack_top[];

static volatile uint32_t clock_ms;

static uint32_t semihosting(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

_Noreturn void board_exit(int code)
{
    const uint32_t block[2] = { STOPPED_BY_PROGRAM, (uint32_t)code };
    (void)semihosting(SEMIHOSTING_EXIT, block);
    for (;;)
        __asm__ volatile("wfi");
}

void board_print(const char *text)
{
    (void)semihosting(SEMIHOSTING_WRITE0, text);
}

static void board_fault(void)
{
    board_print("the program made a fault\n");
    board_exit(3);
}

static void board_tick(void)
{
    clock_ms++;
}

/* The first function that runs; board.ld names it as well. */
void board_reset(void);
void board_reset(void)
{
    const uint32_t *from = board_data_load;
    /* volatile: or the compiler calls a function of the C library, which nobody else here needs. */
    for (volatile uint32_t *to = board_data_start; to < board_data_end; to++)
        *to = *from++;
    for (volatile uint32_t *to = board_bss_start; to < board_bss_end; to++)
        *to = 0;
    board_exit(main());
}

union vector {
    const void *stack;
    void (*handler)(void);
};

/* The table that the processor reads first: stack, start, faults and what is not used; the clock. */
__attribute__((section(".vectors"), used)) static const union vector vectors[16] = {
    [0] = { .stack = board_stack_top }, [1] = { .handler = board_reset },
    [2] = { .handler = board_fault },   [3] = { .handler = board_fault },
    [4] = { .handler = board_fault },   [5] = { .handler = board_fault },
    [6] = { .handler = board_fault },   [11] = { .handler = board_fault },
    [12] = { .handler = board_fault },  [14] = { .handler = board_fault },
    [15] = { .handler = board_tick },
};

void board_clock_start(void)
{
    SYST_RELOAD = BOARD_HZ / 1000u - 1u;
    SYST_CURRENT = 0;
    SYST_CONTROL = SYST_RUN | SYST_TICKS;
}

/* A single aligned word: it cannot be torn by the interrupt. It goes round after 49 days, which a
 * product counts as well. */
uint64_t board_now_ms(void)
{
    return clock_ms;
}

void board_sleep(void)
{
    __asm__ volatile("wfi");
}

void board_ruler_start(void)
{
    SYST_CONTROL = 0;
    SYST_RELOAD = SYST_LONGEST;
    SYST_CURRENT = 0;
    SYST_CONTROL = SYST_RUN;
}

uint32_t board_ruler_ticks(void)
{
    return SYST_LONGEST - SYST_CURRENT;
}

void board_serial_start(void)
{
    UART_DIVIDER = 16;
    UART_CONTROL = UART_BOTH;
}

int board_serial_put(uint8_t byte)
{
    if ((UART_STATE & UART_FULL) != 0)
        return 0;
    UART_DATA = byte;
    return 1;
}

int board_serial_get(uint8_t *out)
{
    if ((UART_STATE & UART_HAS) == 0)
        return 0;
    *out = (uint8_t)UART_DATA;
    return 1;
}
