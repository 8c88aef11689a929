# Functions that the folders use: plugins, unit tests, fuzz targets.

# sluice_add_plugin(NAME SOURCES a.c b.c [LIBS ...]): build/plugins/NAME.so, exporting one symbol.
function(sluice_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_library(plugin_${name} MODULE ${arg_SOURCES})
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins
    SKIP_BUILD_RPATH ON) # libsluice is in the process already
  target_link_libraries(plugin_${name} PRIVATE sluice_flags sluice ${arg_LIBS})
  target_link_options(plugin_${name} PRIVATE -Wl,--exclude-libs,ALL -Wl,-z,nodelete)
  if(NOT SLUICE_SANITIZE AND NOT SLUICE_FUZZ)
    target_link_options(plugin_${name} PRIVATE -Wl,--no-undefined)
  endif()
  install(TARGETS plugin_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/sluice/plugins)
endfunction()

# sluice_add_unit_test(NAME SOURCES ... [LIBS ...]): a cmocka program, run by ctest.
function(sluice_add_unit_test name)
  if(NOT SLUICE_TESTS OR SLUICE_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE sluice_flags ${arg_LIBS} cmocka)
  # Only for files that use them: other files compile the same in every checkout (ccache).
  foreach(source IN LISTS arg_SOURCES)
    file(STRINGS ${source} uses REGEX "SLUICE_(SOURCE|BUILD)_DIR" LIMIT_COUNT 1)
    if(uses)
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS
        SLUICE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SLUICE_BUILD_DIR="${CMAKE_BINARY_DIR}")
    endif()
  endforeach()
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 120)
endfunction()

# sluice_add_fuzzer(NAME SOURCES ... CORPUS dir [LIBS ...]): with SLUICE_FUZZ a libFuzzer program, else one
# that replays the seed corpus.
function(sluice_add_fuzzer name)
  cmake_parse_arguments(arg "" "CORPUS" "SOURCES;LIBS" ${ARGN})
  if(SLUICE_FUZZ)
    add_executable(fuzz_${name} ${arg_SOURCES})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  elseif(SLUICE_TESTS)
    add_executable(fuzz_${name} ${arg_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${arg_CORPUS})
    set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz TIMEOUT 300)
  else()
    return()
  endif()
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  target_link_libraries(fuzz_${name} PRIVATE sluice_flags ${arg_LIBS})
endfunction()
