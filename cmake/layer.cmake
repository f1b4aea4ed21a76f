# assay_layer(<folder> [USES <layer targets>...] [PRIVATE <libraries>...] [EXCLUDE <file>] [EXCLUDE_FOLDER <folder>])
#
# Makes the static library assay_<folder> from every .cc below the current folder. USES is passed on to whoever links the
# layer; PRIVATE is for the libraries of others that this layer alone touches.
function(assay_layer folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXCLUDE;EXCLUDE_FOLDER" "USES;PRIVATE")
  set(target assay_${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  if(arg_EXCLUDE)
    list(REMOVE_ITEM sources "${CMAKE_CURRENT_SOURCE_DIR}/${arg_EXCLUDE}")
  endif()
  if(arg_EXCLUDE_FOLDER)
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${arg_EXCLUDE_FOLDER}/")
  endif()
  add_library(${target} STATIC ${sources})
  target_link_libraries(${target} PUBLIC assay_options ${arg_USES} PRIVATE ${arg_PRIVATE})
endfunction()
