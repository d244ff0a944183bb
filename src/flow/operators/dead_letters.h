// Rows that a source could not decode, on their way to the table that takes them.
#pragma once

#include <memory>
#include <string>

#include "slipstream/connector.h"

#include "flow/graph.h"

namespace slipstream::flow {

// Rows of rejected_schema() to those of a DeadLetterTable. A metadata value that its column cannot
// hold is NULL there.
std::unique_ptr<Operator> make_dead_letter_rows(Schema table);

struct DeadLetterNames {
  std::string uid;    // of the source
  std::string table;  // for people
  std::string job;
};

// A sink of the source's dead-letter table; null when it has none.
Result<std::shared_ptr<Sink>> make_dead_letter_sink(const Source& source,
                                                    const DeadLetterNames& names,
                                                    const ConnectorRegistry& connectors);

// Connects the second output of `source` with what make_dead_letter_sink() made of it; nothing for
// null.
void add_dead_letters(Graph& graph, NodeId source, const DeadLetterNames& names,
                      std::shared_ptr<Sink> sink);

}  // namespace slipstream::flow
