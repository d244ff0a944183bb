# slipstream_module(NAME RANK n [FOLDERS folder...] [INTERNAL_FOLDERS folder...] [DEPS module...] [LIBS target...]
#                   [HEADERS file...] SOURCES file... [TESTS file...])
#
# One folder = one static library `slipstream_NAME` = one rank. A module may name modules of lower rank only;
# the test `layers` (tools/check_layers.py) holds every #include against this declaration.
# FOLDERS: those of the module from the lowest to the highest, '.' for its own files; a folder may include itself and
# lower ones only. What is not listed (`testing`) is bound by nothing. INTERNAL_FOLDERS: no other module includes them.
# TESTS become one program `NAME_test`, registered with ctest as `unit.NAME`.
function(slipstream_module name)
  cmake_parse_arguments(MODULE "" "RANK" "FOLDERS;INTERNAL_FOLDERS;DEPS;LIBS;HEADERS;SOURCES;TESTS;TEST_DEPS" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "slipstream_module(${name}): unknown arguments ${MODULE_UNPARSED_ARGUMENTS}")
  endif()
  set(target slipstream_${name})
  add_library(${target} STATIC ${MODULE_SOURCES} ${MODULE_HEADERS})
  set_target_properties(${target} PROPERTIES SLIPSTREAM_RANK "${MODULE_RANK}")
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE slipstream_warnings)
  slipstream_precompiled(${target} standard)
  foreach(dep IN LISTS MODULE_DEPS)
    target_link_libraries(${target} PUBLIC slipstream_${dep})
  endforeach()
  if(MODULE_LIBS)
    target_link_libraries(${target} PUBLIC ${MODULE_LIBS})
  endif()
  if(MODULE_TESTS AND SLIPSTREAM_TESTS)
    add_executable(${name}_test ${MODULE_TESTS})
    target_link_libraries(${name}_test PRIVATE ${target} slipstream_warnings GTest::gmock_main GTest::gtest)
    slipstream_precompiled(${name}_test test)
    target_compile_options(${name}_test PRIVATE ${SLIPSTREAM_TEST_CODE_OPTIONS})
    foreach(dep IN LISTS MODULE_TEST_DEPS)
      target_link_libraries(${name}_test PRIVATE slipstream_${dep})
    endforeach()
    add_test(NAME unit.${name} COMMAND ${name}_test)
    set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 1200 PROCESSORS 2)
  endif()
endfunction()
