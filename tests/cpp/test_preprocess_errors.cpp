#include <cmath>
#include <limits>

#include "support.hpp"

using namespace hpe;
using test::check_error;
using test::spec;

namespace {

const std::vector<std::uint8_t> kPixels(10 * 8 * 3, 0);

void try_box(const Box& box, const PreprocessSpec& s = spec(4, 4)) {
    (void)test::run(test::dense_view(kPixels, 10, 8, PixelFormat::Bgr8), box, s, Isa::Scalar);
}

}  // namespace

TEST_CASE("boxes that cannot be cropped are refused by number") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float inf = std::numeric_limits<float>::infinity();
    const auto refused = [](const Box& box, const char* part) {
        check_error(ErrorKind::InvalidBox, part, [&] { try_box(box); });
    };
    refused({0, 0, nan, 4}, "finite");
    refused({-inf, 0, 4, 4}, "boxes_xyxy[0]");
    refused({3, 3, 3, 5}, "area");
    refused({5, 3, 2, 5}, "area");
    refused({-5, 0, 0, 4}, "overlaps the image of 10 x 8");
    refused({10, 0, 12, 4}, "overlaps");
    refused({0, 8, 4, 12}, "overlaps");
    refused({-1e30F, -1e30F, 1e30F, 1e30F}, "65536");
}

TEST_CASE("a wrong box among good ones is named") {
    const std::vector<Box> boxes = {{0, 0, 4, 4}, {4, 4, 4, 4}};
    std::vector<float> out(2 * 3 * 16);
    check_error(ErrorKind::InvalidBox, "boxes_xyxy[1]", [&] {
        preprocess(test::dense_view(kPixels, 10, 8, PixelFormat::Bgr8), boxes, spec(4, 4), out, Isa::Scalar);
    });
}

TEST_CASE("an empty image is refused") {
    for (const auto& size : {std::pair{0, 8}, std::pair{10, 0}}) {
        check_error(ErrorKind::InvalidImage, "image", [&] {
            (void)test::run(test::dense_view(kPixels, size.first, size.second, PixelFormat::Bgr8), {0, 0, 4, 4},
                            spec(4, 4), Isa::Scalar);
        });
    }
}

TEST_CASE("pixels that share their colour come in pairs, and nv12 in two planes") {
    const auto refused = [](const ImageView& image, const char* part) {
        check_error(ErrorKind::InvalidImage, part, [&] { check_image(image); });
    };
    const std::uint8_t* data = kPixels.data();
    refused({data, 9, 8, 18, 2, PixelFormat::Yuyv}, "even width for yuyv");
    CHECK_NOTHROW(check_image({data, 10, 7, 20, 2, PixelFormat::Yuyv}));
    refused({data, 9, 8, 10, 1, PixelFormat::Nv12, {data, 10, 2}}, "even width and height for nv12");
    refused({data, 10, 7, 10, 1, PixelFormat::Nv12, {data, 10, 2}}, "height 7");
    refused({data, 10, 8, 10, 1, PixelFormat::Nv12}, "`chroma`");
    CHECK_NOTHROW(check_image({data, 10, 8, 10, 1, PixelFormat::Nv12, {data, 10, 2}}));
}

TEST_CASE("a specification out of range is refused by its field") {
    const auto refused = [](const PreprocessSpec& s, const char* part) {
        check_error(ErrorKind::InvalidArgument, part, [&] { check_spec(s); });
    };
    refused(spec(0, 4), "width, height");
    refused(spec(4, 5000), "width, height");
    refused(spec(4, 4, -0.1F), "margin");
    refused(spec(4, 4, NAN), "margin");
    PreprocessSpec s = spec(4, 4);
    s.scale[1] = std::numeric_limits<float>::infinity();
    refused(s, "mean, scale");
}

TEST_CASE("names of formats and orders") {
    CHECK(parse_pixel_format("mono8") == PixelFormat::Mono8);
    CHECK(parse_pixel_format("nv12") == PixelFormat::Nv12);
    CHECK(parse_pixel_format("rgba8") == PixelFormat::Rgba8);
    CHECK(parse_channel_order("rgb") == ChannelOrder::Rgb);
    check_error(ErrorKind::InvalidImage, "pixel_format", [] { (void)parse_pixel_format("bgr16"); });
    check_error(ErrorKind::InvalidArgument, "channel_order", [] { (void)parse_channel_order("gbr"); });
}

TEST_CASE("an output of the wrong size is a bug of the caller") {
    std::vector<float> out(5);
    const Box box{0, 0, 4, 4};
    check_error(ErrorKind::Core, "output", [&] {
        preprocess(test::dense_view(kPixels, 10, 8, PixelFormat::Bgr8), {&box, 1}, spec(4, 4), out, Isa::Scalar);
    });
}
