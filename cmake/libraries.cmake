# Every library of others that the program links, found once. The folders say which of them they use.
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(simdjson REQUIRED)
find_package(zstd REQUIRED)
find_package(CLI11 REQUIRED)

# Gecode comes without a CMake or pkg-config file.
add_library(gecode INTERFACE)
foreach(part kernel support int search minimodel)
  find_library(GECODE_${part} gecode${part} REQUIRED)
  target_link_libraries(gecode INTERFACE "${GECODE_${part}}")
endforeach()
find_path(GECODE_INCLUDE_DIR gecode/kernel.hh REQUIRED)
target_include_directories(gecode SYSTEM INTERFACE "${GECODE_INCLUDE_DIR}")
file(STRINGS "${GECODE_INCLUDE_DIR}/gecode/support/config.hpp" GECODE_VERSION REGEX "GECODE_VERSION \"")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" GECODE_VERSION "${GECODE_VERSION}")

find_library(SECCOMP_LIBRARY seccomp REQUIRED)
find_path(SECCOMP_INCLUDE_DIR seccomp.h REQUIRED)
add_library(seccomp INTERFACE)
target_link_libraries(seccomp INTERFACE "${SECCOMP_LIBRARY}")
target_include_directories(seccomp SYSTEM INTERFACE "${SECCOMP_INCLUDE_DIR}")
file(STRINGS "${SECCOMP_INCLUDE_DIR}/seccomp.h" seccomp_version REGEX "define SCMP_VER_(MAJOR|MINOR|MICRO)")
string(REGEX REPLACE "[^0-9;]" "" seccomp_version "${seccomp_version}")
string(REPLACE ";" "." SECCOMP_VERSION "${seccomp_version}")

# What `assay --version` names, in this order.
set(ASSAY_COMPONENTS
  "SQLite ${SQLite3_VERSION}"
  "libcurl ${CURL_VERSION_STRING}"
  "OpenSSL ${OPENSSL_VERSION}"
  "nlohmann/json ${nlohmann_json_VERSION}"
  "simdjson ${simdjson_VERSION}"
  "CLI11 ${CLI11_VERSION}"
  "Gecode ${GECODE_VERSION}"
  "zstd ${zstd_VERSION}"
  "libseccomp ${SECCOMP_VERSION}"
  "CUDA: no (not compiled in)")
