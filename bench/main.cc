#include "main.h"

#include <iostream>

int main(int argc, char** argv) {
  using slipstream::bench::kProgram;
  const slipstream::Status status =
      kProgram.run(slipstream::bench::Flags(argc, argv, kProgram.flags));
  if (!status.ok()) std::cerr << status.to_string() << '\n';
  return status.ok() ? 0 : 1;
}
