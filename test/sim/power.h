// What a machine that loses its power leaves on its disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <sys/types.h>

namespace slipstream::sim::power {

struct Entry {
  ino_t inode = 0;
  bool is_folder = false;
  bool operator==(const Entry&) const = default;
};
using Listing = std::map<std::string, Entry>;

// A sync of a file or a folder that is under way. What is below the watched folder counts, up to
// what was there when it began; anything else is nothing to it.
// Thread: a simulated one.
class Sync {
 public:
  explicit Sync(int fd);
  void done();

 private:
  std::uint64_t number_ = 0;
  std::string folder_;  // from the working directory; empty: a file
  Listing listing_;
  ino_t inode_ = 0;
  std::uint64_t bytes_ = 0;
  bool counts_ = false;
};

// The only folder whose syncs are remembered, in the working directory. What it holds now is taken
// for synced.
void watch(const std::string& folder);
// Makes of the watched folder what the next start finds: of each file what was synced and perhaps a
// part of the rest, of each folder the names that its last sync saw, and perhaps some of the
// changes since. What it was stays in `former`.
void cut(const std::string& former);

}  // namespace slipstream::sim::power
