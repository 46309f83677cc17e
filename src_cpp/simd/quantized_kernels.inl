// Bodies of the 8-bit kernels, included behind network_kernels.inl in each instruction set's file (see there for the
// reasons). V adds: Ints, 32-bit sums of products in lanes, of
// activations less kOffset; start(sums), those or 0 where kOffset is 0; Quads, quad(x) in every lane; Weights, load_weights;
// dot(sums, quads, weights); to_float(sums); store_pixels, the bytes of four channels side by side for
// every lane, of numbers from 0 to 255; Words, 16-bit sums of bytes in lanes, no_words, add_bytes(words, bytes),
// words_to_float; fused(a, b, c) = a b + c rounded once; load_bytes and store_bytes, the first
// n lanes from and to bytes, store of numbers from 0, rounding half to even and giving 255 for all above.

template <int kRows, int kVectors, Tile kTile>
inline void quantized_tile(const QuantizedGemm& g, int row, int column, const std::int8_t* weights) {
    if (g.taps < 1) __builtin_unreachable();  // keeps sums in registers
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
    const std::ptrdiff_t out_pitch = g.out_pitch;  // stores of bytes might change what g holds
    std::uint8_t* const out = g.out + row * out_pitch;
#pragma GCC unroll 4  // keeps sums in registers
    for (int v = 0; v < kVectors; ++v) {
        const int at = column + v * V::kLanes;
        const int lanes = lanes_at(at, g.columns);
        if (lanes <= 0) continue;
        const Vec scale = load_lanes(g.scale + at, lanes);
        const Vec bias = load_lanes(g.bias + at, lanes);
        for (int r = 0; r < rows; ++r) {
            // fused on every instruction set: rounding must not differ between them
            const Vec value = V::fused(V::to_float(sums[r][v]), scale, bias);
            V::store_bytes(out + r * out_pitch + at, V::max(value, low), lanes);
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
        for (; row + 1 < g.rows; row += 4) quantized_tile<4, kVectors, Tile::Part>(g, row, column, weights);
        if (row < g.rows) quantized_tile<1, kVectors, Tile::Full>(g, row, column, weights);
    }
}

int quantized_block_columns(int columns) { return best_vectors(columns, V::kQuantizedVectors) * V::kLanes; }

// Bytes end at 255 by themselves, and seldom lower: then in a pass of its own.
void cap(const QuantizedGemm& g) {
    const auto high = static_cast<std::uint8_t>(g.range.high);
    for (int r = 0; r < g.rows; ++r) {
        std::uint8_t* const row = g.out + r * g.out_pitch;
        for (int n = 0; n < g.columns; ++n) row[n] = row[n] < high ? row[n] : high;
    }
}

void quantized_gemm(const QuantizedGemm& g) {
    switch (best_vectors(g.columns, V::kQuantizedVectors)) {
        case 1: quantized_blocks<1>(g); break;
        case 2: quantized_blocks<smaller(2, V::kQuantizedVectors)>(g); break;
        default: quantized_blocks<V::kQuantizedVectors>(g);
    }
    if (g.range.high < 255) cap(g);
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

// The mean of whole vectors over so few cells that 16 bits hold the sum.
inline Vec mean_bytes(const QuantizedPool& s, int pixel, int c) {
    V::Words sum = V::no_words();
    for (int t = 0; t < s.taps; ++t) {
        const std::int32_t offset = s.offsets[static_cast<std::ptrdiff_t>(t) * s.pixels + pixel];
        if (offset >= 0) sum = V::add_bytes(sum, s.x + offset + c);
    }
    return V::mul(V::words_to_float(sum), V::set1(s.scale[pixel]));
}

void quantized_pool(const QuantizedPool& s) {
    const bool short_sums = s.scale != nullptr && s.taps <= 0xFFFF / 0xFF;
    for (int p = 0; p < s.pixels; ++p) {
        for (int c = 0; c < s.channels; c += V::kLanes) {
            const int lanes = lanes_at(c, s.channels);
            const Vec value = short_sums && lanes == V::kLanes ? mean_bytes(s, p, c) : pooled_bytes(s, p, c, lanes);
            V::store_bytes(s.out + static_cast<std::ptrdiff_t>(p) * s.channels + c, value, lanes);
        }
    }
}

inline Vec quantized_value(Vec x, float factor, int zero) {
    const Vec shifted = V::add(V::round(V::mul(x, V::set1(factor))), V::set1(static_cast<float>(zero)));
    return V::max(shifted, V::zero());
}

template <int kCount>
void quantize_pixels_of(const float* planes, std::ptrdiff_t plane_pitch, int n, float factor, int zero, std::uint8_t* out) {
    for (int i = 0; i < n; i += V::kLanes) {
        const int lanes = lanes_at(i, n);
        Vec channels[kQuad] = {V::zero(), V::zero(), V::zero(), V::zero()};
        for (int c = 0; c < kCount; ++c) {
            const Vec value = quantized_value(load_lanes(planes + c * plane_pitch + i, lanes), factor, zero);
            channels[c] = V::min(value, V::set1(255.0F));
        }
        std::uint8_t pixels[V::kLanes * kQuad];
        std::uint8_t* const to = lanes == V::kLanes ? out + i * kQuad : pixels;
        V::store_pixels(to, channels[0], channels[1], channels[2], channels[3]);
        if (to == pixels) __builtin_memcpy(out + i * kQuad, pixels, static_cast<std::size_t>(lanes) * kQuad);
    }
}

void quantize_pixels(const float* planes, std::ptrdiff_t plane_pitch, int count, int n, float factor, int zero, std::uint8_t* out) {
    switch (count) {
        case 1: return quantize_pixels_of<1>(planes, plane_pitch, n, factor, zero, out);
        case 2: return quantize_pixels_of<2>(planes, plane_pitch, n, factor, zero, out);
        case 3: return quantize_pixels_of<3>(planes, plane_pitch, n, factor, zero, out);
        default: return quantize_pixels_of<kQuad>(planes, plane_pitch, n, factor, zero, out);
    }
}

void quantize(const float* x, int n, float factor, int zero, std::uint8_t* out) {
    for (int i = 0; i < n; i += V::kLanes) {
        const int lanes = lanes_at(i, n);
        V::store_bytes(out + i, quantized_value(load_lanes(x + i, lanes), factor, zero), lanes);
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
                                              &quantize_pixels,         &quantize,        &dequantize};
