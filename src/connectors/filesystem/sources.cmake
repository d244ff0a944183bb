list(APPEND connector_headers
  filesystem/enumerator.h
  filesystem/epoch_handle.h
  filesystem/file_split.h
  filesystem/filesystem.h
  filesystem/line_encoder.h
  filesystem/line_file.h
  filesystem/listing.h
  filesystem/metrics.h
  filesystem/part_file.h
  filesystem/part_writers.h
  filesystem/publisher.h
  filesystem/reader.h
  filesystem/settings.h
)
list(APPEND connector_sources
  filesystem/enumerator.cc
  filesystem/epoch_handle.cc
  filesystem/file_split.cc
  filesystem/filesystem.cc
  filesystem/line_encoder.cc
  filesystem/line_file.cc
  filesystem/listing.cc
  filesystem/part_file.cc
  filesystem/part_writers.cc
  filesystem/publisher.cc
  filesystem/reader.cc
  filesystem/settings.cc
)
list(APPEND connector_tests
  filesystem/filesystem_sink_test.cc
  filesystem/filesystem_source_test.cc
)
list(APPEND connector_libs dep::re2)
