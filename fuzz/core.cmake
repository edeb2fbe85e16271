# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(journal USES core)
tacit_fuzz(restore USES core)
if(TARGET restore-fuzz)
    foreach(source world world_crash world_disk world_packets)
        target_sources(restore-fuzz PRIVATE ${PROJECT_SOURCE_DIR}/src/core/${source}.c)
    endforeach()
endif()
