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

constexpr int kWholeVectors = 64;  // bytes that the widest kernel takes at once

Strip plan_strip(const ImageView& image, const AxisPlan& x) {
    const int channels = channel_count(image.format);
    Strip strip{};
    strip.first = std::clamp(x.begin, 0, image.width - 1);
    strip.last = std::clamp(x.end, strip.first + 1, image.width);
    strip.byte_begin = strip.first * channels;
    strip.bytes = (strip.last - strip.first) * channels;
    const int whole = (strip.bytes + kWholeVectors - 1) / kWholeVectors * kWholeVectors;
    const int row_bytes = image.width * channels;
    if (image.pixel_stride == channels && whole <= row_bytes) {
        strip.byte_begin = std::min(strip.byte_begin, row_bytes - whole);
        strip.bytes = whole;
    }
    strip.origin = std::min(x.begin, strip.byte_begin / channels);
    const int columns = std::max(x.end, strip.last) - strip.origin;
    strip.pitch = static_cast<std::ptrdiff_t>(columns) * 3 + kWholeVectors + simd::kRowSlack;
    return strip;
}

// Pointers to the strip of the rows y.begin .. y.end - 1, border rows repeated.
void find_rows(const ImageView& image, const Strip& strip, Workspace& w) {
    const int count = w.y.end - w.y.begin;
    w.row_starts.resize(at(count));
    const auto image_row = [&](int j) {
        return image.data + std::clamp(w.y.begin + j, 0, image.height - 1) * image.row_stride;
    };
    const int channels = channel_count(image.format);
    if (image.pixel_stride == channels) {
        for (int j = 0; j < count; ++j) w.row_starts[at(j)] = image_row(j) + strip.byte_begin;
        return;
    }
    w.packed.resize(at(count) * at(strip.bytes));
    for (int j = 0; j < count; ++j) {
        const std::uint8_t* source = image_row(j) + strip.first * image.pixel_stride;
        std::uint8_t* target = w.packed.data() + at(j) * at(strip.bytes);
        w.row_starts[at(j)] = target;
        for (int i = 0; i < strip.last - strip.first; ++i, target += channels) {
            std::memcpy(target, source + i * image.pixel_stride, at(channels));
        }
    }
}

// Vertical pass, one group of rows after the other.
class RowFolder {
  public:
    RowFolder(const AxisPlan& plan, const std::uint8_t* const* rows, int bytes, std::ptrdiff_t pitch,
              const simd::Kernels& kernels, float* buffer)
        : plan_(plan), rows_(rows), bytes_(bytes), pitch_(pitch), kernels_(kernels), buffer_(buffer) {}

    // Rows y .. y + count - 1 of the output, at buffer + i * pitch. Groups come in order.
    void make_group(int y, int count) {
        if (!plan_.folds) {
            for (int i = 0; i < count; ++i) blend(y + i, slot(i));
            return;
        }
        if (y == 0) {
            fold(0, slot(kRowGroup + 1), slot(0));  // what lies above the first centre falls away from nobody
        } else {
            std::memcpy(slot(0), slot(kRowGroup), at(bytes_) * sizeof(float));
        }
        for (int i = 0; i < count; ++i) fold(y + i + 1, slot(i), slot(i + 1));
    }

    static constexpr int kSlots = kRowGroup + 2;  // the group, the row begun for the next one, a row to discard

  private:
    float* slot(int i) { return buffer_ + i * pitch_; }

    void blend(int y, float* out) {
        const int j = plan_.starts[at(y)] - plan_.begin;
        kernels_.blend_rows(rows_[j], rows_[j + 1], plan_.sum_weights[at(y)], bytes_, out);
    }

    // Run m, in chunks whose sums fit in 16 bits.
    void fold(int m, float* previous, float* next) {
        const int begin = plan_.starts[at(m)] - plan_.begin;
        const int end = plan_.starts[at(m + 1)] - plan_.begin;
        int j = begin;
        do {
            const int n = std::min(end - j, simd::kMaxFoldRows);
            const auto rows_after = static_cast<float>(end - j - n);
            const simd::FoldWeights weights{plan_.sum_weights[at(m)] + rows_after * plan_.moment_weight,
                                            plan_.moment_weight};
            kernels_.fold_rows(rows_ + j, n, bytes_, weights, j > begin, previous, next);
            j += n;
        } while (j < end);
    }

    const AxisPlan& plan_;
    const std::uint8_t* const* rows_;
    int bytes_;
    std::ptrdiff_t pitch_;
    const simd::Kernels& kernels_;
    float* buffer_;
};

void grey_to_colour(const float* grey, int count, float* colour) {
    for (int i = 0; i < count; ++i) colour[3 * i] = colour[3 * i + 1] = colour[3 * i + 2] = grey[i];
}

// Repeats the image's first and last column on either side of a row buffer.
void pad_row(float* row, const AxisPlan& x, const Strip& strip) {
    const auto pixel = [&](int column) { return row + static_cast<std::ptrdiff_t>(column - strip.origin) * 3; };
    for (int column = x.begin; column < strip.first; ++column) std::copy_n(pixel(strip.first), 3, pixel(column));
    for (int column = strip.last; column < x.end; ++column) std::copy_n(pixel(strip.last - 1), 3, pixel(column));
}

simd::Emission plan_emission(const PreprocessSpec& spec, PixelFormat format, const AxisPlan& x, float* out) {
    simd::Emission e{};
    e.width = spec.width;
    e.column_gain = x.gains.data();
    e.out = out;
    e.plane_pitch = static_cast<std::ptrdiff_t>(spec.width) * spec.height;
    const bool swap = (format == PixelFormat::Rgb8) != (spec.channel_order == ChannelOrder::Rgb);
    for (int p = 0; p < 3; ++p) {
        e.channel[p] = swap ? 2 - p : p;
        e.bias[p] = -spec.mean[at(p)] * spec.scale[at(p)];
    }
    return e;
}

}  // namespace

void resample(const ImageView& image, const PreprocessSpec& spec, const simd::Kernels& kernels, Workspace& w,
              float* out) {
    const bool mono = image.format == PixelFormat::Mono8;
    const Strip strip = plan_strip(image, w.x);
    find_rows(image, strip, w);
    for (int& start : w.x.starts) start -= strip.origin;
    w.folded.resize(at(RowFolder::kSlots) * static_cast<std::size_t>(strip.pitch));
    if (mono) w.colour.resize(at(kRowGroup) * static_cast<std::size_t>(strip.pitch));
    w.sums.resize(at((spec.width + 3) / 4 * 4) * kRowGroup * simd::kSumLanes);

    float* rows = mono ? w.colour.data() : w.folded.data();
    const int channels = channel_count(image.format);
    float* folded = w.folded.data() + (strip.byte_begin - strip.origin * channels);
    RowFolder folder(w.y, w.row_starts.data(), strip.bytes, strip.pitch, kernels, folded);
    simd::Emission emission = plan_emission(spec, image.format, w.x, out);
    for (int y = 0; y < spec.height; y += kRowGroup) {
        emission.rows = std::min(kRowGroup, spec.height - y);
        folder.make_group(y, emission.rows);
        for (int i = 0; i < emission.rows; ++i) {
            float* row = rows + i * strip.pitch;
            if (mono) {
                const std::ptrdiff_t shift = static_cast<std::ptrdiff_t>(strip.byte_begin - strip.origin) * 3;
                grey_to_colour(folded + i * strip.pitch, strip.bytes, row + shift);
            }
            pad_row(row, w.x, strip);
            for (int p = 0; p < 3; ++p) emission.row_gain[i][p] = w.y.gains[at(y + i)] * spec.scale[at(p)];
        }
        if (w.x.folds) {
            kernels.fold_columns(rows, strip.pitch, w.x.starts.data(), w.x.sum_weights.data(), w.x.moment_weight,
                                 spec.width, w.sums.data());
        } else {
            kernels.blend_columns(rows, strip.pitch, w.x.starts.data(), w.x.sum_weights.data(), spec.width,
                                  w.sums.data());
        }
        kernels.emit(w.sums.data(), emission);
        emission.out += static_cast<std::ptrdiff_t>(kRowGroup) * spec.width;
    }
}

}  // namespace hpe
