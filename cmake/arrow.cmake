# Parquet is an optional component: Apache Arrow's C++ libraries, as the Python package pyarrow carries them.
#
# ASSAY_ARROW   OFF, or ON for work on this component alone: in one process pyarrow's libparquet takes the place of our simdjson with another
#               version of it, and the program ends in its answer reader. The conversion needs a program of its own, as sandboxes have.
# ASSAY_PYARROW the package's folder (…/site-packages/pyarrow); empty: that of python3
option(ASSAY_ARROW "Parquet through Apache Arrow; not for use yet" OFF)
set(ASSAY_PYARROW "" CACHE PATH "Where the Python package pyarrow is installed")

set(ASSAY_HAS_ARROW FALSE)
set(pyarrow "${ASSAY_PYARROW}")
if(ASSAY_ARROW)
  message(WARNING "ASSAY_ARROW is ON: a program with pyarrow's libraries in it does not work yet (cmake/arrow.cmake)")
  if(NOT pyarrow)
    execute_process(COMMAND python3 -c "import pyarrow; print(pyarrow.__path__[0], end='')" OUTPUT_VARIABLE pyarrow ERROR_QUIET)
  endif()
  file(GLOB arrow_libraries "${pyarrow}/libarrow.so.*" "${pyarrow}/libparquet.so.*")
  list(LENGTH arrow_libraries arrow_count)
  if(pyarrow AND arrow_count EQUAL 2 AND EXISTS "${pyarrow}/include/parquet/arrow/writer.h")
    set(ASSAY_HAS_ARROW TRUE)
  else()
    message(FATAL_ERROR "ASSAY_ARROW is ON, and there is no pyarrow with its C++ libraries (pip install pyarrow, and name its folder in ASSAY_PYARROW)")
  endif()
endif()

if(ASSAY_HAS_ARROW)
  add_library(arrow INTERFACE)
  target_link_libraries(arrow INTERFACE ${arrow_libraries})
  target_include_directories(arrow SYSTEM INTERFACE "${pyarrow}/include")
  file(STRINGS "${pyarrow}/include/arrow/util/config.h" arrow_version REGEX "define ARROW_VERSION_STRING")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" arrow_version "${arrow_version}")
  list(APPEND ASSAY_COMPONENTS "Apache Arrow ${arrow_version}")
else()
  list(APPEND ASSAY_COMPONENTS "Apache Arrow: no (not compiled in)")
endif()
