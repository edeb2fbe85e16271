/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit demo`: what this broker does, to be watched. */
#pragma once

int command_demo(int argc, char **argv);
