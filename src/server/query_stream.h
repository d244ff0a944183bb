// A SELECT whose rows go to one client as they come.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/hosted_job.h"
#include "sql/launch.h"

namespace slipstream::server {

// Rows wait for the client in a queue of kQueuedBytesMax; when it is full the sources are not read.
//
// Owner:  the answer that streams it.
// Thread: any.
class QueryStream {
 public:
  static constexpr std::size_t kQueuedBytesMax = std::size_t{1} << 20;

  struct Request {
    std::string sql;     // tables and one SELECT, which comes last
    std::string before;  // a job's script: its tables are known, its INSERTs are not run
    std::map<std::string, std::string> settings;
    std::int64_t rows_max = -1;
  };
  // Null: *refusal says why.
  static std::unique_ptr<QueryStream> start(const HostContext& context, const Request& request,
                                            Refusal* refusal);
  ~QueryStream();

  // Writes lines until the query ends or the client goes: first {"columns":[{"name","type"}],
  // "updating"}, then {"row":{...}} each, at last {"end":{"rows","error"}}. An empty line now and
  // then shows whether the client is there.
  void write(const std::function<bool(std::string_view)>& chunk);
  void cancel();

 private:
  struct State;
  explicit QueryStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace slipstream::server
