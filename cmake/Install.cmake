# SPDX-License-Identifier: Apache-2.0
foreach(program tacitd tacit)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()
