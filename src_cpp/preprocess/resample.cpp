#include "preprocess/resample.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "preprocess/planes.hpp"

namespace hpe {
namespace {

using simd::kRowGroup;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// Copies the strip of the rows first_row .. last_row, whose elements do not lie side by side, into dense rows.
void pack_rows(const Plane& plane, const Strip& strip, int first_row, int last_row, std::vector<std::uint8_t>& packed) {
    packed.resize(at(last_row - first_row + 1) * at(strip.bytes));
    std::uint8_t* target = packed.data();
    for (int y = first_row; y <= last_row; ++y) {
        const std::uint8_t* source = plane.data + y * plane.row_stride + strip.begin / plane.bytes * plane.step;
        for (int i = 0; i < strip.bytes; i += plane.bytes, source += plane.step, target += plane.bytes) {
            std::memcpy(target, source, at(plane.bytes));
        }
    }
}

// Pointers to the strip of the image rows y.begin .. y.end - 1, border rows repeated, and chroma for two rows each.
void find_rows(const Plane& plane, const Strip& strip, int image_height, const AxisPlan& y,
               Workspace::PlaneRows& rows) {
    const auto inside = [&](int j) { return std::clamp(j, 0, image_height - 1) >> plane.shift; };
    const int first_row = inside(y.begin);
    const std::uint8_t* start = plane.data + first_row * plane.row_stride + strip.begin;
    std::ptrdiff_t stride = plane.row_stride;
    if (!plane.dense()) {
        pack_rows(plane, strip, first_row, inside(y.end - 1), rows.packed);
        start = rows.packed.data();
        stride = strip.bytes;
    }
    rows.starts.resize(at(y.end - y.begin));
    for (int j = y.begin; j < y.end; ++j) rows.starts[at(j - y.begin)] = start + (inside(j) - first_row) * stride;
    if (y.folds) rows.starts.insert(rows.starts.end(), at(y.longest), rows.starts.back());  // "next" of the last run
}

// Vertical pass of one plane: rows y .. y + count - 1 of the output at folded + i * pitch. Groups come in order, so that
// what the last run of one group gives to the next row is still in `carried`.
void make_rows(const AxisPlan& plan, Workspace::PlaneRows& source, const simd::Kernels& kernels, int bytes, int y,
               int count, float* folded, std::ptrdiff_t pitch) {
    const auto rows_from = [&](int j) { return source.starts.data() + (j - plan.begin); };
    if (!plan.folds) {
        for (int i = 0; i < count; ++i) {
            const std::uint8_t* const* rows = rows_from(plan.starts[at(y + i)]);
            kernels.blend_rows(rows[0], rows[1], plan.sum_weights[at(y + i)], bytes, folded + i * pitch);
        }
        return;
    }
    const auto fold = [&](int m, float* out) {
        const int n = plan.starts[at(m + 1)] - plan.starts[at(m)];
        const float rows_missing = static_cast<float>(plan.longest - n);
        kernels.fold_rows({rows_from(plan.starts[at(m)]), rows_from(plan.starts[at(m + 1)]), n, bytes,
                           plan.sum_weights[at(m)] + rows_missing * plan.moment_weight, plan.moment_weight},
                          source.carried.data(), out);
    };
    if (y == 0) fold(0, folded);  // only for what it carries; row 0 is written over at once
    for (int i = 0; i < count; ++i) fold(y + i + 1, folded + i * pitch);
}

// Repeats the image's first and last column on either side of the row buffers.
void pad_rows(float* row, const simd::PixelRows& rows, const AxisPlan& x, const Strips& strips) {
    if (x.begin >= strips.first && x.end <= strips.last) return;
    for (int c = 0; c < simd::channel_count(rows.layout); ++c) {
        const simd::Channel channel = simd::channel_of(rows.layout, c, rows.chroma);
        for (int i = 0; i < kRowGroup; ++i) {
            float* values = row + i * strips.pitch + channel.offset;
            const auto value = [&](int column) -> float& {
                return values[((column - strips.origin) >> channel.shift) * channel.step];
            };
            for (int column = x.begin; column < strips.first; ++column) value(column) = value(strips.first);
            for (int column = strips.last; column < x.end; ++column) value(column) = value(strips.last - 1);
        }
    }
}

bool is_rgb(PixelFormat format) { return format == PixelFormat::Rgb8 || format == PixelFormat::Rgba8; }

simd::Planes plan_planes(const PreprocessSpec& spec, PixelFormat format, const AxisPlan& x, float* out) {
    simd::Planes planes{};
    planes.width = spec.width;
    planes.column_gain = x.gains.data();
    planes.out = out;
    planes.plane_pitch = static_cast<std::ptrdiff_t>(spec.width) * spec.height;
    planes.swap = is_rgb(format) != (spec.channel_order == ChannelOrder::Rgb);
    for (std::size_t p = 0; p < 3; ++p) planes.bias[p] = -spec.mean[p] * spec.scale[p];
    return planes;
}

// Y, U and V are resampled as they are and become colours in the end: both steps are linear, so the order matters only to
// colours beyond 0..255, which are then cut off once, after the averaging, and the few output pixels are converted in
// place of the many of the window.
constexpr float kBlueGreenRed[3][3] = {{1.164F, 2.018F, 0.0F}, {1.164F, -0.391F, -0.813F}, {1.164F, 0.0F, 1.596F}};
constexpr float kBlackLuma = 16.0F;
constexpr float kGreyChroma = 128.0F;

simd::ColourMix plan_mix(const PreprocessSpec& spec, simd::Planes& planes) {
    simd::ColourMix mix{};
    for (std::size_t p = 0; p < 3; ++p) {
        const auto& weights = kBlueGreenRed[spec.channel_order == ChannelOrder::Rgb ? 2 - p : p];
        std::copy_n(weights, 3, mix.weights[p]);
        planes.bias[p] -= (kBlackLuma * weights[0] + kGreyChroma * (weights[1] + weights[2])) * spec.scale[p];
        const float black = -spec.mean[p] * spec.scale[p];
        const float white = (255.0F - spec.mean[p]) * spec.scale[p];
        mix.low[p] = std::min(black, white);
        mix.high[p] = std::max(black, white);
    }
    return mix;
}

}  // namespace

void resample(const ImageView& image, const PreprocessSpec& spec, const simd::Kernels& kernels, Workspace& w,
              float* out) {
    const ImagePlanes source = planes_of(image);
    const Strips strips = plan_strips(source, image.width, w.x);
    for (std::size_t p = 0; p < at(source.count); ++p) {
        find_rows(source.at[p], strips.of[p], image.height, w.y, w.planes[p]);
        w.planes[p].carried.assign(at(strips.of[p].bytes), 0.0F);
    }
    for (int& start : w.x.starts) start -= strips.origin;
    w.folded.resize(at(kRowGroup) * static_cast<std::size_t>(strips.pitch));

    const simd::PixelRows rows{w.folded.data(), strips.pitch, source.layout, strips.chroma};
    const simd::ColumnRuns runs{w.x.starts.data(), w.x.sum_weights.data(), w.x.moment_weight, w.x.longest};
    const simd::ColumnBlends blends{w.x.starts.data(), w.x.sum_weights.data()};
    simd::Planes planes = plan_planes(spec, image.format, w.x, out);
    simd::ColourMix mix{};
    if (simd::shares_chroma(source.layout)) {
        mix = plan_mix(spec, planes);
        planes.mix = &mix;
    }
    for (int y = 0; y < spec.height; y += kRowGroup) {
        planes.rows = std::min(kRowGroup, spec.height - y);
        for (std::size_t p = 0; p < at(source.count); ++p) {
            const Strip& strip = strips.of[p];
            make_rows(w.y, w.planes[p], kernels, strip.bytes, y, planes.rows, w.folded.data() + strip.offset, strips.pitch);
        }
        pad_rows(w.folded.data(), rows, w.x, strips);
        for (int i = 0; i < planes.rows; ++i) {
            for (std::size_t p = 0; p < 3; ++p) planes.row_gain[p][i] = w.y.gains[at(y + i)] * spec.scale[p];
        }
        if (w.x.folds) {
            kernels.fold_columns(rows, runs, planes);
        } else {
            kernels.blend_columns(rows, blends, planes);
        }
        planes.out += static_cast<std::ptrdiff_t>(kRowGroup) * spec.width;
    }
}

}  // namespace hpe
