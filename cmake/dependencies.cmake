# Every third-party library of the project, as an imported target. Debian 12 packages; see tools/packages.txt.
find_package(PkgConfig REQUIRED)
find_package(absl REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(simdjson REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
foreach(package deflate:libdeflate lz4:liblz4 zstd:libzstd xxhash:libxxhash re2:re2 pcre2:libpcre2-8 edit:libedit httplib:cpp-httplib
        rdkafka:rdkafka)
  string(REPLACE ":" ";" pair ${package})
  list(GET pair 0 target)
  list(GET pair 1 module)
  pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  add_library(dep::${target} ALIAS PkgConfig::${target})
endforeach()
# asio: headers only in Debian; compiled once, in src/io (ASIO_SEPARATE_COMPILATION).
add_library(dep_asio INTERFACE)
target_compile_definitions(dep_asio INTERFACE ASIO_STANDALONE ASIO_SEPARATE_COMPILATION ASIO_NO_DEPRECATED
  # its allocator differs with the headers included before it: new and delete of two files would not match
  ASIO_DISABLE_STD_ALIGNED_ALLOC)
target_link_libraries(dep_asio INTERFACE Threads::Threads)
add_library(dep::asio ALIAS dep_asio)
