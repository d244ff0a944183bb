// What an operator's state is made of, and which state is whose: what a restore compares.
#pragma once

#include <string>
#include <vector>

#include "slipstream/types.h"

namespace slipstream::flow {

// A value that state holds. Those of one role are compared in order.
struct StateField {
  std::string role;  // "key", "aggregate", "row of the left input", "state"
  std::string name;  // the column, call or state; '$' in front: the planner's own
  std::string type;  // "BIGINT", "MIN(INT)": equal texts are equal bytes in state
  friend bool operator==(const StateField&, const StateField&) = default;
};
using StateSchema = std::vector<StateField>;

// Tells the states of a job apart. A uid is unique in its graph; these say which uid of another
// graph means the same.
struct StateIdentity {
  std::string content;            // digest of what is computed; several nodes may share it
  std::vector<std::string> uses;  // contents of the nodes above that read it, the nearest first
  std::string former_uid;         // as manifests of version 1 name it
};

// A type as StateField::type: without NOT NULL, which does not change the bytes.
std::string state_type(const Type& type);

}  // namespace slipstream::flow
