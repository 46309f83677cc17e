// Every SIMD kernel against its scalar twin: odd widths, unaligned pointers, short and long runs.
#include "simd/kernels.hpp"
#include "support.hpp"

using namespace hpe;
using simd::Kernels;
using simd::kRowGroup;
using simd::kRowSlack;
using simd::kSumLanes;

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
    kernels.fold_rows({rows.data(), n, width, 0.9F, weight}, carried.data(), out.data());
    kernels.fold_rows({rows.data() + n, n, width, 0.7F, weight}, carried.data(), out.data());
    return out;
}

}  // namespace

TEST_CASE("fold_rows") {
    for_each_simd([](const Kernels& kernels) {
        for (const int width : {1, 7, 31, 32, 33, 64, 95, 200}) {
            for (const int n : {1, 2, 3, 4, 5, 6, 7, 16, 17, 50}) {
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

struct Columns {
    std::vector<float> rows;
    std::ptrdiff_t pitch;
};

Columns make_columns(int pixels) {
    const std::ptrdiff_t pitch = static_cast<std::ptrdiff_t>(pixels + 1) * 3 + kRowSlack;
    return {noise_floats(static_cast<std::size_t>(pitch * kRowGroup), 7), pitch};
}

std::vector<float> sums_buffer(int width) {
    return std::vector<float>(static_cast<std::size_t>((width + 3) / 4 * 4 * kRowGroup * kSumLanes), 0.0F);
}

// The padding lanes may hold anything.
void clear_padding(std::vector<float>& sums) {
    for (std::size_t i = 3; i < sums.size(); i += kSumLanes) sums[i] = 0.0F;
}

}  // namespace

TEST_CASE("fold_columns") {
    for_each_simd([](const Kernels& kernels) {
        for (const int width : {1, 2, 5, 8, 33}) {
            for (int longest = 1; longest <= 9; ++longest) {
                CAPTURE(width);
                CAPTURE(longest);
                std::vector<int> starts = {0};
                for (int m = 0; m <= width; ++m) {
                    starts.push_back(starts.back() + (m % 3 == 1 ? std::max(longest - 1, 1) : longest));
                }
                const Columns columns = make_columns(starts.back() + 1);
                const std::vector<float> weights(static_cast<std::size_t>(width + 1), 0.8F);
                const simd::ColumnRuns runs{columns.rows.data(), columns.pitch, starts.data(), weights.data(),
                                            -0.1F,               longest,       width};
                auto expected = sums_buffer(width);
                auto got = expected;
                simd::scalar_kernels.fold_columns(runs, expected.data());
                kernels.fold_columns(runs, got.data());
                clear_padding(got);
                CHECK(test::largest_difference(got, expected) < 0.002F);
            }
        }
    });
}

TEST_CASE("blend_columns") {
    for_each_simd([](const Kernels& kernels) {
        for (const int width : {1, 3, 4, 17}) {
            CAPTURE(width);
            const Columns columns = make_columns(width + 1);
            std::vector<int> first;
            std::vector<float> weights;
            for (int x = 0; x < width; ++x) {
                first.push_back(x / 2);
                weights.push_back(0.25F * static_cast<float>(x % 4));
            }
            auto expected = sums_buffer(width);
            auto got = expected;
            simd::scalar_kernels.blend_columns(columns.rows.data(), columns.pitch, first.data(), weights.data(), width,
                                               expected.data());
            kernels.blend_columns(columns.rows.data(), columns.pitch, first.data(), weights.data(), width,
                                  got.data());
            clear_padding(got);
            CHECK(test::largest_difference(got, expected) < 1e-3F);
        }
    });
}

TEST_CASE("emit writes every sample of the rows there are, and nothing else") {
    for_each_simd([](const Kernels& kernels) {
        for (const int width : {1, 2, 3, 4, 5, 8, 31}) {
            for (int rows = 1; rows <= kRowGroup; ++rows) {
                for (const bool swap : {false, true}) {
                    CAPTURE(width);
                    CAPTURE(rows);
                    const auto sums = noise_floats(sums_buffer(width).size(), 3);
                    const auto gains = noise_floats(static_cast<std::size_t>(width + 3), 5);
                    const auto plane = static_cast<std::size_t>(width * rows);
                    std::vector<float> expected(3 * plane + 1, -7.0F);
                    auto got = expected;
                    simd::Emission e{};
                    e.width = width;
                    e.rows = rows;
                    e.column_gain = gains.data();
                    for (int i = 0; i < kRowGroup; ++i) {
                        for (int p = 0; p < 3; ++p) e.row_gain[i][p] = 0.001F * static_cast<float>(i + p + 1);
                    }
                    for (int p = 0; p < 3; ++p) e.bias[p] = static_cast<float>(p);
                    e.swap = swap;
                    e.plane_pitch = static_cast<std::ptrdiff_t>(plane);
                    e.out = expected.data();
                    simd::scalar_kernels.emit(sums.data(), e);
                    e.out = got.data();
                    kernels.emit(sums.data(), e);
                    CHECK(test::largest_difference(got, expected) < 1e-3F);
                    CHECK(got.back() == -7.0F);
                }
            }
        }
    });
}
