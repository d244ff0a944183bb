// The DataStream API: jobs written in C++ over typed streams.
//
//   slipstream::stream::Environment env({.name = "word-count", .parallelism = 2});
//   env.from_elements<std::string>({"to be", "or not to be"})
//       .flat_map<std::string>(split_words)
//       .key_by([](const std::string& word) { return word; })
//       .process(CountWords())
//       .add_sink(Print());
//   const slipstream::Status status = env.execute();
//
// Guide: docs/datastream.md.
#pragma once

#include "slipstream/stream/bodies.h"
#include "slipstream/stream/data_stream.h"
#include "slipstream/stream/environment.h"
#include "slipstream/stream/functions.h"
#include "slipstream/stream/operator.h"
#include "slipstream/stream/row.h"
#include "slipstream/stream/sink.h"
#include "slipstream/stream/source.h"
#include "slipstream/stream/state.h"
#include "slipstream/stream/window.h"
