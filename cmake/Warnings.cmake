# SPDX-License-Identifier: Apache-2.0
# Directory-wide, so that no target can forget them. Errors in CI and in the
# developer presets, not for users whose compiler is newer than ours.
add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings -Wundef -Wvla
    -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference)

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init)
elseif(CMAKE_C_COMPILER_ID MATCHES "Clang")
    add_compile_options(-Wthread-safety -Wunreachable-code)
endif()

if(TACIT_WERROR)
    add_compile_options(-Werror)
endif()
