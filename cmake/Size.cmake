# SPDX-License-Identifier: Apache-2.0
# What a release weighs: docs/adr/0027-lean-at-rest.md. Debug builds, and those with a
# sanitizer, are compiled as they always were.
if(TACIT_FUZZ OR TACIT_SANITIZE OR TACIT_COVERAGE)
    set(tacit_is_release 0)
else()
    set(tacit_is_release "$<CONFIG:Release,RelWithDebInfo,MinSizeRel>")
endif()
include(CheckLinkerFlag)
option(TACIT_LINK_TIME "A release of tacitd is optimised as a whole, when it is linked" ON)

function(tacit_compile_option_in_release flag)
    string(MAKE_C_IDENTIFIER "TACIT_HAS${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
        add_compile_options("$<${tacit_is_release}:${flag}>")
    endif()
endfunction()

function(tacit_link_option_in_release flag)
    string(MAKE_C_IDENTIFIER "TACIT_LINKS${flag}" known)
    check_linker_flag(C ${flag} ${known})
    if(${known})
        add_link_options("$<${tacit_is_release}:${flag}>")
    endif()
endfunction()

# No C of ours is unwound through; a debugger reads .debug_frame, which is not loaded.
tacit_compile_option_in_release(-fno-asynchronous-unwind-tables)
# What no program calls of a module is left out of it.
tacit_compile_option_in_release(-ffunction-sections)
tacit_compile_option_in_release(-fdata-sections)
tacit_link_option_in_release(-Wl,--gc-sections)
# Relocations of our own pointers in a bit map, which glibc reads from 2.36 on.
tacit_link_option_in_release(-Wl,-z,pack-relative-relocs)

# Objects have both their code and what a link can optimise: every one of them can be looked at, and
# what is not linked with tacit_whole() is linked as ever, in no time.
set(tacit_links_whole OFF)
if(TACIT_LINK_TIME)
    check_c_compiler_flag("-flto=auto;-ffat-lto-objects" TACIT_HAS_LINK_TIME)
    if(TACIT_HAS_LINK_TIME)
        set(tacit_links_whole ON)
        add_link_options("$<$<NOT:$<BOOL:$<TARGET_PROPERTY:TACIT_WHOLE>>>:-fno-lto>")
    endif()
endif()

# tacit_whole(tacitd): a release optimises the program over the borders of its files.
function(tacit_whole target)
    if(tacit_links_whole)
        set_target_properties(${target} PROPERTIES TACIT_WHOLE ON)
        # What the code is made with has to be said again to who makes it.
        target_link_options(${target} PRIVATE
            "$<${tacit_is_release}:-flto=auto;${tacit_for_size};-fno-asynchronous-unwind-tables;${tacit_hardening}>")
    endif()
endfunction()

# gcc has it from 12 on.
set(tacit_for_size -Os)
check_c_compiler_flag(-Oz TACIT_HAS_OZ)
if(TACIT_HAS_OZ)
    set(tacit_for_size -Oz)
endif()

# tacit_small(tacit_pki HOT a.c b.c): a release compiles the module for size, but these for speed.
function(tacit_small target)
    cmake_parse_arguments(ARG "" "" "HOT" ${ARGN})
    target_compile_options(${target} PRIVATE "$<${tacit_is_release}:${tacit_for_size}>")
    if(tacit_links_whole)
        target_compile_options(${target} PRIVATE
            "$<${tacit_is_release}:-flto=auto;-ffat-lto-objects;-fno-plt>")
    endif()
    set_target_properties(${target} PROPERTIES TACIT_HOT "${ARG_HOT}")
    if(ARG_HOT)
        set_source_files_properties(${ARG_HOT} PROPERTIES
            COMPILE_OPTIONS "$<${tacit_is_release}:-O2>")
    endif()
endfunction()
