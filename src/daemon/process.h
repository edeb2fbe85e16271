/* SPDX-License-Identifier: Apache-2.0 */
/* What the process asks of the kernel for itself. Main thread, before others exist. */
#pragma once

/* No core dumps and no tracing by others of the same user (keys are in memory), files
 * for the owner only, a broken pipe is an error and no death, as many file descriptors as
 * are allowed. Signals to stop and to reload wait until the loop takes them, so that none of
 * them finds a process half started. What fails is left as it is: none of it is needed to run. */
void process_prepare(void);

/* How the calling thread is called in /proc. */
void process_name(const char *name);

/* File descriptors that may be open; processors that may be used (at least 1). */
unsigned long process_files(void);
unsigned process_processors(void);
