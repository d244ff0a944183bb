// How rows are found by key while a job runs: a LookupSource makes readers that answer questions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/buffer_memory.h"
#include "slipstream/clock.h"
#include "slipstream/connector/table.h"
#include "slipstream/metrics.h"
#include "slipstream/status.h"

namespace slipstream {

struct LookupRequest {
  TableDefinition table;
  std::vector<std::size_t> physical;  // projected columns, indices into table.physical, ascending
  std::vector<std::size_t> metadata;  // projected metadata, indices into table.metadata, ascending
  // What a question gives: indices into table.physical, distinct, in the order of its columns.
  std::vector<std::size_t> keys;
  std::string uid;  // logical name of the operator, stable over restarts
};

// What a reader knows of its place in the job. Made by the engine, one per subtask and attempt.
struct LookupContext {
  std::uint32_t subtask = 0;
  std::uint32_t parallelism = 1;
  std::function<void()> wake;  // any thread: poll() may have something now, or ask() room
  // The same once, in so many milliseconds or before.
  // Thread: task.
  std::function<void(std::int64_t ms)> wake_after;
  std::stop_token stop;
  Metrics metrics;
  const Clock* clock = nullptr;  // outlives the reader
  BufferMemory memory;           // for what is kept between questions
};

// The rows that were found for one question.
struct LookupAnswer {
  std::uint64_t question = 0;       // as given to ask()
  Batch rows;                       // of LookupSource::schema(), inserts only
  std::vector<std::uint32_t> keys;  // of each row, ascending: which row of the question it answers
};

// Asks a system without waiting for it. Whoever asks keeps the order of rows, caches and retries.
// Thread: task.
class LookupReader {
 public:
  virtual ~LookupReader() = default;
  enum class Ask : std::uint8_t {
    kAccepted,
    kFull,  // nothing was taken: as many are under way as may be; ask again after wake()
  };
  // For the rows whose key columns equal a row of `keys`. A NULL equals nothing. Each question that
  // was accepted gets one answer, also when nothing was found.
  virtual Result<Ask> ask(std::uint64_t question, const Batch& keys) = 0;
  // An answer, in any order of questions. None: wake() is called when that changes.
  // Failure: retryable when the system may answer the same questions later; all that were accepted
  // are lost then and asked anew.
  virtual Result<std::optional<LookupAnswer>> poll() = 0;
};

// A table in which rows are looked up: made once per job and statement by its factory, before
// anything starts.
// Owner:  whoever made it; outlives its readers.
// Thread: coordinator; the readers it makes live on task threads and may share what it owns.
class LookupSource {
 public:
  virtual ~LookupSource() = default;
  // Projected physical columns, then projected metadata columns.
  virtual Schema schema() const = 0;
  virtual std::vector<std::string> explain() const { return {}; }
  // What it reads outside of the process: see Source::endpoints().
  virtual std::vector<std::string> endpoints() const { return {}; }
  // May wait, up to a few seconds.
  virtual Result<std::unique_ptr<LookupReader>> make_reader(LookupContext context) = 0;
};

}  // namespace slipstream
