// A hand-made model: its angles are the means of a crop's channels.
#pragma once

#include <string>

#include "network_file.hpp"

namespace hpe::test {

// The mean of each plane of a 8 x 6 crop.
inline Bytes mean_network() {
    return network_file(graph_text("[3, 6, 8]", "{'op':'mean','in':['x'],'out':'y','axes':[1,2],'keep':false}"), {});
}

// `more` are further fields, "'name':'tiny'".
inline std::string model_card(const std::string& head = "{'kind':'angles','output':'out'}", const std::string& width = "8",
                              const std::string& more = "'name':'tiny'") {
    return json_text("{'input':{'name':'x','width':" + width +
                     ",'height':6,'margin':0.0,'square':false,'channel_order':'bgr','mean':[0,0,0],'scale':[1,1,1]},"
                     "'head':" + head + ",'pitch_zero_deg':0," + more + "}");
}

}  // namespace hpe::test
