# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(certificate USES tls pki)
tacit_fuzz(client_hello USES tls)
tacit_fuzz(hello USES tls codec DEFINES _GNU_SOURCE)
tacit_fuzz(record USES tls codec)
tacit_fuzz(record_openssl USES tls codec)
if(TACIT_FUZZ)
    target_sources(hello-fuzz PRIVATE ${PROJECT_SOURCE_DIR}/src/tls/authority.c
        ${PROJECT_SOURCE_DIR}/src/tls/fixture.c)
    target_sources(record-fuzz PRIVATE record_script.c)
    target_sources(record_openssl-fuzz PRIVATE record_script.c ${PROJECT_SOURCE_DIR}/src/tls/record_pair.c)
endif()
