// Bodies of the 8-bit kernels, included behind network_kernels.inl in each instruction set's file (see there for the
// reasons). V adds: Ints, 32-bit sums of products in lanes, of
// activations less kOffset; start(sums), those or 0 where kOffset is 0; Quads, quad(x) in every lane; Weights, load_weights;
// dot(sums, quads, weights); to_float(sums); load_bytes and store_bytes, the first n lanes from and to bytes, store
// rounding half to even.

inline void store_rounded(std::uint8_t* out, Vec x, Vec low, Vec high, int lanes) {
    V::store_bytes(out, V::min(V::max(x, low), high), lanes);
}

template <int kRows, int kVectors, Tile kTile>
inline void quantized_tile(const QuantizedGemm& g, int row, int column, const std::int8_t* weights) {
    const int rows = kTile == Tile::Part ? smaller(kRows, g.rows - row) : kRows;
    V::Ints sums[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
        for (int v = 0; v < kVectors; ++v) sums[r][v] = V::start(g.start + column + v * V::kLanes);
    }
    for (int t = 0; t < g.taps; ++t) {
        const std::int32_t* offsets = g.offsets + static_cast<std::ptrdiff_t>(t) * g.rows + row;
        const std::uint8_t* x[kRows];
        tile_starts<kRows, kTile == Tile::Even>(g.x, offsets, g.row_step, rows, x);
        for (int k = 0; k < g.quads; ++k) {
            V::Weights w[kVectors];
            for (int v = 0; v < kVectors; ++v) w[v] = V::load_weights(weights + v * V::kLanes * kQuad);
            weights += kVectors * V::kLanes * kQuad;
            for (int r = 0; r < kRows; ++r) {
                const V::Quads value = V::quad(x[r] + k * kQuad);
                for (int v = 0; v < kVectors; ++v) sums[r][v] = V::dot(sums[r][v], value, w[v]);
            }
        }
    }
    const Vec low = V::set1(static_cast<float>(g.range.low));
    const Vec high = V::set1(static_cast<float>(g.range.high));
    for (int v = 0; v < kVectors; ++v) {
        const int at = column + v * V::kLanes;
        const int lanes = lanes_at(at, g.columns);
        if (lanes <= 0) break;
        const Vec scale = load_lanes(g.scale + at, lanes);
        const Vec bias = load_lanes(g.bias + at, lanes);
        for (int r = 0; r < rows; ++r) {
            // not fused: rounding must not differ between instruction sets
            const Vec value = V::add(V::mul(V::to_float(sums[r][v]), scale), bias);
            store_rounded(g.out + (row + r) * g.out_pitch + at, value, low, high, lanes);
        }
    }
}

template <int kVectors>
void quantized_blocks(const QuantizedGemm& g) {
    constexpr int kBlock = kVectors * V::kLanes;
    const std::ptrdiff_t block_size = static_cast<std::ptrdiff_t>(g.taps) * g.quads * kBlock * kQuad;
    const std::int8_t* weights = g.weights;
    for (int column = 0; column < g.columns; column += kBlock, weights += block_size) {
        int row = 0;
        for (; g.row_step != 0 && row + V::kQuantizedRows <= g.rows; row += V::kQuantizedRows) {
            quantized_tile<V::kQuantizedRows, kVectors, Tile::Even>(g, row, column, weights);
        }
        for (; row + V::kQuantizedRows <= g.rows; row += V::kQuantizedRows) {
            quantized_tile<V::kQuantizedRows, kVectors, Tile::Full>(g, row, column, weights);
        }
        for (; row < g.rows; row += 4) quantized_tile<4, kVectors, Tile::Part>(g, row, column, weights);
    }
}

int quantized_block_columns(int columns) { return best_vectors(columns, V::kQuantizedVectors) * V::kLanes; }

void quantized_gemm(const QuantizedGemm& g) {
    switch (best_vectors(g.columns, V::kQuantizedVectors)) {
        case 1: return quantized_blocks<1>(g);
        case 2: return quantized_blocks<smaller(2, V::kQuantizedVectors)>(g);
        default: return quantized_blocks<V::kQuantizedVectors>(g);
    }
}

inline Vec pooled_bytes(const QuantizedPool& s, int pixel, int c, int lanes) {
    const bool largest = s.scale == nullptr;
    Vec result = V::zero();
    for (int t = 0; t < s.taps; ++t) {
        const std::int32_t offset = s.offsets[static_cast<std::ptrdiff_t>(t) * s.pixels + pixel];
        if (offset < 0) continue;
        const Vec x = V::load_bytes(s.x + offset + c, lanes);
        result = largest ? V::max(result, x) : V::add(result, x);
    }
    return largest ? result : V::mul(result, V::set1(s.scale[pixel]));
}

void quantized_pool(const QuantizedPool& s) {
    for (int p = 0; p < s.pixels; ++p) {
        for (int c = 0; c < s.channels; c += V::kLanes) {
            const int lanes = lanes_at(c, s.channels);
            const Vec value = pooled_bytes(s, p, c, lanes);
            V::store_bytes(s.out + static_cast<std::ptrdiff_t>(p) * s.channels + c, value, lanes);
        }
    }
}

void interleave(const std::uint8_t* planes, std::ptrdiff_t plane_pitch, int count, int n, std::uint8_t* out) {
    const auto plane = [&](int c) { return planes + smaller(c, count - 1) * plane_pitch; };
    const std::uint8_t* p0 = plane(0);
    const std::uint8_t* p1 = plane(1);
    const std::uint8_t* p2 = plane(2);
    const std::uint8_t* p3 = plane(3);
    const std::uint32_t present = count >= kQuad ? 0xFFFFFFFFU : (1U << (8 * count)) - 1U;
    for (int i = 0; i < n; ++i) {  // compilers make vectors of this
        const std::uint32_t pixel = p0[i] | static_cast<std::uint32_t>(p1[i]) << 8U |
                                    static_cast<std::uint32_t>(p2[i]) << 16U | static_cast<std::uint32_t>(p3[i]) << 24U;
        const std::uint32_t kept = pixel & present;
        __builtin_memcpy(out + i * kQuad, &kept, sizeof kept);
    }
}

void quantize(const float* x, int n, float factor, int zero, std::uint8_t* out) {
    const Vec low = V::zero();
    const Vec high = V::set1(255.0F);
    for (int i = 0; i < n; i += V::kLanes) {
        const int lanes = lanes_at(i, n);
        const Vec scaled = V::round(V::mul(load_lanes(x + i, lanes), V::set1(factor)));
        store_rounded(out + i, V::add(scaled, V::set1(static_cast<float>(zero))), low, high, lanes);
    }
}

void dequantize(const std::uint8_t* x, int n, float scale, int zero, float* out) {
    for (int i = 0; i < n; i += V::kLanes) {
        const int lanes = lanes_at(i, n);
        const Vec centred = V::sub(V::load_bytes(x + i, lanes), V::set1(static_cast<float>(zero)));
        store_lanes(out + i, V::mul(centred, V::set1(scale)), lanes);
    }
}

constexpr QuantizedKernels kQuantizedTable = {&quantized_block_columns, V::kOffset, V::kQuantizedRows, &quantized_gemm, &quantized_pool,
                                              &interleave,              &quantize,        &dequantize};
