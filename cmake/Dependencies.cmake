# SPDX-License-Identifier: Apache-2.0
# Everything foreign, by the names modules put behind LIBS. Only what Debian 12
# carries; a module that needs none of it (base, codec, client, core) builds
# with a compiler alone.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(PkgConfig REQUIRED)

function(tacit_package target package)
    pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${package})
endfunction()

tacit_package(SQLITE3 sqlite3)     # PkgConfig::SQLITE3
tacit_package(JANSSON jansson)     # PkgConfig::JANSSON
tacit_package(ARGON2 libargon2)    # PkgConfig::ARGON2
tacit_package(SYSTEMD libsystemd)  # PkgConfig::SYSTEMD
tacit_package(SECCOMP libseccomp)   # PkgConfig::SECCOMP
tacit_package(URCU liburcu)        # PkgConfig::URCU
tacit_package(EVENT libevent)      # PkgConfig::EVENT
tacit_package(EVENT_OPENSSL libevent_openssl) # PkgConfig::EVENT_OPENSSL
if(BUILD_TESTING)
    tacit_package(CMOCKA cmocka)   # PkgConfig::CMOCKA, linked to every unit test
endif()
