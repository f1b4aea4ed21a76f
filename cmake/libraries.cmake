# Every library of others that the program links, found once. The folders say which of them they use.
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(simdjson REQUIRED)
find_package(zstd REQUIRED)
find_package(CLI11 REQUIRED)
find_package(EXPAT REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS filesystem)   # for Process

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

find_library(PCRE2_LIBRARY pcre2-8 REQUIRED)
find_path(PCRE2_INCLUDE_DIR pcre2.h REQUIRED)
add_library(pcre2 INTERFACE)
target_link_libraries(pcre2 INTERFACE "${PCRE2_LIBRARY}")
target_include_directories(pcre2 SYSTEM INTERFACE "${PCRE2_INCLUDE_DIR}")
file(STRINGS "${PCRE2_INCLUDE_DIR}/pcre2.h" pcre2_version REGEX "define PCRE2_(MAJOR|MINOR) ")
string(REGEX REPLACE "#define PCRE2_(MAJOR|MINOR) +" "" pcre2_version "${pcre2_version}")
string(REPLACE ";" "." PCRE2_VERSION "${pcre2_version}")

find_library(UTF8PROC_LIBRARY utf8proc REQUIRED)
find_path(UTF8PROC_INCLUDE_DIR utf8proc.h REQUIRED)
add_library(utf8proc INTERFACE)
target_link_libraries(utf8proc INTERFACE "${UTF8PROC_LIBRARY}")
target_include_directories(utf8proc SYSTEM INTERFACE "${UTF8PROC_INCLUDE_DIR}")
file(STRINGS "${UTF8PROC_INCLUDE_DIR}/utf8proc.h" utf8proc_version REGEX "define UTF8PROC_VERSION_(MAJOR|MINOR|PATCH)")
string(REGEX REPLACE "#define UTF8PROC_VERSION_(MAJOR|MINOR|PATCH) +" "" utf8proc_version "${utf8proc_version}")
string(REPLACE ";" "." UTF8PROC_VERSION "${utf8proc_version}")

find_package(ZLIB REQUIRED)

find_library(GIT2_LIBRARY git2 REQUIRED)
find_path(GIT2_INCLUDE_DIR git2.h REQUIRED)
add_library(git2 INTERFACE)
target_link_libraries(git2 INTERFACE "${GIT2_LIBRARY}")
target_include_directories(git2 SYSTEM INTERFACE "${GIT2_INCLUDE_DIR}")
file(STRINGS "${GIT2_INCLUDE_DIR}/git2/version.h" git2_version REGEX "define LIBGIT2_VERSION ")
string(REGEX REPLACE "#define LIBGIT2_VERSION +\"(.*)\"" "\\1" GIT2_VERSION "${git2_version}")

# What `assay --version` names, in this order.
set(ASSAY_COMPONENTS
  "SQLite ${SQLite3_VERSION}"
  "libcurl ${CURL_VERSION_STRING}"
  "OpenSSL ${OPENSSL_VERSION}"
  "nlohmann/json ${nlohmann_json_VERSION}"
  "simdjson ${simdjson_VERSION}"
  "CLI11 ${CLI11_VERSION}"
  "Boost ${Boost_VERSION_STRING}"
  "expat ${EXPAT_VERSION_STRING}"
  "Gecode ${GECODE_VERSION}"
  "zstd ${zstd_VERSION}"
  "libseccomp ${SECCOMP_VERSION}"
  "PCRE2 ${PCRE2_VERSION}"
  "utf8proc ${UTF8PROC_VERSION}"
  "libgit2 ${GIT2_VERSION}"
  "zlib ${ZLIB_VERSION_STRING}")
