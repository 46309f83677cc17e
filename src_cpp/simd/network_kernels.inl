// Bodies of the network's kernels. Each instruction set's file includes this inside its own unnamed namespace, after its
// vector type V, so that every copy stays in that file: one shared by the linker could hold instructions that another
// machine lacks. For the same reason nothing of the standard library is called here.
//
// V: kLanes, kMaxRows x kMaxVectors of the register tile; zero, set1, load, store, load_part and store_part (the first n
// lanes, zeros else), repeat_four (four floats again and again), sum_fours(a, b, c, d) (every four lanes become the sums
// of the same four lanes of a, b, c and d), add, sub, mul, div, min, max, fma(a, b, c) = a b + c, sqrt, round, scale_pow2(x, n) = x 2^n, sum, top.

using Vec = V::Type;

constexpr int smaller(int a, int b) { return a < b ? a : b; }

inline Vec clamped(Vec x, Clamp clamp) { return V::min(V::max(x, V::set1(clamp.low)), V::set1(clamp.high)); }

// Lanes of the vector at `column` that exist.
inline int lanes_at(int column, int columns) { return smaller(V::kLanes, columns - column); }

inline void store_lanes(float* out, Vec x, int lanes) {
    if (lanes == V::kLanes) {
        V::store(out, x);
    } else {
        V::store_part(out, x, lanes);
    }
}

inline Vec load_lanes(const float* x, int lanes) {
    return lanes == V::kLanes ? V::load(x) : V::load_part(x, lanes);
}

// --- matrix products -------------------------------------------------------------------------------------------------

// Vectors side by side in the register tile: those that leave the fewest empty, the wider of equals.
int best_vectors(int columns, int most) {
    const int vectors = (columns + V::kLanes - 1) / V::kLanes;
    int best = 1;
    int least_waste = most;
    for (int n = 1; n <= smaller(most, vectors); ++n) {
        const int waste = (vectors + n - 1) / n * n - vectors;
        if (waste <= least_waste) {
            least_waste = waste;
            best = n;
        }
    }
    return best;
}

int block_columns(int columns) { return best_vectors(columns, V::kMaxVectors) * V::kLanes; }

// What is known of a tile: all rows exist, so that sums stay in registers to the end, and also lie row_step apart.
enum class Tile { Part, Full, Even };

// Where the rows of a tile begin for one tap: row_step apart if even; else as the offsets say, those past the end repeating
// the last one.
template <int kRows, bool kEven, class T>
inline void tile_starts(const T* base, const std::int32_t* offsets, std::ptrdiff_t row_step, int rows, const T* (&x)[kRows]) {
    for (int r = 0; r < kRows; ++r) {
        x[r] = kEven ? base + offsets[0] + r * row_step : base + offsets[smaller(r, rows - 1)];
    }
}

// kRows rows from `row` and the block of columns from `column`.
template <int kRows, int kVectors, Tile kTile>
inline void gemm_tile(const Gemm& g, int row, int column, const float* weights) {
    if (g.taps < 1 || g.depth < 1) __builtin_unreachable();  // keeps sums in registers
    const int rows = kTile == Tile::Part ? smaller(kRows, g.rows - row) : kRows;
    Vec sums[kRows][kVectors];
    for (int v = 0; v < kVectors; ++v) {
        const int at = column + v * V::kLanes;
        const int lanes = lanes_at(at, g.columns);
        const Vec start = g.bias == nullptr || lanes <= 0 ? V::zero() : load_lanes(g.bias + at, lanes);
        for (int r = 0; r < kRows; ++r) sums[r][v] = start;
    }
    for (int t = 0; t < g.taps; ++t) {
        const std::int32_t* offsets = g.offsets + static_cast<std::ptrdiff_t>(t) * g.rows + row;
        const float* x[kRows];
        tile_starts<kRows, kTile == Tile::Even>(g.x, offsets, g.row_step, rows, x);
        for (int k = 0; k < g.depth; ++k) {
            Vec w[kVectors];
            for (int v = 0; v < kVectors; ++v) w[v] = V::load(weights + v * V::kLanes);
            weights += g.weights_pitch;
            for (int r = 0; r < kRows; ++r) {
                const Vec value = V::set1(x[r][k]);
                for (int v = 0; v < kVectors; ++v) sums[r][v] = V::fma(value, w[v], sums[r][v]);
            }
        }
    }
    for (int r = 0; r < rows; ++r) {
        float* out = g.out + (row + r) * g.out_pitch + column;
        for (int v = 0; v < kVectors; ++v) {
            const int lanes = lanes_at(column + v * V::kLanes, g.columns);
            if (lanes > 0) store_lanes(out + v * V::kLanes, clamped(sums[r][v], g.clamp), lanes);
        }
    }
}

// The widest tiles, then one narrower for the rows that are left.
template <int kVectors>
void gemm_blocks(const Gemm& g) {
    constexpr int kBlock = kVectors * V::kLanes;
    const float* weights = g.weights;
    for (int column = 0; column < g.columns; column += kBlock, weights += g.block_pitch) {
        int row = 0;
        for (; g.row_step != 0 && row + V::kMaxRows <= g.rows; row += V::kMaxRows) {
            gemm_tile<V::kMaxRows, kVectors, Tile::Even>(g, row, column, weights);
        }
        for (; row + V::kMaxRows <= g.rows; row += V::kMaxRows) {
            gemm_tile<V::kMaxRows, kVectors, Tile::Full>(g, row, column, weights);
        }
        for (; row + 1 < g.rows; row += 4) gemm_tile<4, kVectors, Tile::Part>(g, row, column, weights);
        if (row < g.rows) gemm_tile<1, kVectors, Tile::Full>(g, row, column, weights);
    }
}

void gemm(const Gemm& g) {
    switch (best_vectors(g.columns, V::kMaxVectors)) {
        case 1: return gemm_blocks<1>(g);
        case 2: return gemm_blocks<2>(g);
        case 3: return gemm_blocks<3>(g);
        default: return gemm_blocks<V::kMaxVectors>(g);
    }
}

// kNarrow rows from `row`; in a Part those past the end repeat the last one.
template <class W, Tile kTile>
inline void narrow_tile(const NarrowGemm& g, int row) {
    if (g.depth < 1) __builtin_unreachable();  // keeps sums in registers
    constexpr int kBlock = kNarrow * kNarrow;
    constexpr int kVectors = kBlock / W::kLanes;
    const int rows = kTile == Tile::Part ? smaller(kNarrow, g.rows - row) : kNarrow;
    typename W::Type sums[kNarrow][kVectors];
    const float* x[kNarrow];
    for (int r = 0; r < kNarrow; ++r) {
        x[r] = g.x + (row + (kTile == Tile::Part ? smaller(r, rows - 1) : r)) * g.x_pitch;
        for (int v = 0; v < kVectors; ++v) sums[r][v] = W::zero();
    }
    const float* weights = g.weights;
    for (int k = 0; k < g.depth; k += kNarrow, weights += kBlock) {
        for (int r = 0; r < kNarrow; ++r) {
            const auto four = W::repeat_four(x[r] + k);
            for (int v = 0; v < kVectors; ++v) {
                sums[r][v] = W::fma(four, W::load(weights + v * W::kLanes), sums[r][v]);
            }
        }
    }
    float block[kNarrow][kNarrow];  // [column][row]
    for (int v = 0; v < kVectors; ++v) {
        W::store(block[0] + v * W::kLanes, W::sum_fours(sums[0][v], sums[1][v], sums[2][v], sums[3][v]));
    }
    float* out = g.out + row;
    for (int n = 0; n < g.columns; ++n, out += g.rows) {
        if (kTile != Tile::Part) {
            __builtin_memcpy(out, block[n], sizeof block[n]);
        } else {
            for (int r = 0; r < rows; ++r) out[r] = block[n][r];
        }
    }
}

inline float narrow_product(const NarrowGemm& g, int row, int column) {
    float sum = 0.0F;
    for (int k = 0; k < g.depth; ++k) {
        const int at = (k / kNarrow * kNarrow + column) * kNarrow + k % kNarrow;
        sum += g.x[row * g.x_pitch + k] * g.weights[at];
    }
    return sum;
}

template <class W>  // a template, so that instruction sets without the lanes need not have the operations
void narrow_rows(const NarrowGemm& g) {
    if constexpr (W::kLanes < kNarrow) {
        for (int n = 0; n < g.columns; ++n) {
            for (int r = 0; r < g.rows; ++r) {
                g.out[static_cast<std::ptrdiff_t>(n) * g.rows + r] = narrow_product(g, r, n);
            }
        }
    } else {
        int row = 0;
        for (; row + kNarrow <= g.rows; row += kNarrow) narrow_tile<W, Tile::Full>(g, row);
        if (row < g.rows) narrow_tile<W, Tile::Part>(g, row);
    }
}

void narrow_gemm(const NarrowGemm& g) { narrow_rows<V>(g); }

// --- one filter a channel, pools -------------------------------------------------------------------------------------

// kPixels pixels from `pixel`, in a Part those past the end repeating the last one. kFull: all lanes exist.
template <int kPixels, Tile kTile, bool kFull>
inline void depthwise_tile(const Depthwise& d, int pixel, int c, int lanes) {
    const int pixels = kTile == Tile::Part ? smaller(kPixels, d.pixels - pixel) : kPixels;
    Vec sums[kPixels];
    const Vec bias = kFull ? V::load(d.bias + c) : V::load_part(d.bias + c, lanes);
    for (int p = 0; p < kPixels; ++p) sums[p] = bias;
    for (int t = 0; t < d.taps; ++t) {
        const float* weights = d.weights + static_cast<std::ptrdiff_t>(t) * d.channels + c;
        const Vec w = kFull ? V::load(weights) : V::load_part(weights, lanes);
        const std::int32_t* offsets = d.offsets + t * d.tap_pitch + pixel;
        for (int p = 0; p < kPixels; ++p) {
            const float* x = d.x + offsets[smaller(p, pixels - 1)] + c;
            sums[p] = V::fma(kFull ? V::load(x) : V::load_part(x, lanes), w, sums[p]);
        }
    }
    for (int p = 0; p < pixels; ++p) {
        store_lanes(d.out + static_cast<std::ptrdiff_t>(pixel + p) * d.channels + c, clamped(sums[p], d.clamp), lanes);
    }
}

template <Tile kTile>
inline void depthwise_channels(const Depthwise& d, int pixel) {
    int c = 0;
    for (; c + V::kLanes <= d.channels; c += V::kLanes) depthwise_tile<V::kMaxRows, kTile, true>(d, pixel, c, V::kLanes);
    if (c < d.channels) depthwise_tile<V::kMaxRows, kTile, false>(d, pixel, c, d.channels - c);
}

void depthwise(const Depthwise& d) {
    int p = 0;
    for (; p + V::kMaxRows <= d.pixels; p += V::kMaxRows) depthwise_channels<Tile::Full>(d, p);
    if (p < d.pixels) depthwise_channels<Tile::Part>(d, p);
}

// kVectors vectors of one row of one plane.
template <int kVectors>
inline void plane_tile(const DepthwisePlanes& d, const float* x, const float* weights, Vec bias, int count, float* out) {
    Vec sums[kVectors];
    for (int v = 0; v < kVectors; ++v) sums[v] = bias;
    for (int y = 0; y < d.kernel_height; ++y) {
        for (int i = 0; i < d.kernel_width; ++i) {
            const Vec w = V::set1(weights[y * d.kernel_width + i]);
            const float* from = x + y * d.row_pitch + i;
            for (int v = 0; v < kVectors; ++v) sums[v] = V::fma(V::load(from + v * V::kLanes), w, sums[v]);
        }
    }
    for (int v = 0; v < kVectors; ++v) {
        const int lanes = lanes_at(v * V::kLanes, count);
        if (lanes > 0) store_lanes(out + v * V::kLanes, clamped(sums[v], d.clamp), lanes);
    }
}

void depthwise_planes(const DepthwisePlanes& d) {
    constexpr int kVectors = 4;
    for (int c = 0; c < d.channels; ++c) {
        const float* weights = d.weights + static_cast<std::ptrdiff_t>(c) * d.kernel_height * d.kernel_width;
        const Vec bias = V::set1(d.bias[c]);
        for (int y = 0; y < d.height; ++y) {
            const float* x = d.x + c * d.plane_pitch + y * d.row_pitch;
            float* out = d.out + (static_cast<std::ptrdiff_t>(c) * d.height + y) * d.width;
            for (int i = 0; i < d.width; i += kVectors * V::kLanes) {
                plane_tile<kVectors>(d, x + i, weights, bias, d.width - i, out + i);
            }
        }
    }
}

inline Vec pooled_cell(const PoolCells& s, int pixel, int c, int lanes) {
    const bool largest = s.scale == nullptr;
    Vec result = V::set1(largest ? -kInfinity : 0.0F);
    for (int t = 0; t < s.taps; ++t) {
        const std::int32_t offset = s.offsets[static_cast<std::ptrdiff_t>(t) * s.pixels + pixel];
        if (offset < 0) continue;
        const Vec x = load_lanes(s.x + offset + c, lanes);
        result = largest ? V::max(result, x) : V::add(result, x);
    }
    return largest ? result : V::mul(result, V::set1(s.scale[pixel]));
}

void pool(const PoolCells& s) {
    for (int p = 0; p < s.pixels; ++p) {
        for (int c = 0; c < s.channels; c += V::kLanes) {
            const int lanes = lanes_at(c, s.channels);
            store_lanes(s.out + static_cast<std::ptrdiff_t>(p) * s.channels + c, pooled_cell(s, p, c, lanes), lanes);
        }
    }
}

// --- Winograd --------------------------------------------------------------------------------------------------------

// B^T d of one column: Lavin and Gray, section 4.1 (m = 2) and 4.3 (m = 4).
template <int kM>
inline void input_column(const Vec* d, int step, Vec* out) {
    if constexpr (kM == 2) {
        const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];  // out may be d
        out[0] = V::sub(d0, d2);
        out[step] = V::add(d1, d2);
        out[2 * step] = V::sub(d2, d1);
        out[3 * step] = V::sub(d1, d3);
    } else {
        const Vec two = V::set1(2.0F);
        const Vec four = V::set1(4.0F);
        const Vec five = V::set1(5.0F);
        const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
        const Vec even = V::sub(d4, V::mul(four, d2));
        const Vec odd = V::sub(d3, V::mul(four, d1));
        const Vec even_half = V::sub(d4, d2);
        const Vec odd_half = V::mul(two, V::sub(d3, d1));
        out[0] = V::add(V::sub(V::mul(four, d0), V::mul(five, d2)), d4);
        out[step] = V::add(even, odd);
        out[2 * step] = V::sub(even, odd);
        out[3 * step] = V::add(even_half, odd_half);
        out[4 * step] = V::sub(even_half, odd_half);
        out[5 * step] = V::add(V::sub(V::mul(four, d1), V::mul(five, d3)), d5);
    }
}

// A^T x of one column.
template <int kM>
inline void output_column(const Vec* x, int step, Vec* out) {
    if constexpr (kM == 2) {
        out[0] = V::add(V::add(x[0], x[step]), x[2 * step]);
        out[step] = V::sub(V::sub(x[step], x[2 * step]), x[3 * step]);
    } else {
        const Vec sum = V::add(x[step], x[2 * step]);
        const Vec difference = V::sub(x[step], x[2 * step]);
        const Vec wide_sum = V::add(x[3 * step], x[4 * step]);
        const Vec wide_difference = V::sub(x[3 * step], x[4 * step]);
        out[0] = V::add(V::add(x[0], sum), wide_sum);
        out[step] = V::fma(V::set1(2.0F), wide_difference, difference);
        out[2 * step] = V::fma(V::set1(4.0F), wide_sum, sum);
        out[3 * step] = V::add(V::fma(V::set1(8.0F), wide_difference, difference), x[5 * step]);
    }
}

template <int kM>
void winograd_input_tiles(const WinogradInput& w) {
    constexpr int kSide = kM + 2;
    const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(w.tiles) * w.channels;
    for (int tile = 0; tile < w.tiles; ++tile) {
        for (int c = 0; c < w.channels; c += V::kLanes) {
            const int lanes = lanes_at(c, w.channels);
            Vec d[kSide * kSide];
            for (int i = 0; i < kSide * kSide; ++i) {
                d[i] = load_lanes(w.x + w.offsets[static_cast<std::ptrdiff_t>(i) * w.tiles + tile] + c, lanes);
            }
            for (int x = 0; x < kSide; ++x) input_column<kM>(d + x, kSide, d + x);
            for (int y = 0; y < kSide; ++y) input_column<kM>(d + y * kSide, 1, d + y * kSide);
            float* out = w.out + static_cast<std::ptrdiff_t>(tile) * w.channels + c;
            for (int i = 0; i < kSide * kSide; ++i) store_lanes(out + i * plane, d[i], lanes);
        }
    }
}

template <int kM>
void winograd_output_tiles(const WinogradOutput& w) {
    constexpr int kSide = kM + 2;
    const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(w.tiles) * w.channels;
    for (int tile = 0; tile < w.tiles; ++tile) {
        for (int c = 0; c < w.channels; c += V::kLanes) {
            const int lanes = lanes_at(c, w.channels);
            const float* x = w.x + static_cast<std::ptrdiff_t>(tile) * w.channels + c;
            Vec columns[kM * kSide];  // A^T x, [kM][kSide]
            for (int i = 0; i < kSide; ++i) {
                Vec column[kSide];
                Vec reduced[kM];
                for (int y = 0; y < kSide; ++y) column[y] = load_lanes(x + (y * kSide + i) * plane, lanes);
                output_column<kM>(column, 1, reduced);
                for (int y = 0; y < kM; ++y) columns[y * kSide + i] = reduced[y];
            }
            const Vec bias = load_lanes(w.bias + c, lanes);
            for (int y = 0; y < kM; ++y) {
                Vec row[kM];
                output_column<kM>(columns + y * kSide, 1, row);
                for (int i = 0; i < kM; ++i) {
                    const std::int32_t offset = w.offsets[static_cast<std::ptrdiff_t>(y * kM + i) * w.tiles + tile];
                    if (offset < 0) continue;
                    store_lanes(w.out + offset + c, clamped(V::add(row[i], bias), w.clamp), lanes);
                }
            }
        }
    }
}

void winograd_input(const WinogradInput& input) {
    input.m == 2 ? winograd_input_tiles<2>(input) : winograd_input_tiles<4>(input);
}

void winograd_output(const WinogradOutput& output) {
    output.m == 2 ? winograd_output_tiles<2>(output) : winograd_output_tiles<4>(output);
}

// --- elementwise -----------------------------------------------------------------------------------------------------

// e^x within 2 units in the last place: x = n ln 2 + r, then a polynomial for e^r (Cephes, expf). Beyond +-87.3 the
// result would leave the normal range; there it stays at the limit.
inline Vec exponential(Vec x) {
    x = V::min(V::max(x, V::set1(-87.33654F)), V::set1(88.3762626F));
    const Vec n = V::round(V::mul(x, V::set1(1.44269504F)));
    Vec r = V::fma(n, V::set1(-0.693359375F), x);
    r = V::fma(n, V::set1(2.12194440e-4F), r);
    Vec p = V::set1(1.9875691500e-4F);
    p = V::fma(p, r, V::set1(1.3981999507e-3F));
    p = V::fma(p, r, V::set1(8.3334519073e-3F));
    p = V::fma(p, r, V::set1(4.1665795894e-2F));
    p = V::fma(p, r, V::set1(1.6666665459e-1F));
    p = V::fma(p, r, V::set1(5.0000001201e-1F));
    p = V::fma(V::mul(r, r), p, V::add(r, V::set1(1.0F)));
    return V::scale_pow2(p, n);
}

inline Vec sigmoid(Vec x) {
    const Vec one = V::set1(1.0F);
    return V::div(one, V::add(one, exponential(V::sub(V::zero(), x))));
}

// 2 sigmoid(2 x) - 1; an error of 1e-7 of the range, which is not one of the value where x is near 0.
inline Vec hyperbolic_tangent(Vec x) {
    return V::sub(V::mul(V::set1(2.0F), sigmoid(V::add(x, x))), V::set1(1.0F));
}

inline Vec unary_value(UnaryOp op, Clamp clamp, Vec x) {
    switch (op) {
        case UnaryOp::Clamp: return clamped(x, clamp);
        case UnaryOp::Sigmoid: return sigmoid(x);
        case UnaryOp::Tanh: return hyperbolic_tangent(x);
        case UnaryOp::Exp: return exponential(x);
        case UnaryOp::Sqrt: return V::sqrt(x);
        case UnaryOp::Neg: return V::sub(V::zero(), x);
    }
    return x;
}

void unary(UnaryOp op, Clamp clamp, const float* x, int n, float* out) {
    for (int i = 0; i < n; i += V::kLanes) {
        const int lanes = lanes_at(i, n);
        store_lanes(out + i, unary_value(op, clamp, load_lanes(x + i, lanes)), lanes);
    }
}

inline Vec binary_value(BinaryOp op, Vec a, Vec b) {
    switch (op) {
        case BinaryOp::Add: return V::add(a, b);
        case BinaryOp::Sub: return V::sub(a, b);
        case BinaryOp::Mul: return V::mul(a, b);
        case BinaryOp::Div: return V::div(a, b);
        case BinaryOp::Min: return V::min(a, b);
        case BinaryOp::Max: return V::max(a, b);
    }
    return a;
}

void binary(BinaryOp op, const float* a, int a_step, const float* b, int b_step, int n, float* out) {
    for (int i = 0; i < n; i += V::kLanes) {
        const int lanes = lanes_at(i, n);
        const Vec left = a_step == 0 ? V::set1(*a) : load_lanes(a + i, lanes);
        const Vec right = b_step == 0 ? V::set1(*b) : load_lanes(b + i, lanes);
        store_lanes(out + i, binary_value(op, left, right), lanes);
    }
}

// --- along an axis ---------------------------------------------------------------------------------------------------

// Rows that are contiguous: lanes run along the axis.
inline float row_top(const float* x, int n) {
    Vec top = V::set1(x[0]);
    int i = 0;
    for (; i + V::kLanes <= n; i += V::kLanes) top = V::max(top, V::load(x + i));
    float largest = V::top(top);
    for (; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

inline float row_sum(const float* x, int n) {
    Vec sum = V::zero();
    for (int i = 0; i < n; i += V::kLanes) sum = V::add(sum, load_lanes(x + i, lanes_at(i, n)));
    return V::sum(sum);
}

inline void softmax_row(const float* x, int n, float* out) {
    const Vec top = V::set1(row_top(x, n));
    for (int i = 0; i < n; i += V::kLanes) {
        const int lanes = lanes_at(i, n);
        store_lanes(out + i, exponential(V::sub(load_lanes(x + i, lanes), top)), lanes);
    }
    const Vec scale = V::set1(1.0F / row_sum(out, n));
    for (int i = 0; i < n; i += V::kLanes) {
        const int lanes = lanes_at(i, n);
        store_lanes(out + i, V::mul(load_lanes(out + i, lanes), scale), lanes);
    }
}

// Other axes: lanes run along the axes behind it.
inline void softmax_columns(const float* x, int n, int inner, int lanes, float* out) {
    Vec top = load_lanes(x, lanes);
    for (int i = 1; i < n; ++i) top = V::max(top, load_lanes(x + static_cast<std::ptrdiff_t>(i) * inner, lanes));
    Vec sum = V::zero();
    for (int i = 0; i < n; ++i) {
        const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(i) * inner;
        const Vec e = exponential(V::sub(load_lanes(x + at, lanes), top));
        sum = V::add(sum, e);
        store_lanes(out + at, e, lanes);
    }
    const Vec scale = V::div(V::set1(1.0F), sum);
    for (int i = 0; i < n; ++i) {
        float* const at = out + static_cast<std::ptrdiff_t>(i) * inner;
        store_lanes(at, V::mul(load_lanes(at, lanes), scale), lanes);
    }
}

void softmax(const float* x, Axis axis, float* out) {
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(axis.n) * axis.inner;
    for (int o = 0; o < axis.outer; ++o, x += size, out += size) {
        if (axis.inner == 1) {
            softmax_row(x, axis.n, out);
            continue;
        }
        for (int i = 0; i < axis.inner; i += V::kLanes) {
            softmax_columns(x + i, axis.n, axis.inner, lanes_at(i, axis.inner), out + i);
        }
    }
}

inline void reduce_columns(ReduceOp op, const float* x, Axis axis, float scale, float* out) {
    for (int i = 0; i < axis.inner; i += V::kLanes) {
        const int lanes = lanes_at(i, axis.inner);
        Vec total = load_lanes(x + i, lanes);
        for (int k = 1; k < axis.n; ++k) {
            const Vec next = load_lanes(x + static_cast<std::ptrdiff_t>(k) * axis.inner + i, lanes);
            total = op == ReduceOp::Sum ? V::add(total, next) : V::max(total, next);
        }
        store_lanes(out + i, V::mul(total, V::set1(scale)), lanes);
    }
}

void reduce(ReduceOp op, const float* x, Axis axis, float scale, float* out) {
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(axis.n) * axis.inner;
    for (int o = 0; o < axis.outer; ++o, x += size, out += axis.inner) {
        if (axis.inner > 1) {
            reduce_columns(op, x, axis, scale, out);
        } else {
            *out = scale * (op == ReduceOp::Sum ? row_sum(x, axis.n) : row_top(x, axis.n));
        }
    }
}

constexpr NetworkKernels kTable = {&block_columns, V::kMaxRows, &gemm, &narrow_gemm, &depthwise, &depthwise_planes,
                                   &pool, &winograd_input, &winograd_output, &unary, &binary, &softmax, &reduce};
