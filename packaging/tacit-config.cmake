# SPDX-License-Identifier: Apache-2.0
# find_package(tacit): the target tacit::tacit, static, with OpenSSL behind it.
include(CMakeFindDependencyMacro)
find_dependency(OpenSSL 3.0)
include(${CMAKE_CURRENT_LIST_DIR}/tacit-targets.cmake)
