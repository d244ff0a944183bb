// Guesses from a sample of bodies how a topic is read as a table.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace slipstream::cli {

struct InferredTable {
  std::string format;                                        // "json", "csv", "raw"
  std::vector<std::pair<std::string, std::string>> columns;  // name, SQL type
  std::vector<std::pair<std::string, std::string>> options;  // of the format
  std::vector<std::string> notes;                            // what the guess leaves out
};

// JSON when every body is an object: its fields, of types that hold all that was seen; what is in more
// than 64 levels is STRING. CSV when all
// lines have the same number of fields, two at least, with one of , ; | or a tab between;
// "007" is STRING. Timestamps have the digits of the sample: 3, 6 or 9. Else raw.
// REQUIRES: at least one body
InferredTable infer_table(const std::vector<std::string>& bodies);

// CREATE TABLE over the topic.
std::string create_table_text(const InferredTable& table, const std::string& name,
                              const std::string& topic, const std::string& name_server);

}  // namespace slipstream::cli
