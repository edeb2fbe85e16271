# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(snapshot USES store DEFINES _GNU_SOURCE)
tacit_fuzz(store USES store)
if(TACIT_FUZZ)
    target_sources(snapshot-fuzz PRIVATE ${PROJECT_SOURCE_DIR}/src/store/snapshot_writer.c)
    target_sources(store-fuzz PRIVATE ${PROJECT_SOURCE_DIR}/src/store/fake_files.c
        ${PROJECT_SOURCE_DIR}/src/store/fake_folder.c ${PROJECT_SOURCE_DIR}/src/store/fake_sectors.c)
endif()
