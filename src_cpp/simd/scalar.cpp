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

// Writes one sum of channel `channel` to every plane that shows it.
void put(const Planes& planes, const PixelRows& rows, int channel, int row, int x, float sum) {
    for (int p = 0; p < 3; ++p) {
        if (rows.channels == 3 && channel != (planes.swap ? 2 - p : p)) continue;
        planes.out[p * planes.plane_pitch + static_cast<std::ptrdiff_t>(row) * planes.width + x] =
            sum * planes.column_gain[x] * planes.row_gain[p][row] + planes.bias[p];
    }
}

void fold_columns(const PixelRows& rows, const ColumnRuns& runs, const Planes& planes) {
    for (int row = 0; row < planes.rows; ++row) {
        for (int c = 0; c < rows.channels; ++c) {
            const float* values = rows.data + row * rows.pitch + c;
            float carried = 0.0F;
            for (int m = 0; m <= planes.width; ++m) {
                float sum = 0.0F;
                float moment = 0.0F;
                for (int j = runs.starts[m]; j < runs.starts[m] + runs.longest; ++j) {
                    moment += sum;
                    if (j < runs.starts[m + 1]) sum += values[static_cast<std::ptrdiff_t>(j) * rows.channels];
                }
                const float rising = runs.sum_weights[m] * sum + runs.moment_weight * moment;
                if (m > 0) put(planes, rows, c, row, m - 1, carried + (sum - rising));
                carried = rising;
            }
        }
    }
}

void blend_columns(const PixelRows& rows, const ColumnBlends& blends, const Planes& planes) {
    for (int row = 0; row < planes.rows; ++row) {
        for (int c = 0; c < rows.channels; ++c) {
            const float* values = rows.data + row * rows.pitch + c;
            for (int x = 0; x < planes.width; ++x) {
                const float* from = values + static_cast<std::ptrdiff_t>(blends.first[x]) * rows.channels;
                put(planes, rows, c, row, x, from[0] + (from[rows.channels] - from[0]) * blends.weights[x]);
            }
        }
    }
}

}  // namespace

const Kernels scalar_kernels = {fold_rows, blend_rows, fold_columns, blend_columns};

}  // namespace hpe::simd
