// The tables of a SQL test: those that are read give recordings, those that are written are collected.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "base/mutex.h"

namespace slipstream::cli {

// Nothing outside of the process is read but the inputs, and nothing is written. What tables say is
// checked by their own connectors all the same.
//
// Thread: any.
// Bounds: kBytesMax of rows that are collected.
class TestTables {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{1} << 30;

  // `inputs`: the file of each table that is read. A table of a connector with 'scan.recording' gets
  // it there; for others it holds lines, in the table's own 'format' where it has one, else JSON.
  explicit TestTables(std::map<std::string, std::string> inputs) : inputs_(std::move(inputs)) {}

  // The connectors of `real` over these tables, which outlive it.
  std::unique_ptr<ConnectorRegistry> registry(std::shared_ptr<const ConnectorRegistry> real);

  // Rows of each table that is written, a JSON object per row in the order in which they came; with
  // "op" first where the rows of the table change.
  std::map<std::string, std::vector<std::string>> written() const;
  // The tables that are written, those of dead letters too; known when the job was compiled.
  std::vector<std::string> outputs() const;
  // Inputs that no table took.
  std::vector<std::string> unused_inputs() const;

  // Of the connectors:
  struct Input {
    std::string file;
    bool first = false;  // nobody asked for it before
  };
  // Failure: kInvalidArgument: there is none, or its file cannot be opened.
  Result<Input> input_of(const std::string& table);
  void begin(const std::string& table);
  // Failure: kResourceExhausted.
  Status collect(const std::string& table, std::vector<std::string> rows);

 private:
  const std::map<std::string, std::string> inputs_;
  mutable Mutex mutex_;
  std::set<std::string> used_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<std::string>> written_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::size_t bytes_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
};

}  // namespace slipstream::cli
