# Run by cmake/version.cmake at every build.
set(commit "unknown")
# A source tree unpacked inside somebody else's repository has no .git of its own and must not name theirs.
if(EXISTS "${SOURCE}/.git")
  # A clone built by another user (root in a container, say) is still the tree being built.
  execute_process(COMMAND git -c safe.directory=* -C "${SOURCE}" rev-parse HEAD
    OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(commit "${head}")
  endif()
endif()
configure_file("${OUTPUT}.in" "${OUTPUT}" @ONLY)
