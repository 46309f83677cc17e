// The plainest form of every kernel; what kernels.hpp says, line for line.
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

void fold_columns(const ColumnRuns& runs, float* sums) {
    for (int row = 0; row < kRowGroup; ++row) {
        const float* pixels = runs.rows + row * runs.pitch;
        for (int c = 0; c < 3; ++c) {
            float carried = 0.0F;
            for (int m = 0; m <= runs.width; ++m) {
                float sum = 0.0F;
                float moment = 0.0F;
                for (int j = runs.starts[m]; j < runs.starts[m] + runs.longest; ++j) {
                    moment += sum;
                    if (j < runs.starts[m + 1]) sum += pixels[j * 3 + c];
                }
                const float rising = runs.sum_weights[m] * sum + runs.moment_weight * moment;
                if (m > 0) sums[((m - 1) * kRowGroup + row) * kSumLanes + c] = carried + (sum - rising);
                carried = rising;
            }
        }
    }
}

void blend_columns(const float* rows, std::ptrdiff_t pitch, const int* first, const float* weights, int width,
                   float* sums) {
    for (int x = 0; x < width; ++x) {
        for (int row = 0; row < kRowGroup; ++row) {
            const float* pixel = rows + row * pitch + static_cast<std::ptrdiff_t>(first[x]) * 3;
            float* sum = sums + (x * kRowGroup + row) * kSumLanes;
            for (int c = 0; c < 3; ++c) sum[c] = pixel[c] + (pixel[c + 3] - pixel[c]) * weights[x];
        }
    }
}

void emit(const float* sums, const Emission& e) {
    for (int p = 0; p < 3; ++p) {
        for (int row = 0; row < e.rows; ++row) {
            float* out = e.out + p * e.plane_pitch + static_cast<std::ptrdiff_t>(row) * e.width;
            for (int x = 0; x < e.width; ++x) {
                const float sum = sums[(x * kRowGroup + row) * kSumLanes + (e.swap ? 2 - p : p)];
                out[x] = sum * e.column_gain[x] * e.row_gain[row][p] + e.bias[p];
            }
        }
    }
}

}  // namespace

const Kernels scalar_kernels = {fold_rows, blend_rows, fold_columns, blend_columns, emit};

}  // namespace hpe::simd
