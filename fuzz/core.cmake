# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(broker USES core)
tacit_fuzz(journal USES core)
tacit_fuzz(restore USES core)
if(TACIT_FUZZ)
    foreach(source world world_crash world_disk world_packets)
        target_sources(broker-fuzz PRIVATE ${PROJECT_SOURCE_DIR}/src/core/${source}.c)
        target_sources(restore-fuzz PRIVATE ${PROJECT_SOURCE_DIR}/src/core/${source}.c)
    endforeach()
    target_sources(broker-fuzz PRIVATE broker_check.c broker_oracle.c broker_packets.c
        broker_witness.c)
endif()
