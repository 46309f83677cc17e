#include "preprocess/resample.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace hpe {
namespace {

using simd::kRowGroup;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// The part of each image row that a crop reads. The row buffers begin at column `origin`, which lies outside the
// image where the window does.
struct Strip {
    int first;   // columns first .. last - 1 of the image are needed
    int last;
    int origin;
    int byte_begin;  // bytes byte_begin .. byte_begin + bytes - 1 of the row are converted: the needed ones,
    int bytes;       // and a few more where the row has them, so that the kernels see whole vectors
    std::ptrdiff_t pitch;  // floats from one row buffer to the next
};

Strip plan_strip(const ImageView& image, const AxisPlan& x) {
    const int channels = channel_count(image.format);
    Strip strip{};
    strip.first = std::clamp(x.begin, 0, image.width - 1);
    strip.last = std::clamp(x.end, strip.first + 1, image.width);
    strip.byte_begin = strip.first * channels;
    strip.bytes = (strip.last - strip.first) * channels;
    const int whole = (strip.bytes + simd::kFoldStrip - 1) / simd::kFoldStrip * simd::kFoldStrip;
    const int row_bytes = image.width * channels;
    if (image.pixel_stride == channels && whole <= row_bytes) {
        strip.byte_begin = std::min(strip.byte_begin, row_bytes - whole);
        strip.bytes = whole;
    }
    strip.origin = std::min(x.begin, strip.byte_begin / channels);
    const int converted = (strip.byte_begin + strip.bytes + channels - 1) / channels;
    const int columns = std::max(x.end + 1, converted) - strip.origin;  // + 1: kernels look at a pixel after the last
    strip.pitch = static_cast<std::ptrdiff_t>(columns) * channels + simd::kRowSlack;
    return strip;
}

// Copies the strip of the rows first_row .. last_row, whose pixels do not lie side by side, into dense rows.
void pack_rows(const ImageView& image, const Strip& strip, int first_row, int last_row, Workspace& w) {
    const int channels = channel_count(image.format);
    w.packed.resize(at(last_row - first_row + 1) * at(strip.bytes));
    std::uint8_t* target = w.packed.data();
    for (int y = first_row; y <= last_row; ++y) {
        const std::uint8_t* source = image.data + y * image.row_stride + strip.first * image.pixel_stride;
        for (int i = strip.first; i < strip.last; ++i, source += image.pixel_stride, target += channels) {
            std::memcpy(target, source, at(channels));
        }
    }
}

// Pointers to the strip of the rows y.begin .. y.end - 1, border rows repeated.
void find_rows(const ImageView& image, const Strip& strip, Workspace& w) {
    const auto inside = [&](int y) { return std::clamp(y, 0, image.height - 1); };
    const bool dense = image.pixel_stride == channel_count(image.format);
    const int first_row = inside(w.y.begin);
    if (!dense) pack_rows(image, strip, first_row, inside(w.y.end - 1), w);
    w.row_starts.resize(at(w.y.end - w.y.begin));
    for (int j = 0; j < w.y.end - w.y.begin; ++j) {
        const int y = inside(w.y.begin + j);
        w.row_starts[at(j)] = dense ? image.data + y * image.row_stride + strip.byte_begin
                                    : w.packed.data() + at(y - first_row) * at(strip.bytes);
    }
}

// Vertical pass: rows y .. y + count - 1 of the output at folded + i * pitch. Groups come in order, so that what
// the last run of one group gives to the next row is still in `carried`.
void make_rows(Workspace& w, const simd::Kernels& kernels, const Strip& strip, int y, int count, float* folded) {
    const auto rows_from = [&](int j) { return w.row_starts.data() + (j - w.y.begin); };
    if (!w.y.folds) {
        for (int i = 0; i < count; ++i) {
            const std::uint8_t* const* rows = rows_from(w.y.starts[at(y + i)]);
            kernels.blend_rows(rows[0], rows[1], w.y.sum_weights[at(y + i)], strip.bytes, folded + i * strip.pitch);
        }
        return;
    }
    const auto fold = [&](int m, float* out) {
        const int n = w.y.starts[at(m + 1)] - w.y.starts[at(m)];
        const float rows_missing = static_cast<float>(w.y.longest - n);
        kernels.fold_rows({rows_from(w.y.starts[at(m)]), n, strip.bytes,
                           w.y.sum_weights[at(m)] + rows_missing * w.y.moment_weight, w.y.moment_weight},
                          w.carried.data(), out);
    };
    if (y == 0) fold(0, folded);  // only for what it carries; row 0 is written over at once
    for (int i = 0; i < count; ++i) fold(y + i + 1, folded + i * strip.pitch);
}

// Repeats the image's first and last column on either side of a row buffer.
void pad_row(float* row, const AxisPlan& x, const Strip& strip, int channels) {
    const auto pixel = [&](int column) { return row + static_cast<std::ptrdiff_t>(column - strip.origin) * channels; };
    for (int column = x.begin; column < strip.first; ++column) {
        std::copy_n(pixel(strip.first), channels, pixel(column));
    }
    for (int column = strip.last; column < x.end; ++column) {
        std::copy_n(pixel(strip.last - 1), channels, pixel(column));
    }
}

simd::Planes plan_planes(const PreprocessSpec& spec, PixelFormat format, const AxisPlan& x, float* out) {
    simd::Planes planes{};
    planes.width = spec.width;
    planes.column_gain = x.gains.data();
    planes.out = out;
    planes.plane_pitch = static_cast<std::ptrdiff_t>(spec.width) * spec.height;
    planes.swap = (format == PixelFormat::Rgb8) != (spec.channel_order == ChannelOrder::Rgb);
    for (std::size_t p = 0; p < 3; ++p) planes.bias[p] = -spec.mean[p] * spec.scale[p];
    return planes;
}

}  // namespace

void resample(const ImageView& image, const PreprocessSpec& spec, const simd::Kernels& kernels, Workspace& w,
              float* out) {
    const Strip strip = plan_strip(image, w.x);
    find_rows(image, strip, w);
    for (int& start : w.x.starts) start -= strip.origin;
    w.folded.resize(at(kRowGroup) * static_cast<std::size_t>(strip.pitch));
    w.carried.assign(at(strip.bytes), 0.0F);

    const int channels = channel_count(image.format);
    const simd::PixelRows rows{w.folded.data(), strip.pitch, channels};
    const simd::ColumnRuns runs{w.x.starts.data(), w.x.sum_weights.data(), w.x.moment_weight, w.x.longest};
    const simd::ColumnBlends blends{w.x.starts.data(), w.x.sum_weights.data()};
    simd::Planes planes = plan_planes(spec, image.format, w.x, out);
    for (int y = 0; y < spec.height; y += kRowGroup) {
        planes.rows = std::min(kRowGroup, spec.height - y);
        make_rows(w, kernels, strip, y, planes.rows, w.folded.data() + (strip.byte_begin - strip.origin * channels));
        for (int i = 0; i < planes.rows; ++i) {
            pad_row(w.folded.data() + i * strip.pitch, w.x, strip, channels);
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
