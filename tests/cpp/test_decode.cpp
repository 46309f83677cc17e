#include <cmath>
#include <limits>

#include "hpe/decode.hpp"
#include "support.hpp"

using namespace hpe;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Softmax {
    std::vector<float> angles;
    std::vector<float> spread;
};

Softmax softmax(const std::vector<float>& logits, int bins, float first, float step) {
    const std::size_t rows = logits.size() / static_cast<std::size_t>(bins);
    Softmax result{std::vector<float>(rows), std::vector<float>(rows)};
    softmax_expectation(logits, bins, first, step, result.angles, result.spread);
    return result;
}

}  // namespace

TEST_CASE("one certain bin gives its centre and no spread") {
    std::vector<float> logits(66, -1000.0F);
    logits[10] = 1000.0F;
    const Softmax result = softmax(logits, 66, -97.5F, 3.0F);
    CHECK(result.angles[0] == doctest::Approx(-67.5F));
    CHECK(result.spread[0] == doctest::Approx(0.0F));
}

TEST_CASE("equal logits give the middle and the spread of the uniform distribution") {
    const Softmax result = softmax(std::vector<float>(5, 3.0F), 5, -20.0F, 10.0F);
    CHECK(result.angles[0] == doctest::Approx(0.0F));
    CHECK(result.spread[0] == doctest::Approx(10.0F * std::sqrt(2.0F)));
}

TEST_CASE("rows do not touch each other, and one bin is a distribution too") {
    const Softmax result = softmax({0.0F, 50.0F, 50.0F, 0.0F}, 2, 0.0F, 1.0F);
    CHECK(result.angles[0] == doctest::Approx(1.0F));
    CHECK(result.angles[1] == doctest::Approx(0.0F));
    CHECK(softmax({7.0F}, 1, 4.0F, 3.0F).angles[0] == 4.0F);
}

TEST_CASE("a step below zero mirrors the angles, the spread stays positive") {
    const Softmax result = softmax({0.0F, 1.0F, 2.0F}, 3, 0.0F, -3.0F);
    CHECK(result.angles[0] < 0.0F);
    CHECK(result.spread[0] > 0.0F);
}

TEST_CASE("logits that are not finite are refused with their row") {
    test::check_error(ErrorKind::InvalidArgument, "row 1", [] { softmax({0.0F, 1.0F, kNan, 0.0F}, 2, 0.0F, 1.0F); });
    test::check_error(ErrorKind::InvalidArgument, "row 0",
                      [] { softmax({std::numeric_limits<float>::infinity(), 0.0F}, 2, 0.0F, 1.0F); });
    test::check_error(ErrorKind::InvalidArgument, "step_deg", [] { softmax({0.0F, 1.0F}, 2, 0.0F, kNan); });
}

TEST_CASE("SSR stages against the formula written out") {
    // Two stages of three bins, one row. tanh(0) = 0, so the shifts and widths are plain.
    const std::vector<float> p1 = {1.0F, -5.0F, 2.0F};  // the ReLU takes the -5 away
    const std::vector<float> p2 = {0.0F, 1.0F, 3.0F};
    const std::vector<float> zero = {0.0F};
    const std::vector<SsrStage> stages = {{3, false, p1, zero, zero}, {3, false, p2, zero, zero}};
    std::vector<float> angles(1);
    ssr_stages(stages, 99.0F, angles);
    CHECK(angles[0] == doctest::Approx(99.0F * ((-1.0F + 2.0F) / 3.0F + 3.0F / 9.0F)));
}

TEST_CASE("a shift per bin equals a common shift when all are the same") {
    const std::vector<float> p = {0.5F, 0.25F, 0.75F};
    const std::vector<float> common = {0.3F};
    const std::vector<float> per_bin = {0.3F, 0.3F, 0.3F};
    const std::vector<float> delta = {-0.2F};
    std::vector<float> a(1);
    std::vector<float> b(1);
    ssr_stages(std::vector<SsrStage>{{3, false, p, common, delta}}, 99.0F, a);
    ssr_stages(std::vector<SsrStage>{{3, true, p, per_bin, delta}}, 99.0F, b);
    CHECK(a[0] == b[0]);
    const double expected = 99.0 * (-0.5 + 0.75 + 1.5 * std::tanh(0.3)) / (3.0 * (1.0 + std::tanh(-0.2)));
    CHECK(a[0] == doctest::Approx(expected));
}

TEST_CASE("an SSR head without stages, with NaN or with sizes that disagree is refused") {
    std::vector<float> angles(1);
    const std::vector<float> one = {0.0F};
    const std::vector<float> bad = {kNan};
    test::check_error(ErrorKind::InvalidArgument, "at least one stage",
                      [&] { ssr_stages(std::vector<SsrStage>{}, 99.0F, angles); });
    test::check_error(ErrorKind::InvalidArgument, "row 0",
                      [&] { ssr_stages(std::vector<SsrStage>{{1, false, bad, one, one}}, 99.0F, angles); });
    test::check_error(ErrorKind::InvalidArgument, "range_deg",
                      [&] { ssr_stages(std::vector<SsrStage>{{1, false, one, one, one}}, kNan, angles); });
    test::check_error(ErrorKind::Core, "sizes",
                      [&] { ssr_stages(std::vector<SsrStage>{{2, false, one, one, one}}, 99.0F, angles); });
}

namespace {

std::vector<float> from_log(const std::vector<float>& log_std, const std::vector<float>& scale) {
    std::vector<float> spread(log_std.size());
    spread_from_log(log_std, scale, spread);
    return spread;
}

std::vector<float> scaled(const std::vector<float>& spread, const std::vector<float>& scale) {
    std::vector<float> out(spread.size());
    scale_spread(spread, scale, out);
    return out;
}

}  // namespace

TEST_CASE("a predicted spread is the exponential times the scale of its angle") {
    const std::vector<float> spread = from_log({0.0F, 1.0F, -1.0F, 2.0F, 0.5F, 0.0F}, {1.0F, 2.0F, 0.5F});
    const std::vector<double> expected = {1.0,           2.0 * std::exp(1.0), 0.5 * std::exp(-1.0),
                                          std::exp(2.0), 2.0 * std::exp(0.5), 0.5};
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(spread[i] == doctest::Approx(expected[i]));
}

TEST_CASE("a logarithm beyond its limit counts as the limit") {
    const float huge = std::numeric_limits<float>::max();
    constexpr auto kLimit = static_cast<float>(kLogStdLimit);
    const std::vector<float> spread = from_log({kLimit, huge, -kLimit, -huge}, {3.0F});
    CHECK(spread[0] == doctest::Approx(3.0 * std::exp(5.0)));
    CHECK(spread[1] == spread[0]);
    CHECK(spread[2] == doctest::Approx(3.0 * std::exp(-5.0)));
    CHECK(spread[3] == spread[2]);
}

TEST_CASE("a spread in degrees is scaled by angle, also in place, and certain stays certain") {
    std::vector<float> spread = {0.0F, 4.0F, 1.0F, 2.0F};
    CHECK(scaled(spread, {0.5F, 3.0F}) == std::vector<float>{0.0F, 12.0F, 0.5F, 6.0F});
    scale_spread(spread, std::vector<float>{0.5F, 3.0F}, spread);
    CHECK(spread == std::vector<float>{0.0F, 12.0F, 0.5F, 6.0F});
    CHECK(from_log({}, {1.0F}).empty());
}

TEST_CASE("spreads and scales that mean nothing are refused with their place") {
    const float infinity = std::numeric_limits<float>::infinity();
    for (const float bad : {kNan, infinity, -infinity}) {
        test::check_error(ErrorKind::InvalidArgument, "log_std", [&] { from_log({0.0F, bad}, {1.0F}); });
        test::check_error(ErrorKind::InvalidArgument, "spread_deg", [&] { scaled({bad}, {1.0F}); });
        test::check_error(ErrorKind::InvalidArgument, "scale[1]", [&] { from_log({0.0F, 0.0F}, {1.0F, bad}); });
    }
    test::check_error(ErrorKind::InvalidArgument, "row 1, column 0",
                      [] { from_log({0.0F, 0.0F, kNan, 0.0F}, {1.0F, 1.0F}); });
    test::check_error(ErrorKind::InvalidArgument, "row 0, column 1", [] { scaled({0.0F, -1.0F}, {1.0F, 1.0F}); });
    test::check_error(ErrorKind::InvalidArgument, "spread_deg",
                      [] { scaled({std::numeric_limits<float>::max()}, {2.0F}); });
    for (const float bad : {0.0F, -1.0F}) {
        test::check_error(ErrorKind::InvalidArgument, "scale[0]", [&] { scaled({1.0F}, {bad}); });
    }
    test::check_error(ErrorKind::Core, "sizes", [] { scaled({1.0F}, {1.0F, 1.0F}); });
    test::check_error(ErrorKind::Core, "sizes", [] { scaled({1.0F}, {}); });
}

TEST_CASE("the finest bins of a coarse-fine network") {
    std::vector<float> logits(198, -1000.0F);
    logits[100] = logits[101] = logits[102] = 0.0F;  // centres 1.5, 2.5, 3.5 degrees
    const Softmax result = softmax(logits, 198, -98.5F, 1.0F);
    CHECK(result.angles[0] == doctest::Approx(2.5F));
    CHECK(result.spread[0] == doctest::Approx(std::sqrt(2.0F / 3.0F)));
}

TEST_CASE("a label distribution gives back its angle and its deviation") {
    constexpr double kAngle = 21.0;
    constexpr double kDeviation = 12.0;  // 4 bins of 3 degrees
    std::vector<float> logits(66);
    for (std::size_t i = 0; i < logits.size(); ++i) {
        const double z = (-97.5 + 3.0 * static_cast<double>(i) - kAngle) / kDeviation;
        logits[i] = static_cast<float>(-0.5 * z * z);
    }
    const Softmax result = softmax(logits, 66, -97.5F, 3.0F);
    CHECK(result.angles[0] == doctest::Approx(kAngle));
    CHECK(result.spread[0] == doctest::Approx(kDeviation).epsilon(1e-4));
}
