// Head poses of a camera or a video file, drawn in a window until a key is pressed:
//
//     capture_loop CARD [CAMERA_NUMBER | VIDEO]
//
// CARD is the path of a model's card: $(python -m hpe_edge --models-dir)/fsanet.json. With --print before the card, a line
// of angles a face in place of the window, for machines without a screen.
#include <hpe/head_pose.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <opencv2/highgui.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

namespace {

hpe::ImageView view(const cv::Mat& bgr) {  // nothing is copied: OpenCV's rows are read by their stride
    return {bgr.data, bgr.cols, bgr.rows, static_cast<std::ptrdiff_t>(bgr.step), 3, hpe::PixelFormat::Bgr8};
}

cv::VideoCapture open(const std::string& source) {
    const bool number = !source.empty() && source.find_first_not_of("0123456789") == std::string::npos;
    cv::VideoCapture capture = number ? cv::VideoCapture(std::stoi(source)) : cv::VideoCapture(source);
    if (!capture.isOpened()) throw std::runtime_error(source + ": OpenCV cannot open it");
    return capture;
}

std::string text(const hpe::Pose& pose) {
    char line[96];
    std::snprintf(line, sizeof line, "yaw %+.1f pitch %+.1f roll %+.1f", pose.yaw_deg, pose.pitch_deg, pose.roll_deg);
    return line;
}

void draw(cv::Mat& frame, const hpe::Pose& pose) {
    const cv::Point corner(cvRound(pose.box.x0), cvRound(pose.box.y0));
    cv::rectangle(frame, corner, {cvRound(pose.box.x1), cvRound(pose.box.y1)}, {0, 255, 0});
    cv::putText(frame, text(pose), corner, cv::FONT_HERSHEY_SIMPLEX, 0.5, {0, 255, 0});
}

// Whether the next frame is wanted.
bool show(cv::Mat& frame, const std::vector<hpe::Pose>& poses) {
    for (const hpe::Pose& pose : poses) draw(frame, pose);
    cv::imshow("hpe-edge", frame);
    return cv::waitKey(1) < 0;
}

bool print(const std::vector<hpe::Pose>& poses) {
    for (const hpe::Pose& pose : poses) std::printf("%s\n", text(pose).c_str());
    return true;
}

void run(std::vector<std::string> arguments) {
    const bool printing = !arguments.empty() && arguments[0] == "--print";
    if (printing) arguments.erase(arguments.begin());
    if (arguments.empty() || arguments.size() > 2) {
        throw std::runtime_error("usage: capture_loop [--print] CARD [CAMERA_NUMBER | VIDEO]");
    }
    const hpe::HeadPose estimator(arguments[0]);
    cv::VideoCapture capture = open(arguments.size() == 2 ? arguments[1] : "0");
    cv::Mat frame;
    while (capture.read(frame)) {
        const std::vector<hpe::Pose> poses = estimator.estimate(view(frame));
        if (!(printing ? print(poses) : show(frame, poses))) return;
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run({argv + 1, argv + argc});
        return 0;
    } catch (const std::exception& error) {  // hpe::Error, cv::Exception and what this program throws
        std::fprintf(stderr, "error: %s\n", error.what());
        return 2;
    }
}
