# SPDX-License-Identifier: Apache-2.0
# Programs, the client library with its headers, man pages and the systemd unit.
foreach(program tacitd tacit)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()

# libtacit.a is the device library and what it needs of ours, in one archive;
# with the POSIX ports it also wants libssl and libcrypto.
if(TARGET tacit_client AND TARGET tacit_ports)
    add_library(tacit_library STATIC
        $<TARGET_OBJECTS:tacit_base> $<TARGET_OBJECTS:tacit_codec>
        $<TARGET_OBJECTS:tacit_client> $<TARGET_OBJECTS:tacit_ports>)
    set_target_properties(tacit_library PROPERTIES OUTPUT_NAME tacit LINKER_LANGUAGE C)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/libtacit.pc.in libtacit.pc @ONLY)
    install(TARGETS tacit_library ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tacit
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libtacit.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

foreach(section 1 5 8)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/man/
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
        FILES_MATCHING PATTERN "*.${section}")
endforeach()

# The units in the tree name /usr/bin, where the Debian package puts the programs.
foreach(name tacitd.service tacit-enroll@.service tacit-enroll@.timer)
    file(READ ${PROJECT_SOURCE_DIR}/packaging/systemd/${name} unit)
    string(REPLACE "/usr/bin/" "${CMAKE_INSTALL_FULL_BINDIR}/" unit "${unit}")
    # Written as it is: @ means something to configure_file(), and stands in the names.
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name} "${unit}")
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}
        DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
