# assay_embed(TARGET <t> HEADER <h> TYPE <T> FUNCTION <f> GLOB <pattern> [STEM])
#
# Puts the bytes of the matching files into the program. HEADER declares `struct T { std::string_view name, text; }` and
# `std::span<const T> assay::f()`, which this generates: sorted by name, where a name is the file name, or its stem with
# STEM. Made again when a file changes, appears or goes.
function(assay_embed)
  cmake_parse_arguments(arg "STEM" "TARGET;HEADER;TYPE;FUNCTION;GLOB" "" ${ARGN})
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${arg_GLOB}")
  list(SORT files)

  # The list is a file, so that one that goes away is noticed: its date changes only when its text does.
  set(output "${CMAKE_CURRENT_BINARY_DIR}/${arg_FUNCTION}.cc")
  file(CONFIGURE OUTPUT "${output}.list" CONTENT "${files}" @ONLY)
  set(script "${PROJECT_SOURCE_DIR}/cmake/embed_script.cmake")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" -DOUTPUT=${output} -DHEADER=${arg_HEADER} -DTYPE=${arg_TYPE} -DFUNCTION=${arg_FUNCTION}
      -DSTEM=${arg_STEM} -P "${script}"
    DEPENDS ${files} "${output}.list" "${script}"
    COMMENT "Embedding ${arg_GLOB}"
    VERBATIM)
  target_sources(${arg_TARGET} PRIVATE "${output}")
endfunction()
