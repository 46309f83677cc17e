// Another size of the input than the file's.
#pragma once

#include <string>

#include "hpe/error.hpp"
#include "hpe/network.hpp"
#include "nn/graph.hpp"

namespace hpe::nn {

// Gives the input [C, H, W] another height and width, and every value the shape that follows. Weights do not change, so a
// node that is made for the file's size is refused: a reshape, or a slice along a resized axis. Throws
// Error(CorruptModel), which names the node.
void resize_input(Graph& graph, InputSize size);

// What `make` returns for a size that the caller chose: the file is sound, so that its errors are about the argument.
template <class Make>
auto for_size(InputSize size, const Make& make) {
    try {
        return make();
    } catch (const Error& error) {
        throw Error(ErrorKind::InvalidArgument, "input size: height " + std::to_string(size.height) + ", width " +
                                                    std::to_string(size.width) + ": " + error.what());
    }
}

}  // namespace hpe::nn
