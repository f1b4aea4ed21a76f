# Adding one of anything is one file.
#
# assay_registry(TARGET <t> NAMESPACE <ns> HEADER <h> TYPE <T> GLOB <dir>)
#
# Every <dir>/<stem>.cc defines `<T> assay::<ns>::<stem>::make()`. This generates `std::span<const T> assay::<ns>::all()`,
# which HEADER declares: the made values, sorted by file name, made once at the first call, from any thread. A file that
# forgets make() is an undefined reference by its name at link time. (Objects that register themselves from a static
# library are silently dropped by the linker.)
#
# A stem that is a C++ keyword gets an underscore: commands/export.cc is namespace commands::export_.
set(ASSAY_KEYWORDS and asm auto bool break case catch char class concept const continue default delete do double else enum
  explicit export extern false float for friend goto if inline int long mutable namespace new not operator or private
  protected public register requires return short signed static struct switch template this throw true try typedef union
  unsigned using virtual void volatile while xor)

function(assay_registry)
  cmake_parse_arguments(arg "" "TARGET;NAMESPACE;HEADER;TYPE;GLOB" "" ${ARGN})
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${arg_GLOB}/*.cc")
  list(SORT files)

  set(declarations "")
  set(entries "")
  foreach(file IN LISTS files)
    get_filename_component(stem "${file}" NAME_WE)
    if(NOT stem MATCHES "^[a-z][a-z0-9_]*$")
      message(FATAL_ERROR "${file}: the name of a registered file must be snake_case, because it becomes a namespace")
    endif()
    if(stem IN_LIST ASSAY_KEYWORDS)
      string(APPEND stem "_")
    endif()
    string(APPEND declarations "namespace ${stem} { ${arg_TYPE} make(); }\n")
    string(APPEND entries "    made.push_back(${stem}::make());\n")
  endforeach()
  list(LENGTH files count)

  string(REPLACE "::" "_" name "${arg_NAMESPACE}")
  set(output "${CMAKE_CURRENT_BINARY_DIR}/${name}_registry.cc")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/registry.cc.in" "${output}" @ONLY)
  target_sources(${arg_TARGET} PRIVATE "${output}")
endfunction()
