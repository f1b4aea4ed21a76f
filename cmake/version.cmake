# assay_version(<target>): adds the definition of envs/base/version.h's build_info().
#
# What configuration knows is filled in now; the commit is read at every build, because HEAD moves without CMake noticing.
# The generated file is touched only when its text changes, so an unchanged commit compiles nothing.
function(assay_version target)
  set(components "")
  foreach(component IN LISTS ASSAY_COMPONENTS)
    string(APPEND components "      \"${component}\",\n")
  endforeach()
  set(build_type "${CMAKE_BUILD_TYPE}")
  if(ASSAY_SANITIZE)
    string(APPEND build_type " (${ASSAY_SANITIZE})")
  endif()

  set(output "${CMAKE_CURRENT_BINARY_DIR}/version.cc")
  set(commit "@commit@")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/version.cc.in" "${output}.in" @ONLY)
  add_custom_target(assay_commit
    COMMAND "${CMAKE_COMMAND}" -DSOURCE=${PROJECT_SOURCE_DIR} -DOUTPUT=${output} -P "${PROJECT_SOURCE_DIR}/cmake/version_script.cmake"
    BYPRODUCTS "${output}"
    COMMENT "Reading the commit"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
  add_dependencies(${target} assay_commit)
endfunction()
