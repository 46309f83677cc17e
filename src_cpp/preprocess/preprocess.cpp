#include "hpe/preprocess.hpp"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "hpe/error.hpp"
#include "preprocess/axis.hpp"
#include "preprocess/resample.hpp"
#include "preprocess/window.hpp"
#include "simd/kernels.hpp"

namespace hpe {
namespace {

constexpr std::pair<std::string_view, PixelFormat> kPixelFormats[] = {
    {"bgr8", PixelFormat::Bgr8},   {"rgb8", PixelFormat::Rgb8}, {"mono8", PixelFormat::Mono8},
    {"bgra8", PixelFormat::Bgra8}, {"rgba8", PixelFormat::Rgba8}, {"yuyv", PixelFormat::Yuyv},
    {"nv12", PixelFormat::Nv12}};

constexpr int kLargestOutput = 4096;
constexpr int kLargestImage = 1 << 24;  // a side, so that positions in bytes fit an int

// Whether chroma is there, for whole pairs of pixels.
void check_chroma(const ImageView& image) {
    const bool nv12 = image.format == PixelFormat::Nv12;
    if (image.width % 2 != 0 || (nv12 && image.height % 2 != 0)) {
        throw Error(ErrorKind::InvalidImage,
                    std::string("image: expected an even width") + (nv12 ? " and height for nv12" : " for yuyv") +
                        ", whose pixels share their colour, got width " + std::to_string(image.width) +
                        " and height " + std::to_string(image.height));
    }
    if (nv12 && image.chroma.data == nullptr) {
        throw Error(ErrorKind::InvalidImage, "image: expected nv12 with the plane of U and V in `chroma`, got none");
    }
}

}  // namespace

PixelFormat parse_pixel_format(std::string_view name) {
    std::string names;
    for (const auto& [known, format] : kPixelFormats) {
        if (name == known) return format;
        names += (names.empty() ? "'" : ", '") + std::string(known) + "'";
    }
    throw Error(ErrorKind::InvalidImage,
                "pixel_format: expected one of " + names + ", got '" + std::string(name) + "'");
}

ChannelOrder parse_channel_order(std::string_view name) {
    if (name == "bgr") return ChannelOrder::Bgr;
    if (name == "rgb") return ChannelOrder::Rgb;
    throw Error(ErrorKind::InvalidArgument,
                "channel_order: expected 'bgr' or 'rgb', got '" + std::string(name) + "'");
}

void check_image(const ImageView& image) {
    if (image.data == nullptr || image.width <= 0 || image.height <= 0 || image.width > kLargestImage ||
        image.height > kLargestImage) {
        throw Error(ErrorKind::InvalidImage, "image: expected 1 to " + std::to_string(kLargestImage) +
                                                 " pixels a side, got width " + std::to_string(image.width) +
                                                 " and height " + std::to_string(image.height));
    }
    if (image.format == PixelFormat::Yuyv || image.format == PixelFormat::Nv12) check_chroma(image);
}

void check_spec(const PreprocessSpec& spec) {
    if (spec.width < 1 || spec.height < 1 || spec.width > kLargestOutput || spec.height > kLargestOutput) {
        throw Error(ErrorKind::InvalidArgument, "width, height: expected 1 to " + std::to_string(kLargestOutput) +
                                                    " pixels, got " + std::to_string(spec.width) + " x " +
                                                    std::to_string(spec.height));
    }
    if (!std::isfinite(spec.margin) || spec.margin < 0.0F) {
        throw Error(ErrorKind::InvalidArgument,
                    "margin: expected a finite fraction of the box's size, 0 or more, got " +
                        std::to_string(spec.margin));
    }
    for (std::size_t c = 0; c < 3; ++c) {
        if (!std::isfinite(spec.mean[c]) || !std::isfinite(spec.scale[c])) {
            throw Error(ErrorKind::InvalidArgument, "mean, scale: expected three finite numbers each");
        }
    }
}

void check_boxes(const ImageView& image, std::span<const Box> boxes, const PreprocessSpec& spec) {
    check_image(image);
    for (std::size_t i = 0; i < boxes.size(); ++i) (void)crop_window(boxes[i], i, spec, image);
}

void preprocess(const ImageView& image, std::span<const Box> boxes, const PreprocessSpec& spec,
                std::span<float> out, Isa isa) {
    check_image(image);
    check_spec(spec);
    const std::size_t crop_size =
        std::size_t{3} * static_cast<std::size_t>(spec.width) * static_cast<std::size_t>(spec.height);
    if (out.size() != boxes.size() * crop_size) {
        throw Error(ErrorKind::Core, "preprocess: the output has " + std::to_string(out.size()) +
                                         " values, expected " + std::to_string(boxes.size() * crop_size));
    }
    const simd::Kernels& kernels = simd::kernels(isa);
    static thread_local Workspace workspace;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        const Window window = crop_window(boxes[i], i, spec, image);
        plan_axis(window.x0, window.width, spec.width, workspace.x);
        plan_axis(window.y0, window.height, spec.height, workspace.y);
        resample(image, spec, kernels, workspace, out.data() + i * crop_size);
    }
}

}  // namespace hpe
