# Standard headers and GoogleTest, parsed once: a third of a small file's compile time. GCC presets only; `clang`
# compiles without, so a file that misses an include is found by `./dev check`.
option(SLIPSTREAM_PCH "precompile standard headers" OFF)
if(NOT SLIPSTREAM_PCH)
  function(slipstream_precompiled)
  endfunction()
  return()
endif()

set(standard_headers <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <deque> <functional> <map> <memory>
  <mutex> <optional> <set> <span> <sstream> <string> <string_view> <thread> <tuple> <unordered_map> <utility> <variant> <vector>)
# One and the same for all files, or the compiler refuses the header.
add_compile_options(-pthread)
set(precompiled_source ${CMAKE_BINARY_DIR}/precompiled.cc)
file(CONFIGURE OUTPUT ${precompiled_source} CONTENT "") # leaves the file alone when it is there
add_library(slipstream_standard_headers OBJECT ${precompiled_source})
target_precompile_headers(slipstream_standard_headers PRIVATE ${standard_headers})
if(SLIPSTREAM_TESTS)
  add_library(slipstream_test_headers OBJECT ${precompiled_source})
  target_link_libraries(slipstream_test_headers PRIVATE GTest::gmock)
  target_compile_options(slipstream_test_headers PRIVATE ${SLIPSTREAM_TEST_CODE_OPTIONS})
  target_precompile_headers(slipstream_test_headers PRIVATE ${standard_headers} <gmock/gmock.h> <gtest/gtest.h>)
endif()
# ccache stores what is compiled behind such a header only with the name of it in the preprocessed text.
add_compile_options(-fpch-preprocess)

# slipstream_precompiled(TARGET standard|test)
function(slipstream_precompiled target kind)
  target_precompile_headers(${target} REUSE_FROM slipstream_${kind}_headers)
endfunction()
