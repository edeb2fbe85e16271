# SPDX-License-Identifier: Apache-2.0
# libtacit without what a device does not need. The tools and the broker always have all
# of it; these options change the installed library only.
option(TACIT_NO_V5 "libtacit without MQTT 5" OFF)
option(TACIT_NO_V311 "libtacit without MQTT 3.1.1 and 3.1" OFF)
option(TACIT_NO_QOS2 "libtacit without QoS 2" OFF)
option(TACIT_NO_STORE "libtacit without the store that survives a reboot" OFF)
option(TACIT_NO_V31 "libtacit without MQTT 3.1" OFF)
option(TACIT_NO_PIECES "libtacit without outgoing payloads in pieces" OFF)
option(TACIT_NO_LARGE_MESSAGES "libtacit without messages that exceed its buffers" OFF)
option(TACIT_NO_REDIRECT "libtacit without following a server's reference to another" OFF)
option(TACIT_NO_PRIORITIES "libtacit without priorities of messages and what drops them" OFF)
option(TACIT_NO_WILL "libtacit without a will" OFF)
option(TACIT_NO_GREETING "libtacit without greetings, so without the ratchet" OFF)
option(TACIT_NO_MANUAL_ACKNOWLEDGEMENT "libtacit without messages acknowledged by the application"
    OFF)
option(TACIT_NO_CHECKS "libtacit without checks of what the application hands in" OFF)

# tacit_variant(lean TACIT_NO_V5 TACIT_NO_STORE)
#
# Codec, ratchet and client once more, as the object library tacit_<name>, with these definitions.
function(tacit_variant name)
    add_library(tacit_${name} OBJECT)
    foreach(module codec ratchet client)
        get_target_property(sources tacit_${module} SOURCES)
        get_target_property(folder tacit_${module} SOURCE_DIR)
        list(TRANSFORM sources PREPEND ${folder}/)
        target_sources(tacit_${name} PRIVATE ${sources})
    endforeach()
    target_include_directories(tacit_${name} PUBLIC
        ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    target_compile_definitions(tacit_${name} PUBLIC ${ARGN})
endfunction()

# tacit_variant_test(name definitions...): the ctest client/variant-<name> runs
# src/client/variant_test.c over that variant.
function(tacit_variant_test name)
    tacit_variant(variant_${name} ${ARGN})
    set(target client-variant-${name}-test)
    add_executable(${target} ${PROJECT_SOURCE_DIR}/src/client/variant_test.c
        ${PROJECT_SOURCE_DIR}/src/client/stand.c ${PROJECT_SOURCE_DIR}/src/ports/memory.c)
    target_link_libraries(${target} PRIVATE tacit_variant_${name} tacit_base PkgConfig::CMOCKA)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unit)
    add_test(NAME client/variant-${name} COMMAND ${target})
    set_tests_properties(client/variant-${name} PROPERTIES
        LABELS unit TIMEOUT ${TACIT_TEST_TIMEOUT})
endfunction()

set(leaves_out)
foreach(part NO_V5 NO_V311 NO_V31 NO_QOS2 NO_STORE NO_PRIORITIES NO_PIECES NO_REDIRECT
        NO_LARGE_MESSAGES NO_WILL NO_GREETING NO_MANUAL_ACKNOWLEDGEMENT NO_CHECKS)
    if(TACIT_${part})
        list(APPEND leaves_out TACIT_${part})
    endif()
endforeach()
set(library_objects $<TARGET_OBJECTS:tacit_codec> $<TARGET_OBJECTS:tacit_ratchet>
    $<TARGET_OBJECTS:tacit_client>)
if(leaves_out)
    tacit_variant(lean ${leaves_out})
    set(library_objects $<TARGET_OBJECTS:tacit_lean>)
endif()

if(BUILD_TESTING AND NOT TACIT_SANITIZE AND NOT TACIT_COVERAGE)
    tacit_variant_test(311 TACIT_NO_V5)
    set(device TACIT_NO_V31 TACIT_NO_STORE TACIT_NO_PRIORITIES TACIT_NO_LARGE_MESSAGES
        TACIT_NO_WILL TACIT_NO_GREETING TACIT_NO_MANUAL_ACKNOWLEDGEMENT TACIT_NO_CHECKS)
    set(least ${device} TACIT_NO_QOS2 TACIT_NO_PIECES TACIT_NO_REDIRECT)
    tacit_variant_test(311-device TACIT_NO_V5 ${device})
    tacit_variant_test(311-least TACIT_NO_V5 ${least})
    tacit_variant_test(5-small TACIT_NO_V311 TACIT_NO_LARGE_MESSAGES
        TACIT_NO_MANUAL_ACKNOWLEDGEMENT)
    tacit_variant_test(5 TACIT_NO_V311 TACIT_NO_STORE)
    tacit_variant_test(5-least TACIT_NO_V311 ${least})
    tacit_variant_test(both-least ${least})
endif()
