// A hand-made face detector: a cell of 8 x 8 pixels that is bright is a face.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "network_file.hpp"

namespace hpe::test {

inline constexpr float kCellSize = 3.0F;  // of each face, in cells

inline std::string detector_card(const std::string& changes = "") {
    return json_text("{'format':'hpe-edge-detector/1','input':{'name':'x','channel_order':'bgr','mean':[127.5,127.5,127.5],"
                     "'scale':[0.0078125,0.0078125,0.0078125],'longest_side':64},"
                     "'outputs':[{'name':'stride32','stride':32},{'name':'stride8','stride':8}]," +
                     (changes.empty() ? "'score_threshold':0.5,'nms_iou':0.4" : changes) + "}");
}

inline std::string cells(const std::string& stride) {
    const std::string pair = "[" + stride + "," + stride + "]";
    return "{'op':'average_pool','in':['x'],'out':'p" + stride + "','kernel':" + pair + ",'stride':" + pair +
           ",'pad':[0,0,0,0],'count_pad':true},{'op':'conv','in':['p" + stride + "','w" + stride + "','b" + stride +
           "'],'out':'m" + stride + "','stride':[1,1],'pad':[0,0,0,0],'groups':1}";
}

// Of stride 8, with one of stride 32 that never finds anything. The score's logit is 4 `gain` times the mean of the
// channels; the i-th landmark lies i / 4 cells to the right of the cell's middle.
inline Bytes bright_detector(float gain = 1.0F, const std::string& input_shape = "[3, 64, 64]") {
    std::vector<float> weights(45);
    std::fill_n(weights.begin(), 3, 4.0F / 3.0F * gain);
    std::vector<float> bias(15);
    bias[3] = bias[4] = std::log(kCellSize);
    for (std::size_t i = 0; i < 5; ++i) bias[5 + 2 * i] = 0.25F * static_cast<float>(i);
    std::vector<float> never(15);
    never[0] = -20.0F;
    const std::string graph = "{'input':{'name':'x','shape':" + input_shape +
                              "},'outputs':[{'name':'stride8','value':'m8'},{'name':'stride32','value':'m32'}],'nodes':[" +
                              cells("8") + "," + cells("32") + "]}";
    return network_file(graph, {{"w8", {15, 3, 1, 1}, weights},
                                {"b8", {15}, bias},
                                {"w32", {15, 3, 1, 1}, std::vector<float>(45, 0.0F)},
                                {"b32", {15}, never}});
}

// A black image (width x height, mono8) with bright squares of `side` pixels.
struct Scene {
    int width, height;
    std::vector<std::uint8_t> pixels;

    Scene(int w, int h) : width(w), height(h), pixels(static_cast<std::size_t>(w) * static_cast<std::size_t>(h), 0) {}

    Scene& square(int x, int y, int side, int value = 255) {
        for (int i = 0; i < side * side; ++i) {
            pixels[static_cast<std::size_t>((y + i / side) * width + x + i % side)] = static_cast<std::uint8_t>(value);
        }
        return *this;
    }
};

}  // namespace hpe::test
