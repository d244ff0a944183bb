// Decoding and encoding in one line: for tests only.
#pragma once

#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "data/testing/columns.h"
#include "format/format.h"

namespace slipstream::format::testing {

struct Decoded {
  Batch batch;
  std::vector<std::string> rows;  // "+I(1, a)"
  std::vector<std::uint32_t> bodies;
  std::vector<std::string> failures;  // "0: reason"
  std::vector<std::string> pieces;
  std::uint64_t ignored = 0;
};

// Owns the bodies, each with padding behind.
struct PaddedBodies final : Buffer {
  std::vector<std::string> texts;
  std::vector<std::string_view> views;

  explicit PaddedBodies(const std::vector<std::string>& bodies) {
    for (const std::string& body : bodies) {
      texts.push_back(body + std::string(kBodyPadding, ' '));
      views.push_back(std::string_view(texts.back()).substr(0, body.size()));
    }
    // Moving short strings moves their bytes.
    for (std::size_t i = 0; i < texts.size(); ++i)
      views[i] = std::string_view(texts[i]).substr(0, bodies[i].size());
  }
  std::size_t bytes() const override { return texts.size(); }
};

// Ends the test when there is none.
inline const Format* known_format(const std::string& name) {
  const auto found = find_format(name);
  if (!found.ok()) throw std::runtime_error(found.error().message);
  return *found;
}

struct DecodeSetup {
  std::string format;
  Schema schema;
  OptionMap options = {};
  std::optional<std::vector<std::size_t>> projection = {};
  bool in_place = true;
};

inline std::unique_ptr<RowDecoder> decoder_for(const DecodeSetup& setup,
                                               std::string* problem = nullptr) {
  const Format* format = known_format(setup.format);
  const auto options = format->options.parse(setup.options, "test");
  std::vector<std::size_t> projection(setup.schema.size());
  std::iota(projection.begin(), projection.end(), std::size_t{0});
  auto decoder = options.ok() ? format->make_decoder(
                                    setup.schema, setup.projection.value_or(projection), *options)
                              : Result<std::unique_ptr<RowDecoder>>(options.error());
  if (!decoder.ok()) {
    if (problem != nullptr) *problem = decoder.error().message;
    return nullptr;
  }
  return std::move(*decoder);
}

inline Decoded decode(const DecodeSetup& setup, const std::vector<std::string>& bodies) {
  std::vector<std::size_t> projection(setup.schema.size());
  std::iota(projection.begin(), projection.end(), std::size_t{0});
  if (setup.projection) projection = *setup.projection;
  const std::unique_ptr<RowDecoder> decoder = decoder_for(setup);
  CHECK(decoder != nullptr);
  std::vector<std::unique_ptr<ColumnBuilder>> owned;
  std::vector<ColumnBuilder*> columns;
  for (const std::size_t index : projection) {
    owned.push_back(std::make_unique<ColumnBuilder>(setup.schema[index].type));
    columns.push_back(owned.back().get());
  }
  DecodedRows out;
  out.columns = columns;
  Decoded result;
  {
    const auto buffer = std::make_shared<PaddedBodies>(bodies);
    Bodies input;
    input.bodies = buffer->views;
    std::vector<std::string_view> plain(bodies.begin(), bodies.end());
    if (setup.in_place) {
      input.buffer = buffer;
      input.padded_count = buffer->views.size();
    } else {
      input.bodies = plain;
    }
    decoder->decode(input, out);
    for (const DecodeFailure& failure : out.failures) {
      result.failures.push_back(std::to_string(failure.body) + ": " + failure.reason);
      result.pieces.emplace_back(failure.piece);
    }
  }
  std::vector<ColumnPtr> finished;
  for (ColumnBuilder* column : columns) {
    CHECK(column->size() == out.bodies.size());
    finished.push_back(column->finish());
  }
  result.batch = Batch(out.bodies.size(), std::move(finished));
  CHECK(out.kinds.empty() || out.kinds.size() == out.bodies.size());
  result.batch.set_kinds(std::move(out.kinds));
  result.rows = slipstream::testing::row_texts(result.batch);
  result.bodies = std::move(out.bodies);
  result.ignored = out.ignored;
  return result;
}

struct EncodeSetup {
  std::string format;
  Schema schema;
  OptionMap options = {};
};

// The bodies, or one text "error: ..." behind those written before it.
inline std::vector<std::string> encode(const EncodeSetup& setup, const Batch& batch) {
  const Format* format = known_format(setup.format);
  const auto options = format->options.parse(setup.options, "test");
  CHECK(options.ok());
  auto encoder = format->make_encoder(setup.schema, *options);
  if (!encoder.ok()) return {"error: " + encoder.error().message};
  EncodedBodies out;
  const Status status = (*encoder)->encode(batch, 0, batch.rows(), out);
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < out.size(); ++i) bodies.emplace_back(out[i]);
  if (!status.ok()) bodies.push_back("error: " + status.error().message);
  return bodies;
}

}  // namespace slipstream::format::testing
