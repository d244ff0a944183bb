// "Did you mean": the known name that is nearest to a name that is not known.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace slipstream {

// Edits (insert, delete, replace, swap of neighbours) that turn `from` into `to`, in code points;
// ASCII letters are compared without case.
std::size_t edit_distance(std::string_view from, std::string_view to);

// The candidate that `name` was most likely meant to be: at most a third of the longer name is
// edited, or one name contains the other (at least two code points of it, three when all are
// ASCII). Nothing is better than a far guess. Equal candidates: the first one.
// Bounds: names longer than 128 code points and broken UTF-8 get no suggestion.
std::optional<std::string> nearest_name(std::string_view name,
                                        std::span<const std::string> candidates);

// ", did you mean 'x'?" or "".
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace slipstream
