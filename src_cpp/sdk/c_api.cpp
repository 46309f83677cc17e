// hpe_edge.h on top of hpe::HeadPose: conversions, and exceptions that become statuses.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "decode/rotation_checks.hpp"
#include "hpe/head_pose.hpp"
#include "hpe_edge.h"

struct hpe_edge_estimator {
    hpe::HeadPose head_pose;
};

namespace {

using hpe::Error;
using hpe::ErrorKind;

// Of a fixed size, so that a lack of memory can be told too.
thread_local std::array<char, 1024> last_error{};

hpe_edge_status fail(hpe_edge_status status, const char* message) noexcept {
    std::snprintf(last_error.data(), last_error.size(), "%s", message);
    return status;
}

hpe_edge_status status_of(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::InvalidArgument: return HPE_EDGE_INVALID_ARGUMENT;
        case ErrorKind::InvalidImage: return HPE_EDGE_INVALID_IMAGE;
        case ErrorKind::InvalidBox: return HPE_EDGE_INVALID_BOX;
        case ErrorKind::CorruptModel: return HPE_EDGE_CORRUPT_MODEL;
        case ErrorKind::ModelNotFound: return HPE_EDGE_MODEL_NOT_FOUND;
        case ErrorKind::Core: break;
    }
    return HPE_EDGE_INTERNAL;
}

template <class Call>
hpe_edge_status guarded(const Call& call) noexcept {
    try {
        call();
        return HPE_EDGE_OK;
    } catch (const Error& error) {
        return fail(status_of(error.kind()), error.what());
    } catch (const std::bad_alloc&) {
        return fail(HPE_EDGE_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception& error) {
        return fail(HPE_EDGE_INTERNAL, error.what());
    } catch (...) {
        return fail(HPE_EDGE_INTERNAL, "an exception of an unknown type");
    }
}

template <class Pointer>
Pointer required(Pointer pointer, const char* argument) {
    if (pointer == nullptr) throw Error(ErrorKind::InvalidArgument, std::string(argument) + ": expected a pointer, got NULL");
    return pointer;
}

hpe::Precision precision_of(std::int32_t precision) {
    switch (precision) {
        case HPE_EDGE_PRECISION_AUTO: return hpe::Precision::Auto;
        case HPE_EDGE_PRECISION_FP32: return hpe::Precision::Fp32;
        case HPE_EDGE_PRECISION_INT8: return hpe::Precision::Int8;
        default: break;
    }
    throw Error(ErrorKind::InvalidArgument,
                "options.precision: expected a value of hpe_edge_precision, got " + std::to_string(precision));
}

hpe::PixelFormat format_of(std::int32_t format) {
    switch (format) {
        case HPE_EDGE_BGR8: return hpe::PixelFormat::Bgr8;
        case HPE_EDGE_RGB8: return hpe::PixelFormat::Rgb8;
        case HPE_EDGE_MONO8: return hpe::PixelFormat::Mono8;
        case HPE_EDGE_BGRA8: return hpe::PixelFormat::Bgra8;
        case HPE_EDGE_RGBA8: return hpe::PixelFormat::Rgba8;
        case HPE_EDGE_YUYV: return hpe::PixelFormat::Yuyv;
        case HPE_EDGE_NV12: return hpe::PixelFormat::Nv12;
        default: break;
    }
    throw Error(ErrorKind::InvalidImage,
                "image.format: expected a value of hpe_edge_pixel_format, got " + std::to_string(format));
}

hpe::HeadPoseOptions options_of(const hpe_edge_options& given) {
    hpe::HeadPoseOptions options;
    options.precision = precision_of(given.precision);
    if (given.threads != 0) options.threads = given.threads;
    if (given.detector_card != nullptr) options.detector_card = given.detector_card;
    if (given.score_threshold != 0.0) options.detector.score_threshold = given.score_threshold;
    if (given.longest_side != 0) options.detector.longest_side = given.longest_side;
    if (given.max_faces != 0) options.detector.max_faces = given.max_faces;
    return options;
}

hpe::ImageView view_of(const hpe_edge_image& image) {
    const hpe::PixelFormat format = format_of(image.format);
    const bool planes = format == hpe::PixelFormat::Nv12;
    if (planes != (image.second_data != nullptr)) {
        throw Error(ErrorKind::InvalidImage, planes ? "image.second_data: expected the plane of U and V, got NULL"
                                                    : "image.second_data: expected NULL, as the format has one plane");
    }
    const std::ptrdiff_t pixel_stride = hpe::pixel_bytes(format);
    const std::ptrdiff_t row_stride = image.row_stride != 0 ? image.row_stride : pixel_stride * image.width;
    const std::ptrdiff_t chroma_stride = image.second_row_stride != 0 ? image.second_row_stride : image.width;
    return {image.data, image.width, image.height, row_stride, pixel_stride, format, {image.second_data, chroma_stride}};
}

hpe_edge_pose pose_of(const hpe::Pose& pose) {
    const hpe::Box& box = pose.box;
    return {pose.yaw_deg, pose.pitch_deg, pose.roll_deg, {pose.std_deg[0], pose.std_deg[1], pose.std_deg[2]},
            {box.x0, box.y0, box.x1, box.y1}, pose.score};
}

}  // namespace

const char* hpe_edge_version(void) { return HPE_EDGE_VERSION; }

const char* hpe_edge_last_error(void) { return last_error.data(); }

hpe_edge_status hpe_edge_open(const char* card, const hpe_edge_options* options, hpe_edge_estimator** estimator) {
    return guarded([&] {
        required(estimator, "estimator");
        const hpe::HeadPoseOptions chosen = options == nullptr ? hpe::HeadPoseOptions{} : options_of(*options);
        *estimator = new hpe_edge_estimator{hpe::HeadPose(required(card, "card"), chosen)};
    });
}

void hpe_edge_close(hpe_edge_estimator* estimator) { delete estimator; }

hpe_edge_status hpe_edge_get_info(const hpe_edge_estimator* estimator, hpe_edge_info* info) {
    return guarded([&] {
        const hpe::HeadPoseInfo& found = required(estimator, "estimator")->head_pose.info();
        *required(info, "info") = {found.model.c_str(),     found.model_version.c_str(),   found.sha256.c_str(),
                                   found.precision.c_str(), found.instruction_set.c_str(), found.detector.c_str(),
                                   found.threads};
    });
}

hpe_edge_status hpe_edge_estimate_boxes(const hpe_edge_estimator* estimator, const hpe_edge_image* image,
                                        const hpe_edge_box* boxes, size_t count, hpe_edge_pose* poses) {
    return guarded([&] {
        const hpe::HeadPose& head_pose = required(estimator, "estimator")->head_pose;
        const hpe::ImageView view = view_of(*required(image, "image"));
        std::vector<hpe::Box> rows;
        if (count != 0) {
            required(poses, "poses");
            std::transform(required(boxes, "boxes"), boxes + count, std::back_inserter(rows),
                           [](const hpe_edge_box& b) { return hpe::Box{b.x0, b.y0, b.x1, b.y1}; });
        }
        const std::vector<hpe::Pose> found = head_pose.estimate(view, rows);
        std::transform(found.begin(), found.end(), poses, pose_of);
    });
}

hpe_edge_status hpe_edge_estimate(const hpe_edge_estimator* estimator, const hpe_edge_image* image, hpe_edge_pose* poses,
                                  size_t capacity, size_t* count) {
    return guarded([&] {
        const hpe::HeadPose& head_pose = required(estimator, "estimator")->head_pose;
        const hpe::ImageView view = view_of(*required(image, "image"));
        required(count, "count");
        if (capacity != 0) required(poses, "poses");
        const std::vector<hpe::Pose> found = head_pose.estimate(view);
        const std::size_t written = std::min(capacity, found.size());
        std::transform(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(written), poses, pose_of);
        *count = written;
    });
}

hpe_edge_status hpe_edge_quaternion(const hpe_edge_pose* pose, double xyzw[4]) {
    return guarded([&] {
        const hpe_edge_pose& given = *required(pose, "pose");
        const hpe::Vec3 euler_deg = {given.yaw_deg, given.pitch_deg, given.roll_deg};
        hpe::check_finite(euler_deg, "pose", 0);
        const hpe::Quaternion turn = hpe::rotation_to_quaternion(hpe::euler_to_rotation(euler_deg));
        std::copy(turn.begin(), turn.end(), required(xyzw, "xyzw"));
    });
}
