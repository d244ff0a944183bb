// asio's own code, compiled here once; every other file only sees its declarations.
#include <asio/impl/src.hpp>
