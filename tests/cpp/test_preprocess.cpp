#include <cmath>

#include "support.hpp"

using namespace hpe;
using test::dense_view;
using test::noise;
using test::run;
using test::spec;

namespace {

// One output sample by the definition in preprocess.hpp, in double.
double sample(const ImageView& image, const Box& box, const PreprocessSpec& s, int x, int y, int channel) {
    const auto weigh = [](double start, double extent, int count, int i, int j) {
        const double scale = extent / count;
        const double centre = start + (i + 0.5) * scale;
        return std::max(0.0, 1.0 - std::abs(j + 0.5 - centre) / std::max(1.0, scale));
    };
    const double width = box.x1 - box.x0;
    const double height = box.y1 - box.y0;
    const int reach_x = static_cast<int>(width / s.width) + 3;
    const int reach_y = static_cast<int>(height / s.height) + 3;
    const int centre_x = static_cast<int>(std::floor(box.x0 + (x + 0.5) * width / s.width));
    const int centre_y = static_cast<int>(std::floor(box.y0 + (y + 0.5) * height / s.height));
    double sum = 0.0;
    double total = 0.0;
    for (int j = centre_y - reach_y; j <= centre_y + reach_y; ++j) {
        for (int i = centre_x - reach_x; i <= centre_x + reach_x; ++i) {
            const double weight = weigh(box.x0, width, s.width, x, i) * weigh(box.y0, height, s.height, y, j);
            const std::ptrdiff_t row = std::clamp(j, 0, image.height - 1);
            const std::ptrdiff_t column = std::clamp(i, 0, image.width - 1);
            total += weight;
            sum += weight * image.data[row * image.row_stride + column * image.pixel_stride + channel];
        }
    }
    return sum / total;
}

void check_against_definition(const ImageView& image, const Box& box, const PreprocessSpec& s) {
    for (const Isa isa : available_isas()) {
        CAPTURE(std::string(isa_name(isa)));
        const std::vector<float> out = run(image, box, s, isa);
        double largest = 0.0;
        for (int c = 0; c < 3; ++c) {
            for (int y = 0; y < s.height; ++y) {
                for (int x = 0; x < s.width; ++x) {
                    const double expected = sample(image, box, s, x, y, image.format == PixelFormat::Mono8 ? 0 : c);
                    const auto got = static_cast<double>(out[static_cast<std::size_t>((c * s.height + y) * s.width + x)]);
                    largest = std::max(largest, std::abs(got - expected));
                }
            }
        }
        CHECK(largest < 0.002);  // grey levels; 1e-4 of the normalised output is 0.0128
    }
}

}  // namespace

TEST_CASE("a crop of the size of the output is copied") {
    const auto pixels = noise(12 * 10 * 3);
    const ImageView image = dense_view(pixels, 12, 10, PixelFormat::Bgr8);
    for (const Isa isa : available_isas()) {
        const auto out = run(image, {2, 1, 10, 9}, spec(8, 8), isa);
        for (int c = 0; c < 3; ++c) {
            for (int y = 0; y < 8; ++y) {
                for (int x = 0; x < 8; ++x) {
                    const auto expected = pixels[static_cast<std::size_t>(((y + 1) * 12 + x + 2) * 3 + c)];
                    CHECK(out[static_cast<std::size_t>((c * 8 + y) * 8 + x)] == doctest::Approx(expected));
                }
            }
        }
    }
}

TEST_CASE("reducing, enlarging and both at once follow the definition") {
    const auto pixels = noise(97 * 61 * 3);
    const ImageView image = dense_view(pixels, 97, 61, PixelFormat::Bgr8);
    check_against_definition(image, {3.2F, 5.9F, 90.1F, 55.5F}, spec(13, 11));
    check_against_definition(image, {40.3F, 20.7F, 49.1F, 28.2F}, spec(16, 15));
    check_against_definition(image, {3.0F, 20.0F, 90.0F, 24.5F}, spec(7, 9));
    check_against_definition(image, {30.5F, 2.0F, 36.0F, 60.0F}, spec(9, 7));
}

TEST_CASE("long runs, beyond what 16-bit moments hold") {
    const auto pixels = noise(300 * 220 * 3);
    check_against_definition(dense_view(pixels, 300, 220, PixelFormat::Bgr8), {-5.0F, -3.0F, 305.0F, 222.0F}, spec(3, 4));
}

TEST_CASE("windows that leave the image repeat its border") {
    const auto pixels = noise(20 * 15 * 3);
    const ImageView image = dense_view(pixels, 20, 15, PixelFormat::Bgr8);
    check_against_definition(image, {-30.0F, -20.0F, 8.5F, 6.5F}, spec(9, 9));
    check_against_definition(image, {15.5F, 10.5F, 60.0F, 44.0F}, spec(9, 9));
    check_against_definition(image, {-1.5F, -1.5F, 0.5F, 0.5F}, spec(6, 5));
}

TEST_CASE("images of one pixel, one row, one column") {
    const auto pixels = noise(40 * 3);
    check_against_definition(dense_view(pixels, 1, 1, PixelFormat::Bgr8), {-0.5F, -1.0F, 2.0F, 1.5F}, spec(5, 4));
    check_against_definition(dense_view(pixels, 40, 1, PixelFormat::Bgr8), {1.0F, 0.0F, 38.0F, 1.0F}, spec(7, 3));
    check_against_definition(dense_view(pixels, 1, 40, PixelFormat::Bgr8), {0.0F, 1.0F, 1.0F, 38.0F}, spec(3, 7));
}

TEST_CASE("mono images give three equal planes") {
    const auto pixels = noise(50 * 40);
    const ImageView image = dense_view(pixels, 50, 40, PixelFormat::Mono8);
    check_against_definition(image, {1.5F, 2.5F, 47.0F, 38.0F}, spec(11, 9));
    check_against_definition(image, {10.5F, 12.5F, 14.0F, 17.0F}, spec(11, 9));
}

TEST_CASE("small boxes anywhere in a wide image, where more than the crop is converted") {
    const auto pixels = noise(150 * 30 * 3);
    for (const PixelFormat format : {PixelFormat::Bgr8, PixelFormat::Mono8}) {
        const ImageView image = dense_view(pixels, 150, 30, format);
        for (const float x : {-4.0F, 0.0F, 61.3F, 120.0F, 138.9F, 147.0F}) {
            CAPTURE(x);
            check_against_definition(image, {x, 8.0F, x + 12.0F, 20.0F}, spec(6, 5));
            check_against_definition(image, {x, 8.0F, x + 5.0F, 12.0F}, spec(8, 9));
        }
    }
}

TEST_CASE("strided and flipped views are read in place") {
    const int width = 30;
    const int height = 24;
    const auto pixels = noise(static_cast<std::size_t>(width * height * 3));
    const ImageView whole = dense_view(pixels, width, height, PixelFormat::Bgr8);
    const Box box{1.3F, 2.1F, 12.8F, 10.6F};

    const ImageView every_other{pixels.data(), width / 2, height / 2, whole.row_stride * 2, 6, PixelFormat::Bgr8};
    check_against_definition(every_other, box, spec(5, 6));

    const ImageView flipped{pixels.data() + (height - 1) * whole.row_stride + (width - 1) * 3, width, height,
                            -whole.row_stride, -3, PixelFormat::Bgr8};
    check_against_definition(flipped, box, spec(5, 6));

    const ImageView inner{pixels.data() + 2 * whole.row_stride + 9, 20, 18, whole.row_stride, 3, PixelFormat::Bgr8};
    check_against_definition(inner, box, spec(5, 6));
}

TEST_CASE("margin and square grow the window about the centre of the box") {
    const auto pixels = noise(120 * 90 * 3);
    const ImageView image = dense_view(pixels, 120, 90, PixelFormat::Bgr8);
    for (const Isa isa : available_isas()) {
        const auto grown = run(image, {40, 30, 60, 40}, spec(8, 8, 0.5F, true), isa);
        const auto direct = run(image, {30, 15, 70, 55}, spec(8, 8), isa);
        CHECK(test::largest_difference(grown, direct) < 1e-3F);
        const auto oblong = run(image, {40, 30, 60, 40}, spec(8, 8, 0.25F), isa);
        CHECK(test::largest_difference(oblong, run(image, {35, 27.5F, 65, 42.5F}, spec(8, 8), isa)) < 1e-3F);
    }
}

TEST_CASE("nv12 and the same pixels as yuyv, in buffers without a spare byte") {
    constexpr int kWidth = 46;
    constexpr int kHeight = 30;
    const auto pixels = noise(kWidth * kHeight * 3 / 2, 3);
    const std::uint8_t* uv = pixels.data() + kWidth * kHeight;
    const ImageView nv12{pixels.data(), kWidth, kHeight, kWidth, 1, PixelFormat::Nv12, {uv, kWidth, 2}};
    std::vector<std::uint8_t> packed;
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            packed.push_back(pixels[static_cast<std::size_t>(y * kWidth + x)]);
            packed.push_back(uv[y / 2 * kWidth + x]);
        }
    }
    const ImageView yuyv = dense_view(packed, kWidth, kHeight, PixelFormat::Yuyv);
    for (const Box& box : {Box{3.2F, 5.1F, 41.0F, 28.0F}, Box{-9.0F, -7.0F, 60.0F, 50.0F}, Box{44.0F, 27.0F, 47.0F, 31.0F},
                           Box{7.3F, 9.0F, 12.0F, 14.0F}, Box{-300.0F, -300.0F, 340.0F, 330.0F}}) {
        for (const int size : {3, 8, 16, 33}) {
            CAPTURE(box.x0);
            CAPTURE(size);
            const auto expected = run(nv12, box, spec(size, size), Isa::Scalar);
            CHECK(*std::min_element(expected.begin(), expected.end()) >= 0.0F);
            CHECK(*std::max_element(expected.begin(), expected.end()) <= 255.0F);
            for (const Isa isa : available_isas()) {
                CHECK(test::largest_difference(run(nv12, box, spec(size, size), isa), expected) < 0.01F);
                CHECK(test::largest_difference(run(yuyv, box, spec(size, size), isa), expected) < 0.01F);
            }
        }
    }
}

TEST_CASE("colours of BT.601 in limited range") {
    const auto colour = [](std::uint8_t y, std::uint8_t u, std::uint8_t v, Isa isa) {
        const std::vector<std::uint8_t> pixels = {y, y, y, y, u, v};
        const ImageView image{pixels.data(), 2, 2, 2, 1, PixelFormat::Nv12, {pixels.data() + 4, 2, 2}};
        const auto out = run(image, {0, 0, 2, 2}, spec(1, 1), isa);
        return std::vector<float>{out[0], out[1], out[2]};
    };
    for (const Isa isa : available_isas()) {
        CHECK(test::largest_difference(colour(16, 128, 128, isa), {0, 0, 0}) < 0.01F);
        CHECK(test::largest_difference(colour(235, 128, 128, isa), {254.916F, 254.916F, 254.916F}) < 0.01F);
        CHECK(test::largest_difference(colour(81, 90, 240, isa), {0, 0, 254.412F}) < 1.0F);  // red
        CHECK(test::largest_difference(colour(255, 255, 0, isa), {255, 255, 73.908F}) < 0.01F);
    }
}

TEST_CASE("channel order and normalisation") {
    const std::vector<std::uint8_t> pixels = {10, 20, 30};
    PreprocessSpec s = spec(2, 2);
    s.mean = {1.0F, 2.0F, 3.0F};
    s.scale = {0.5F, 2.0F, 10.0F};
    const Box box{0, 0, 1, 1};
    const auto plane = [&](PixelFormat format, ChannelOrder order, int p, Isa isa) {
        s.channel_order = order;
        return run(dense_view(pixels, 1, 1, format), box, s, isa)[static_cast<std::size_t>(4 * p)];
    };
    for (const Isa isa : available_isas()) {
        CHECK(plane(PixelFormat::Bgr8, ChannelOrder::Bgr, 0, isa) == doctest::Approx((10 - 1) * 0.5));
        CHECK(plane(PixelFormat::Bgr8, ChannelOrder::Rgb, 0, isa) == doctest::Approx((30 - 1) * 0.5));
        CHECK(plane(PixelFormat::Rgb8, ChannelOrder::Bgr, 2, isa) == doctest::Approx((10 - 3) * 10.0));
        CHECK(plane(PixelFormat::Rgb8, ChannelOrder::Rgb, 1, isa) == doctest::Approx((20 - 2) * 2.0));
    }
}

TEST_CASE("several boxes, each as if alone; no boxes, nothing") {
    const auto pixels = noise(64 * 48 * 3);
    const ImageView image = dense_view(pixels, 64, 48, PixelFormat::Bgr8);
    const std::vector<Box> boxes = {{1, 2, 60, 40}, {-3, -4, 9, 9}, {30, 30, 33, 34}};
    const PreprocessSpec s = spec(7, 9, 0.2F, true);
    for (const Isa isa : available_isas()) {
        std::vector<float> all(boxes.size() * 3 * 7 * 9);
        preprocess(image, boxes, s, all, isa);
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            const std::vector<float> one = run(image, boxes[i], s, isa);
            CHECK(std::equal(one.begin(), one.end(), all.begin() + static_cast<std::ptrdiff_t>(i * one.size())));
        }
        preprocess(image, {}, s, {}, isa);
    }
}
