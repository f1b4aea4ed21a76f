# How our own code is compiled: `target_link_libraries(t ... assay_options)`.
option(ASSAY_WERROR "Treat warnings in our own code as errors" OFF)
set(ASSAY_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=, for example address,undefined")

add_library(assay_options INTERFACE)
target_compile_features(assay_options INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)

# The include root is the repository: #include "envs/base/status.h".
target_include_directories(assay_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_link_libraries(assay_options INTERFACE Threads::Threads)

set(warnings -Wall -Wextra
  # A variable that hides another variable; a parameter named as a member is common and clear in value types.
  -Wshadow=local
  # Options structs are filled by name, and what is not named keeps its default.
  -Wno-missing-field-initializers
  # GCC 12 is wrong about these two at -O2: copies inside std::string that overlap (GCC bug 105651), and the empty half of
  # std::optional and std::variant, which every Status has.
  -Wno-restrict -Wno-maybe-uninitialized)
if(ASSAY_WERROR)
  # Array bounds are guessed through inlined library code, so they are said but do not stop a build.
  list(APPEND warnings -Werror -Wno-error=array-bounds)
endif()
target_compile_options(assay_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${warnings}>")
if(ASSAY_SANITIZE)
  target_compile_options(assay_options INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ASSAY_SANITIZE};-fno-omit-frame-pointer;-fno-sanitize-recover=all>")
  target_link_options(assay_options INTERFACE "-fsanitize=${ASSAY_SANITIZE}")
endif()
