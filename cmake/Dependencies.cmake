# SPDX-License-Identifier: Apache-2.0
# Everything foreign, by the names modules put behind LIBS. Only what Debian 12
# carries; a module that needs none of it (base, codec, client, core) builds
# with a compiler alone.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(PkgConfig REQUIRED)

function(tacit_package target)
    pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
endfunction()

tacit_package(SQLITE3 sqlite3)     # PkgConfig::SQLITE3
tacit_package(JANSSON jansson)     # PkgConfig::JANSSON
tacit_package(ARGON2 libargon2)    # PkgConfig::ARGON2
tacit_package(ZLIB zlib)           # PkgConfig::ZLIB
tacit_package(SECCOMP libseccomp)   # PkgConfig::SECCOMP
tacit_package(URCU liburcu)        # PkgConfig::URCU
# Its two parts, as libevent_openssl brings the first one; libevent would bring it once more.
tacit_package(EVENT libevent_extra libevent_core) # PkgConfig::EVENT
tacit_package(EVENT_OPENSSL libevent_openssl) # PkgConfig::EVENT_OPENSSL

# Headers alone: these libraries are loaded by `tacit` when a key lies in a TPM or in a token.
function(tacit_headers target package)
    pkg_check_modules(${target} REQUIRED ${package})
    add_library(PkgConfig::${target} INTERFACE IMPORTED GLOBAL)
    target_include_directories(PkgConfig::${target} INTERFACE ${${target}_INCLUDE_DIRS})
endfunction()

tacit_headers(TSS2_HEADERS tss2-esys)   # PkgConfig::TSS2_HEADERS
tacit_headers(P11_HEADERS p11-kit-1)    # PkgConfig::P11_HEADERS
if(BUILD_TESTING)
    tacit_package(CMOCKA cmocka)   # PkgConfig::CMOCKA, linked to every unit test
endif()
