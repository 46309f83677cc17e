// Every SIMD kernel against its scalar twin: odd widths, unaligned pointers, short and long runs.
#include "simd/kernels.hpp"
#include "support.hpp"

using namespace hpe;
using simd::Kernels;
using simd::kRowGroup;
using simd::kRowSlack;
using simd::RowLayout;

namespace {

std::vector<float> noise_floats(std::size_t count, std::uint64_t seed) {
    std::vector<float> values;
    for (const std::uint8_t byte : test::noise(count, seed)) values.push_back(static_cast<float>(byte));
    return values;
}

template <class Check>
void for_each_simd(const Check& check) {
    for (const Isa isa : available_isas()) {
        if (isa == Isa::Scalar) continue;
        CAPTURE(std::string(isa_name(isa)));
        check(simd::kernels(isa));
    }
}

// Two runs, so that what a kernel carries comes out again.
std::vector<float> fold_twice(const Kernels& kernels, const std::vector<std::uint8_t>& pixels, int n, int width,
                              int shift) {
    std::vector<const std::uint8_t*> rows;
    for (int k = 0; k < 2 * n; ++k) rows.push_back(pixels.data() + k * (width + 5) + shift);
    std::vector<float> carried(static_cast<std::size_t>(width), 0.0F);
    std::vector<float> out(carried.size());
    const float weight = -1.0F / static_cast<float>(n);
    kernels.fold_rows({rows.data(), rows.data() + n, n, width, 0.9F, weight}, carried.data(), out.data());
    kernels.fold_rows({rows.data() + n, rows.data(), n, width, 0.7F, weight}, carried.data(), out.data());
    return out;
}

}  // namespace

TEST_CASE("fold_rows") {
    for_each_simd([](const Kernels& kernels) {
        for (const int width : {1, 7, 31, 32, 33, 64, 95, 200}) {
            for (const int n : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 50}) {
                for (const int shift : {0, 1, 3}) {
                    CAPTURE(width);
                    CAPTURE(n);
                    const auto pixels = test::noise(static_cast<std::size_t>(2 * n * (width + 5) + shift));
                    const auto expected = fold_twice(simd::scalar_kernels, pixels, n, width, shift);
                    const auto got = fold_twice(kernels, pixels, n, width, shift);
                    CHECK(test::largest_difference(got, expected) < 0.002F * static_cast<float>(n));
                }
            }
        }
    });
}

TEST_CASE("blend_rows") {
    for_each_simd([](const Kernels& kernels) {
        for (const int width : {1, 7, 8, 9, 63, 100}) {
            CAPTURE(width);
            const auto pixels = test::noise(static_cast<std::size_t>(2 * width + 1));
            std::vector<float> expected(static_cast<std::size_t>(width));
            std::vector<float> got(expected.size());
            const std::uint8_t* a = pixels.data() + 1;
            simd::scalar_kernels.blend_rows(a, a + width, 0.3F, width, expected.data());
            kernels.blend_rows(a, a + width, 0.3F, width, got.data());
            CHECK(test::largest_difference(got, expected) < 1e-4F);
        }
    });
}

namespace {

// Random rows, planes with random gains, and an output with a sentinel behind it.
struct Columns {
    Columns(int pixels, RowLayout layout, int width, int row_count, bool swap)
        : chroma(pixels + kRowSlack), pitch(kRowFloats * static_cast<std::ptrdiff_t>(pixels) + 2 * kRowSlack),
          values(noise_floats(static_cast<std::size_t>(pitch * kRowGroup), 7)),
          gains(noise_floats(static_cast<std::size_t>(width), 5)),
          rows{values.data(), pitch, layout, chroma} {
        planes.width = width;
        planes.rows = row_count;
        planes.column_gain = gains.data();
        planes.swap = swap;
        if (simd::shares_chroma(layout)) planes.mix = &kMix;
        planes.plane_pitch = static_cast<std::ptrdiff_t>(width) * row_count;
        for (int p = 0; p < 3; ++p) {
            planes.bias[p] = static_cast<float>(p);
            for (int i = 0; i < kRowGroup; ++i) planes.row_gain[p][i] = 1e-4F * static_cast<float>(i + p + 1);
        }
    }

    template <class Kernel>
    std::vector<float> run(const Kernel& kernel) {
        std::vector<float> out(static_cast<std::size_t>(3 * planes.plane_pitch + 1), -7.0F);
        planes.out = out.data();
        kernel(rows, planes);
        CHECK(out.back() == -7.0F);
        return out;
    }

    static constexpr int kRowFloats = 4;  // a pixel, at most
    static constexpr simd::ColourMix kMix{{{1.1F, 2.0F, 0.1F}, {1.2F, -0.4F, -0.8F}, {1.3F, -0.2F, 1.6F}},
                                          {2.0F, 3.0F, 4.0F},
                                          {30.0F, 20.0F, 10.0F}};
    std::ptrdiff_t chroma;
    std::ptrdiff_t pitch;
    std::vector<float> values;
    std::vector<float> gains;
    simd::PixelRows rows;
    simd::Planes planes{};
};

template <class Check>
void for_each_layout(const Check& check) {
    for (const int width : {1, 2, 7, 8, 9, 16, 33}) {
        for (const RowLayout layout :
             {RowLayout::Mono, RowLayout::Colour3, RowLayout::Colour4, RowLayout::Yuyv, RowLayout::Nv12}) {
            for (const int row_count : {1, 3, kRowGroup}) {
                CAPTURE(width);
                CAPTURE(static_cast<int>(layout));
                CAPTURE(row_count);
                check(width, layout, row_count, width % 2 == 0);
            }
        }
    }
}

}  // namespace

TEST_CASE("fold_columns") {
    for_each_simd([](const Kernels& kernels) {
        for (const int longest : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20, 70, 140}) {
            for_each_layout([&](int width, RowLayout layout, int row_count, bool swap) {
                std::vector<int> starts = {0};
                for (int m = 0; m <= width; ++m) {
                    starts.push_back(starts.back() + (m % 3 == 1 ? std::max(longest - 1, 1) : longest));
                }
                const std::vector<float> weights(static_cast<std::size_t>(width + 1), 0.8F);
                const simd::ColumnRuns runs{starts.data(), weights.data(), -0.8F / static_cast<float>(longest), longest};
                Columns columns(starts.back() + 1, layout, width, row_count, swap);
                const auto run = [&](const Kernels& k) {
                    return columns.run([&](const auto& rows, const auto& planes) { k.fold_columns(rows, runs, planes); });
                };
                CHECK(test::largest_difference(run(kernels), run(simd::scalar_kernels)) <
                      1e-3F * static_cast<float>(longest));
            });
        }
    });
}

TEST_CASE("blend_columns") {
    for_each_simd([](const Kernels& kernels) {
        for_each_layout([&](int width, RowLayout layout, int row_count, bool swap) {
            std::vector<int> first;
            std::vector<float> weights;
            for (int x = 0; x < width; ++x) {
                first.push_back(2 * x / 3);
                weights.push_back(0.25F * static_cast<float>(x % 4));
            }
            const simd::ColumnBlends blends{first.data(), weights.data()};
            Columns columns(width + 1, layout, width, row_count, swap);
            const auto run = [&](const Kernels& k) {
                return columns.run([&](const auto& rows, const auto& planes) { k.blend_columns(rows, blends, planes); });
            };
            CHECK(test::largest_difference(run(kernels), run(simd::scalar_kernels)) < 1e-3F);
        });
    });
}
