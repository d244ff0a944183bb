# What `cmake --install` and `./dev package` put out: the program, one static library with everything of the tree in
# it, the public headers, a CMake package.
#
# Static, because a shared library would promise a binary interface that a C++ API of this age cannot keep, and would
# need every file compiled a second time. It needs nothing else of the tree; libraries of the system come through
# find_package(Slipstream).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(library_modules base io data rocketmq format expr state connector_kit flow connectors stream sql)
foreach(name IN LISTS SLIPSTREAM_CONNECTORS)
  list(APPEND library_modules ${name}_connector)
endforeach()
if("rocketmq" IN_LIST SLIPSTREAM_CONNECTORS) # see src/connectors/CMakeLists.txt
  list(APPEND library_modules mq_connector)
endif()
set(library_objects)
foreach(module IN LISTS library_modules)
  list(APPEND library_objects $<TARGET_OBJECTS:slipstream_${module}>)
endforeach()
add_library(libslipstream STATIC ${library_objects})
set_target_properties(libslipstream PROPERTIES OUTPUT_NAME slipstream LINKER_LANGUAGE CXX
  ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
# Each public header is compiled alone (target all_verify_interface_header_sets): it includes what it needs.
file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/*.h)
target_sources(libslipstream PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${public_headers})
set_target_properties(libslipstream PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
target_link_libraries(libslipstream PUBLIC OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB dep::deflate dep::lz4 dep::zstd dep::xxhash dep::pcre2 dep::re2
  dep::rdkafka simdjson::simdjson spdlog::spdlog fmt::fmt absl::flat_hash_map Threads::Threads)
add_library(Slipstream::slipstream ALIAS libslipstream)
if(CMAKE_STRIP) # 100 MB of debug information help nobody who has no sources
  add_custom_command(TARGET libslipstream POST_BUILD COMMAND ${CMAKE_STRIP} --strip-debug $<TARGET_FILE:libslipstream>)
endif()

# Before anything is written: half a prefix is worse than none.
install(CODE "if(NOT EXISTS \"$<TARGET_FILE:slipstream>\" OR NOT EXISTS \"$<TARGET_FILE:libslipstream>\")
  message(FATAL_ERROR \"the program and the library are not both built in ${CMAKE_BINARY_DIR}; run ./dev install --prefix \${CMAKE_INSTALL_PREFIX}\")
endif()" COMPONENT development)
install(TARGETS slipstream RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
install(FILES $<TARGET_FILE:libslipstream> DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY include/slipstream DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development FILES_MATCHING PATTERN "*.h")
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT development
  FILES_MATCHING PATTERN "*.cc" PATTERN "*.h" PATTERN "CMakeLists.txt" PATTERN "tests" EXCLUDE)
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/slipstream-runtime COMPONENT runtime)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Slipstream)
configure_package_config_file(cmake/SlipstreamConfig.cmake.in ${CMAKE_BINARY_DIR}/SlipstreamConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/SlipstreamConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/SlipstreamConfig.cmake ${CMAKE_BINARY_DIR}/SlipstreamConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT development)

# Two Debian packages: the program, and what is needed to build against the library.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME slipstream)
set(CPACK_PACKAGE_VENDOR "Slipstream")
set(CPACK_PACKAGE_CONTACT "Slipstream developers <slipstream@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Stream processor for Apache RocketMQ")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME slipstream)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libslipstream-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "g++ (>= 12), cmake (>= 3.25), pkg-config, libssl-dev, zlib1g-dev, libdeflate-dev, liblz4-dev, libzstd-dev, libxxhash-dev, libpcre2-dev, librdkafka-dev, libre2-dev, libsimdjson-dev, libspdlog-dev, libfmt-dev, libabsl-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "Runs SQL jobs over Apache RocketMQ with exactly-once checkpoints.")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Headers and static library: DataStream API, SQL and the RocketMQ client for C++ programs.")
include(CPack)
