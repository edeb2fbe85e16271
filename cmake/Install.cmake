# SPDX-License-Identifier: Apache-2.0
# Programs, the client library with its headers, man pages and the systemd unit.
foreach(program tacitd tacit sense-replay)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()

# libtacit.a is the device library and what it needs of ours, in one archive; the POSIX ports in it
# want libssl and libcrypto. Found by pkg-config, and by CMake's find_package(tacit): tacit::tacit.
if(TARGET tacit_client AND TARGET tacit_ports)
    set(tacit_cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tacit)
    add_library(tacit_library STATIC
        $<TARGET_OBJECTS:tacit_base> ${library_objects} $<TARGET_OBJECTS:tacit_ports>)
    set_target_properties(tacit_library PROPERTIES OUTPUT_NAME tacit LINKER_LANGUAGE C)
    set_target_properties(tacit_library PROPERTIES EXPORT_NAME tacit)
    add_library(tacit::tacit ALIAS tacit_library)
    # What another compiler than ours could not read does not go to a user.
    if(tacit_links_whole)
        add_custom_command(TARGET tacit_library POST_BUILD VERBATIM
            COMMAND ${CMAKE_OBJCOPY} --wildcard --remove-section .gnu.lto_*
                --remove-section .gnu.debuglto_* $<TARGET_FILE:tacit_library>)
    endif()
    target_include_directories(tacit_library INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(tacit_library INTERFACE OpenSSL::SSL OpenSSL::Crypto)
    file(RELATIVE_PATH TACIT_UP /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/libtacit.pc.in libtacit.pc @ONLY)
    write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/tacit-config-version.cmake
        COMPATIBILITY SameMinorVersion)
    install(TARGETS tacit_library EXPORT tacit ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT tacit NAMESPACE tacit:: FILE tacit-targets.cmake DESTINATION ${tacit_cmake_folder})
    install(FILES ${PROJECT_SOURCE_DIR}/packaging/tacit-config.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/tacit-config-version.cmake DESTINATION ${tacit_cmake_folder})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tacit
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libtacit.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

foreach(section 1 3 5 8)
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
        DESTINATION lib/systemd/system)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
