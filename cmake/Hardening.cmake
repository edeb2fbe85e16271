# SPDX-License-Identifier: Apache-2.0
# What the compiler and the linker can refuse for us, and the instrumented
# builds. A sanitizer replaces the hardening it would collide with.
include(CheckCCompilerFlag)
include(CheckPIESupported)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Nobody interposes our functions, so calls inside a library may be direct.
set(CMAKE_C_VISIBILITY_PRESET hidden)
check_pie_supported(LANGUAGES C)

function(tacit_compile_option_if_known flag)
    string(MAKE_C_IDENTIFIER "TACIT_HAS${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
        add_compile_options(${flag})
        list(APPEND tacit_hardening ${flag})
        set(tacit_hardening "${tacit_hardening}" PARENT_SCOPE)
    endif()
endfunction()

if(TACIT_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(TACIT_SANITIZE)
    add_compile_options(-fsanitize=${TACIT_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${TACIT_SANITIZE})
else()
    foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection
            -ftrivial-auto-var-init=zero)
        tacit_compile_option_if_known(${flag})
    endforeach()
    # The fortified string functions need an optimising compiler.
    add_compile_options("$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()

if(TACIT_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
