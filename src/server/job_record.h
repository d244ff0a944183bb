// What the server keeps of a job on disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "slipstream/status.h"

#include "flow/checkpoint/storage.h"
#include "io/files.h"

namespace slipstream::server {

struct JobRecord {
  std::string name;
  std::string sql;  // as submitted: may hold secrets, never shown
  std::map<std::string, std::string> settings;
  std::string checkpoint_dir;  // a name inside STATE/checkpoints
  std::int64_t submitted_ms = 0;
  bool wanted = true;  // a start of the server runs it
  std::string ended;   // how the last run ended: finished, stopped, cancelled, failed
  std::string error;   // why it failed
  std::int64_t ended_ms = 0;
};

std::string encode_record(const JobRecord& record);
Result<JobRecord> decode_record(const std::string& text);

// 1 to 64 letters, digits, '_', '-' and '.', the first a letter or digit: safe in paths and URLs.
bool is_name(std::string_view text);

// The folder of one server: jobs/NAME.json, checkpoints/NAME, savepoints/NAME. Readable by its
// owner only, since scripts may hold secrets.
//
// Owner:  the host.
// Thread: any.
// Bounds: one server at a time; the lock goes with the process.
class StateDirectory {
 public:
  static Result<std::unique_ptr<StateDirectory>> open(const std::string& path);

  // Durable when it returns; the old or the new record is there after a crash.
  Status save(const JobRecord& record);
  Status remove(const std::string& name);
  struct Loaded {
    std::vector<JobRecord> records;   // by name
    std::vector<std::string> faults;  // files that are no records: said, and left alone
  };
  Result<Loaded> load() const;

  std::string checkpoints(const std::string& name) const { return path_ + "/checkpoints/" + name; }
  std::string savepoints(const std::string& name) const { return path_ + "/savepoints/" + name; }
  const std::string& path() const { return path_; }

 private:
  StateDirectory(std::string path, io::FileLock lock,
                 std::unique_ptr<flow::CheckpointStorage> storage);

  const std::string path_;
  const io::FileLock lock_;
  const std::unique_ptr<flow::CheckpointStorage> storage_;
};

}  // namespace slipstream::server
