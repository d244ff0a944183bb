// An operator made of user code.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "slipstream/stream/operator.h"

#include "flow/operator.h"
#include "stream/user_code_watch.h"

namespace slipstream::stream {

struct BodyOperatorSpec {
  struct Step {
    std::string name;
    erased::MakeStep make;
  };
  std::string name;  // of the body
  erased::MakeBody body;
  std::vector<Step> steps;  // behind the body, in order
  erased::MakeEnd end;      // null: nothing comes out
  std::string end_name;
  std::shared_ptr<UserCodeWatch> watch;
  Schema output;  // of the main edge
  std::vector<erased::SideSpec> sides;
  bool keyed = false;
  std::string key_layout;      // keyed
  std::vector<Schema> inputs;  // element columns, which decide where NULL may stand
};

// Runs the body; keeps its stores and timers; turns exceptions into errors. A body is opened at the
// first call after open() and restore(). What close() throws is told to the watch.
//
// State: tables and timers by key group; the last watermark in every key group; one piece per
// instance for what the body itself answers and for broadcast states.
std::unique_ptr<flow::Operator> make_body_operator(std::shared_ptr<const BodyOperatorSpec> spec);

// What is known of its state before its body is opened: the type of the key.
flow::StateSchema key_schema(const BodyOperatorSpec& spec);

// kDataError when a column has a NULL that its type does not allow.
Status check_not_null(const Batch& batch, const Schema& schema);

}  // namespace slipstream::stream
