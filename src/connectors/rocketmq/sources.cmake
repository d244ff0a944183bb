list(APPEND connector_headers
  rocketmq/batch_sender.h
  rocketmq/check_sink.h
  rocketmq/committer.h
  rocketmq/enumerator.h
  rocketmq/epoch_codec.h
  rocketmq/epoch_writer.h
  rocketmq/message_encoder.h
  rocketmq/metadata_columns.h
  rocketmq/queue_scan.h
  rocketmq/reader.h
  rocketmq/rocketmq_connector.h
  rocketmq/settings.h
  rocketmq/shared_client.h
  rocketmq/source_sink.h
  rocketmq/split_codec.h
  rocketmq/stamp.h
  rocketmq/topic_queues.h
  rocketmq/writer.h
)
list(APPEND connector_sources
  rocketmq/batch_sender.cc
  rocketmq/check_sink.cc
  rocketmq/committer.cc
  rocketmq/enumerator.cc
  rocketmq/epoch_codec.cc
  rocketmq/epoch_writer.cc
  rocketmq/message_encoder.cc
  rocketmq/metadata_columns.cc
  rocketmq/queue_scan.cc
  rocketmq/reader.cc
  rocketmq/rocketmq_connector.cc
  rocketmq/settings.cc
  rocketmq/shared_client.cc
  rocketmq/sink.cc
  rocketmq/source.cc
  rocketmq/split_codec.cc
  rocketmq/stamp.cc
  rocketmq/topic_queues.cc
  rocketmq/writer.cc
)
list(APPEND connector_tests
  rocketmq/codecs_test.cc
  rocketmq/publish_test.cc
  rocketmq/reader_test.cc
  rocketmq/settings_test.cc
)
list(APPEND connector_test_deps rocketmq_testing)
