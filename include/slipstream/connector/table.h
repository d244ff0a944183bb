// A table as its connector sees it: what CREATE TABLE said, and conditions on its rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/options.h"

namespace slipstream {

using CheckpointId = std::uint64_t;  // ascending, never reused in a checkpoint directory; 0 = none

// How a table is declared: what CREATE TABLE said, checked.
struct TableDefinition {
  struct MetadataColumn {
    std::string name;  // as declared
    std::string key;   // METADATA FROM 'key', or the name
    Type type;
    bool is_virtual = false;  // read only: not part of the sink schema
  };
  std::string name;
  Schema physical;  // without computed and metadata columns
  std::vector<MetadataColumn> metadata;
  std::vector<std::string> primary_key;
  OptionMap options;  // WITH (...), without 'connector'
};

// What a metadata value means to the engine.
enum class MetadataRole : std::uint8_t {
  kNone,
  // When the source's system took the row, by its own clock. Where it is the event time, the
  // system's clock at a proof of emptiness is the split's watermark (EmptinessProof::peer_time_ms).
  kIngestionTime,
};

// A value beside the body that a connector reads or writes: METADATA FROM 'key'.
struct MetadataSpec {
  std::string key;
  Type type;
  bool readable = true;
  bool writable = false;
  std::string description;
  MetadataRole role = MetadataRole::kNone;
};

// A condition on one row. Whatever compares with NULL does not hold.
struct Predicate {
  enum class Kind : std::uint8_t {
    kAnd,      // of all `operands`
    kOr,       // of any of them
    kCompare,  // `column` `comparison` the one value
    kIn,       // `column` equals one of the values
  };
  enum class Comparison : std::uint8_t {
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual
  };
  Kind kind = Kind::kCompare;
  std::vector<Predicate> operands{};  // kAnd, kOr

  std::string column{};  // kCompare, kIn: a physical column's name, or a metadata key
  bool is_metadata = false;
  Comparison comparison = Comparison::kEqual;
  ColumnPtr values{};  // of the column's type (texts of any length), without NULL
};

}  // namespace slipstream
