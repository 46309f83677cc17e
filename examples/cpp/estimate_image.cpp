// Head poses of a photograph, as one line of JSON:
//
//     estimate_image [--fp32 | --int8] CARD IMAGE [X0 Y0 X1 Y1]
//
// CARD is the path of a model's card: $(python -m hpe_edge --models-dir)/fsanet.json. IMAGE is a binary PPM or PGM, or
// whatever OpenCV reads where the example was built with it. Without a box, the faces are looked for. Exit codes: 0 done,
// 2 bad input.
#include <hpe/head_pose.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#ifdef HAVE_OPENCV
#include <opencv2/imgcodecs.hpp>
#else
#include "pnm.h"
#endif

namespace {

#ifdef HAVE_OPENCV

struct Photo {
    explicit Photo(const std::string& path) : pixels(cv::imread(path, cv::IMREAD_COLOR)) {
        if (pixels.empty()) throw std::runtime_error(path + ": OpenCV cannot read it");
    }

    hpe::ImageView view() const {
        return {pixels.data, pixels.cols, pixels.rows, static_cast<std::ptrdiff_t>(pixels.step), 3, hpe::PixelFormat::Bgr8};
    }

    cv::Mat pixels;
};

#else

struct Photo {
    explicit Photo(const std::string& path) {
        const char* const wrong = pnm_read(path.c_str(), &image);
        if (wrong != nullptr) {
            std::free(image.data);
            throw std::runtime_error(path + ": " + wrong);
        }
    }
    ~Photo() { std::free(image.data); }
    Photo(const Photo&) = delete;
    Photo& operator=(const Photo&) = delete;

    hpe::ImageView view() const {
        const hpe::PixelFormat format = image.channels == 3 ? hpe::PixelFormat::Rgb8 : hpe::PixelFormat::Mono8;
        return {image.data, image.width, image.height, std::ptrdiff_t{image.channels} * image.width, image.channels, format};
    }

    pnm_image image{};
};

#endif

std::string json(float value) { return std::isnan(value) ? "null" : std::to_string(value); }

std::string json(const hpe::Pose& pose) {
    const auto& [yaw, pitch, roll] = pose.std_deg;
    const hpe::Box& box = pose.box;
    return "{\"yaw_deg\": " + json(pose.yaw_deg) + ", \"pitch_deg\": " + json(pose.pitch_deg) +
           ", \"roll_deg\": " + json(pose.roll_deg) + ", \"std_deg\": [" + json(yaw) + ", " + json(pitch) + ", " + json(roll) +
           "], \"box_xyxy\": [" + json(box.x0) + ", " + json(box.y0) + ", " + json(box.x1) + ", " + json(box.y1) +
           "], \"score\": " + json(pose.score) + "}";
}

int run(std::vector<std::string> arguments) {
    hpe::HeadPoseOptions options;
    if (!arguments.empty() && arguments[0].rfind("--", 0) == 0) {
        if (arguments[0] != "--fp32" && arguments[0] != "--int8") throw std::runtime_error("expected --fp32 or --int8");
        options.precision = arguments[0] == "--fp32" ? hpe::Precision::Fp32 : hpe::Precision::Int8;
        arguments.erase(arguments.begin());
    }
    if (arguments.size() != 2 && arguments.size() != 6) {
        throw std::runtime_error("usage: estimate_image [--fp32 | --int8] CARD IMAGE [X0 Y0 X1 Y1]");
    }
    const hpe::HeadPose estimator(arguments[0], options);
    const Photo photo(arguments[1]);
    const auto number = [&](std::size_t i) { return std::strtof(arguments[i].c_str(), nullptr); };
    const std::vector<hpe::Pose> poses = arguments.size() == 2
                                             ? estimator.estimate(photo.view())
                                             : estimator.estimate(photo.view(), {{number(2), number(3), number(4), number(5)}});
    std::string line;
    for (const hpe::Pose& pose : poses) line += (line.empty() ? "" : ", ") + json(pose);
    std::printf("{\"poses\": [%s]}\n", line.c_str());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& error) {  // hpe::Error and what this program throws
        std::fprintf(stderr, "error: %s\n", error.what());
        return 2;
    }
}
