# SPDX-License-Identifier: Apache-2.0
# Seconds one unit test may take; instrumented ones run several times slower.
set(TACIT_TEST_TIMEOUT 20)
if(TACIT_SANITIZE OR TACIT_COVERAGE)
    set(TACIT_TEST_TIMEOUT 120)
endif()

# tacit_module(codec SOURCES a.c b.c USES base LIBS OpenSSL::SSL)
#
# One directory, one static library `tacit_<name>`, one list of what it may
# use. A file a_test.c beside a.c becomes the ctest "codec/a" (label unit).
#   USES         our modules, by their short names
#   LIBS         foreign libraries, by the names in Dependencies.cmake
#   DEFINES      e.g. _GNU_SOURCE, in edge directories only
#   EXTRA_TESTS  stems of tests without a source of that name: wire -> wire_test.c
#   TEST_SOURCES files linked into every test of the module, compiled once
#   TEST_USES    our modules which only the tests use
#   SMALL        a release compiles it for size (cmake/Size.cmake),
#   HOT          but these of its sources for speed
function(tacit_module name)
    cmake_parse_arguments(ARG "SMALL" ""
        "SOURCES;USES;LIBS;DEFINES;EXTRA_TESTS;TEST_SOURCES;TEST_USES;HOT" ${ARGN})
    if(ARG_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "tacit_module(${name}): what is ${ARG_UNPARSED_ARGUMENTS}?")
    endif()
    add_library(tacit_${name} STATIC ${ARG_SOURCES})
    target_include_directories(tacit_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(tacit_${name} PRIVATE ${ARG_DEFINES})
    list(TRANSFORM ARG_USES PREPEND tacit_)
    list(TRANSFORM ARG_TEST_USES PREPEND tacit_)
    target_link_libraries(tacit_${name} PUBLIC ${ARG_USES} ${ARG_LIBS})
    if(ARG_SMALL)
        tacit_small(tacit_${name} HOT ${ARG_HOT})
    endif()

    if(NOT BUILD_TESTING)
        return()
    endif()
    set(stems ${ARG_EXTRA_TESTS})
    foreach(source IN LISTS ARG_SOURCES)
        cmake_path(GET source STEM stem)
        if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${stem}_test.c)
            list(APPEND stems ${stem})
        endif()
    endforeach()
    list(REMOVE_DUPLICATES stems)
    set(testing tacit_${name} ${ARG_TEST_USES} PkgConfig::CMOCKA)
    if(ARG_TEST_SOURCES)
        add_library(tacit_${name}_testing OBJECT ${ARG_TEST_SOURCES})
        target_compile_definitions(tacit_${name}_testing PRIVATE ${ARG_DEFINES})
        target_link_libraries(tacit_${name}_testing PUBLIC ${testing})
        list(PREPEND testing tacit_${name}_testing)
    endif()
    foreach(stem IN LISTS stems)
        set(target ${name}-${stem}-test)
        add_executable(${target} ${stem}_test.c)
        target_compile_definitions(${target} PRIVATE ${ARG_DEFINES})
        target_link_libraries(${target} PRIVATE ${testing})
        set_target_properties(${target} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unit)
        add_test(NAME ${name}/${stem} COMMAND ${target})
        set_tests_properties(${name}/${stem} PROPERTIES LABELS unit TIMEOUT ${TACIT_TEST_TIMEOUT})
    endforeach()
endfunction()

# tacit_program(tacitd SOURCES main.c USES daemon LIBS ... DEFINES ...)
#
# An executable a user runs: it lands in the top of the build directory.
function(tacit_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS;DEFINES" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(${name} PRIVATE ${ARG_DEFINES})
    list(TRANSFORM ARG_USES PREPEND tacit_)
    target_link_libraries(${name} PRIVATE ${ARG_USES} ${ARG_LIBS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()

# tacit_fuzz(publish USES codec)
#
# fuzz/publish_fuzz.c (or SOURCE file) with LLVMFuzzerTestOneInput; built only
# when TACIT_FUZZ is on, as fuzz/publish-fuzz in the build directory; the target
# `fuzz` builds all of them and nothing else.
function(tacit_fuzz name)
    cmake_parse_arguments(ARG "" "SOURCE" "USES;LIBS;DEFINES" ${ARGN})
    if(NOT TACIT_FUZZ)
        return()
    endif()
    if(NOT ARG_SOURCE)
        set(ARG_SOURCE ${name}_fuzz.c)
    endif()
    set(target ${name}-fuzz)
    add_executable(${target} ${ARG_SOURCE})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(${target} PRIVATE ${ARG_DEFINES})
    list(TRANSFORM ARG_USES PREPEND tacit_)
    target_link_libraries(${target} PRIVATE ${ARG_USES} ${ARG_LIBS})
    target_compile_options(${target} PRIVATE -Wno-missing-prototypes)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz ${target})
endfunction()

# tacit_proof(varint USES codec)
#
# proofs/varint_proof.c (or SOURCE file), a plain program that exhausts its
# inputs and returns 0; the ctest "proofs/varint" (label proof). The target
# `proofs` builds all of them and nothing else.
function(tacit_proof name)
    cmake_parse_arguments(ARG "" "SOURCE" "USES;DEFINES" ${ARGN})
    if(NOT BUILD_TESTING OR NOT TACIT_PROOFS)
        return()
    endif()
    if(NOT ARG_SOURCE)
        set(ARG_SOURCE ${name}_proof.c)
    endif()
    set(target ${name}-proof)
    add_executable(${target} ${ARG_SOURCE})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(${target} PRIVATE ${ARG_DEFINES})
    # An exhaustion is a hot loop; unoptimised it would take minutes.
    target_compile_options(${target} PRIVATE -O2)
    list(TRANSFORM ARG_USES PREPEND tacit_)
    target_link_libraries(${target} PRIVATE ${ARG_USES})
    add_dependencies(proofs ${target})
    add_test(NAME proofs/${name} COMMAND ${target})
    set_tests_properties(proofs/${name} PROPERTIES LABELS proof TIMEOUT 300)
endfunction()
