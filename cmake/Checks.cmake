# SPDX-License-Identifier: Apache-2.0
# The fast house checks as ctests (label static). Each reads the source tree,
# check-symbols also the libraries of this build.
if(NOT BUILD_TESTING)
    return()
endif()

function(tacit_check name)
    if(EXISTS ${PROJECT_SOURCE_DIR}/tools/check-${name})
        add_test(NAME static/${name} COMMAND ${PROJECT_SOURCE_DIR}/tools/check-${name} ${ARGN}
            WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        set_tests_properties(static/${name} PROPERTIES LABELS static TIMEOUT 60)
    endif()
endfunction()

tacit_check(layers)
tacit_check(size)
tacit_check(symbols ${CMAKE_BINARY_DIR})
tacit_check(statements)
tacit_check(format)
tacit_check(paths)
tacit_check(freestanding)
tacit_check(unit)
set_tests_properties(static/unit PROPERTIES SKIP_RETURN_CODE 77)
tacit_check(fuzz)
tacit_check(limits)

# That each check can fail.
add_test(NAME static/checks COMMAND ${PROJECT_SOURCE_DIR}/tools/checks_test.py)
set_tests_properties(static/checks PROPERTIES LABELS static TIMEOUT 180)

# That what the fuzz targets say is read as it is meant.
add_test(NAME static/fuzzing COMMAND ${PROJECT_SOURCE_DIR}/tools/fuzzing_test.py)
set_tests_properties(static/fuzzing PROPERTIES LABELS static TIMEOUT 60)

# That the pictures of the benchmarks show what was measured, and that their pages are the same again.
add_test(NAME static/plots COMMAND ${PROJECT_SOURCE_DIR}/bench/plots_test.py)
set_tests_properties(static/plots PROPERTIES LABELS static TIMEOUT 60)
