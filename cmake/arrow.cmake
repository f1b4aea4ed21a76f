# Parquet is an optional component: Apache Arrow's C++ libraries, as the Python package pyarrow carries them.
#
# ASSAY_ARROW   AUTO: compiled in where pyarrow is found; ON: an error where it is not; OFF
# ASSAY_PYARROW the package's folder (…/site-packages/pyarrow); empty: that of python3
set(ASSAY_ARROW "AUTO" CACHE STRING "Parquet through Apache Arrow: AUTO, ON or OFF")
set_property(CACHE ASSAY_ARROW PROPERTY STRINGS AUTO ON OFF)
set(ASSAY_PYARROW "" CACHE PATH "Where the Python package pyarrow is installed")

set(ASSAY_HAS_ARROW FALSE)
set(pyarrow "${ASSAY_PYARROW}")
if(NOT ASSAY_ARROW STREQUAL "OFF")
  if(NOT pyarrow)
    execute_process(COMMAND python3 -c "import pyarrow; print(pyarrow.__path__[0], end='')" OUTPUT_VARIABLE pyarrow ERROR_QUIET)
  endif()
  file(GLOB arrow_libraries "${pyarrow}/libarrow.so.*" "${pyarrow}/libparquet.so.*")
  list(LENGTH arrow_libraries arrow_count)
  if(pyarrow AND arrow_count EQUAL 2 AND EXISTS "${pyarrow}/include/parquet/arrow/writer.h")
    set(ASSAY_HAS_ARROW TRUE)
  elseif(ASSAY_ARROW STREQUAL "ON")
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
