// The plainest form of every kernel; what kernels.hpp says, line for line.
#include <algorithm>

#include "simd/kernels.hpp"

namespace hpe::simd {
namespace {

void fold_rows(const RowRun& run, float* carried, float* out) {
    for (int x = 0; x < run.width; ++x) {
        int sum = 0;
        int moment = 0;
        for (int k = 0; k < run.n; ++k) {
            moment += sum;  // every value counts once more for each row after it
            sum += run.rows[k][x];
        }
        const auto total = static_cast<float>(sum);
        const float rising = run.sum_weight * total + run.moment_weight * static_cast<float>(moment);
        out[x] = carried[x] + (total - rising);
        carried[x] = rising;
    }
}

void blend_rows(const std::uint8_t* a, const std::uint8_t* b, float weight, int width, float* out) {
    for (int x = 0; x < width; ++x) {
        const auto from = static_cast<float>(a[x]);
        out[x] = from + (static_cast<float>(b[x]) - from) * weight;
    }
}

// Writes the sums of the channels of one output pixel.
template <RowLayout kLayout>
void put(const Planes& planes, int row, int x, const float sums[3]) {
    float* out = planes.out + static_cast<std::ptrdiff_t>(row) * planes.width + x;
    for (int p = 0; p < 3; ++p, out += planes.plane_pitch) {
        const float gain = planes.column_gain[x] * planes.row_gain[p][row];
        if constexpr (shares_chroma(kLayout)) {
            const float* weights = planes.mix->weights[p];
            const float mixed = weights[0] * sums[0] + weights[1] * sums[1] + weights[2] * sums[2];
            *out = std::clamp(mixed * gain + planes.bias[p], planes.mix->low[p], planes.mix->high[p]);
        } else {
            *out = sums[channel_count(kLayout) == 1 ? 0 : planes.swap ? 2 - p : p] * gain + planes.bias[p];
        }
    }
}

template <RowLayout kLayout>
void fold_columns_as(const PixelRows& rows, const ColumnRuns& runs, const Planes& planes) {
    for (int row = 0; row < planes.rows; ++row) {
        float carried[3] = {};
        for (int m = 0; m <= planes.width; ++m) {
            float sums[3] = {};
            for (int c = 0; c < channel_count(kLayout); ++c) {
                const Channel channel = channel_of(kLayout, c, rows.chroma);
                const float* values = rows.data + row * rows.pitch + channel.offset;
                float sum = 0.0F;
                float moment = 0.0F;
                for (int j = runs.starts[m]; j < runs.starts[m] + runs.longest; ++j) {
                    moment += sum;
                    if (j < runs.starts[m + 1]) sum += values[(j >> channel.shift) * channel.step];
                }
                const float rising = runs.sum_weights[m] * sum + runs.moment_weight * moment;
                sums[c] = carried[c] + (sum - rising);
                carried[c] = rising;
            }
            if (m > 0) put<kLayout>(planes, row, m - 1, sums);
        }
    }
}

template <RowLayout kLayout>
void blend_columns_as(const PixelRows& rows, const ColumnBlends& blends, const Planes& planes) {
    for (int row = 0; row < planes.rows; ++row) {
        for (int x = 0; x < planes.width; ++x) {
            float sums[3] = {};
            for (int c = 0; c < channel_count(kLayout); ++c) {
                const Channel channel = channel_of(kLayout, c, rows.chroma);
                const float* values = rows.data + row * rows.pitch + channel.offset;
                const float from = values[(blends.first[x] >> channel.shift) * channel.step];
                const float to = values[((blends.first[x] + 1) >> channel.shift) * channel.step];
                sums[c] = from + (to - from) * blends.weights[x];
            }
            put<kLayout>(planes, row, x, sums);
        }
    }
}

void fold_columns(const PixelRows& rows, const ColumnRuns& runs, const Planes& planes) {
    switch (rows.layout) {
        case RowLayout::Mono: return fold_columns_as<RowLayout::Mono>(rows, runs, planes);
        case RowLayout::Colour3: return fold_columns_as<RowLayout::Colour3>(rows, runs, planes);
        case RowLayout::Colour4: return fold_columns_as<RowLayout::Colour4>(rows, runs, planes);
        case RowLayout::Yuyv: return fold_columns_as<RowLayout::Yuyv>(rows, runs, planes);
        case RowLayout::Nv12: return fold_columns_as<RowLayout::Nv12>(rows, runs, planes);
    }
}

void blend_columns(const PixelRows& rows, const ColumnBlends& blends, const Planes& planes) {
    switch (rows.layout) {
        case RowLayout::Mono: return blend_columns_as<RowLayout::Mono>(rows, blends, planes);
        case RowLayout::Colour3: return blend_columns_as<RowLayout::Colour3>(rows, blends, planes);
        case RowLayout::Colour4: return blend_columns_as<RowLayout::Colour4>(rows, blends, planes);
        case RowLayout::Yuyv: return blend_columns_as<RowLayout::Yuyv>(rows, blends, planes);
        case RowLayout::Nv12: return blend_columns_as<RowLayout::Nv12>(rows, blends, planes);
    }
}

}  // namespace

const Kernels scalar_kernels = {fold_rows, blend_rows, fold_columns, blend_columns};

}  // namespace hpe::simd
