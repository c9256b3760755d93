#include "lstm.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "targets.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define AUDIOSEARCH_X86 1
#endif

namespace audiosearch {

namespace {

constexpr int PANEL = 32;           // outputs that are computed at once
constexpr float MAX_WEIGHT = 127;   // of a quantized weight
constexpr float MAX_INPUT = 2047;   // of a quantized input: sums of 65,536 products fit into 32 bits
constexpr int BLOCK_ROWS = 64;      // rows of inputs that are multiplied at once; their gates fit into a core's cache
constexpr float MIN_SCALE = 1e-30f;

int round_up(int value, int step) { return (value + step - 1) / step * step; }

// Products of `Rows` rows of inputs and one panel of weights.
using PanelKernel = void (*)(const int16_t* inputs, int stride, const void* weights, int pairs, int32_t* products, int width);

int32_t load_pair(const int16_t* inputs) {
    int32_t pair;
    std::memcpy(&pair, inputs, sizeof pair);
    return pair;
}

template <int Rows>
void multiply_portable(const int16_t* inputs, int stride, const void* packed, int pairs, int32_t* products, int width) {
    const auto* weights = static_cast<const int16_t*>(packed);
    int32_t sums[Rows][PANEL] = {};
    for (int pair = 0; pair < pairs; ++pair, weights += 2 * PANEL) {
        for (int row = 0; row < Rows; ++row) {
            const int32_t first = inputs[row * stride + 2 * pair], second = inputs[row * stride + 2 * pair + 1];
            for (int n = 0; n < PANEL; ++n) sums[row][n] += first * weights[2 * n] + second * weights[2 * n + 1];
        }
    }
    for (int row = 0; row < Rows; ++row) std::copy(sums[row], sums[row] + PANEL, products + row * width);
}

#ifdef AUDIOSEARCH_X86

template <int Rows>
__attribute__((target("avx2"))) void multiply_avx2(
    const int16_t* inputs, int stride, const void* packed, int pairs, int32_t* products, int width) {
    constexpr int LANES = 8;
    const auto* weights = static_cast<const int16_t*>(packed);
    for (int half = 0; half < 2; ++half) {  // 16 outputs: the sums of up to six rows fit into the registers
        __m256i sums[Rows][2] = {};
        const int16_t* panel = weights + half * PANEL;
        for (int pair = 0; pair < pairs; ++pair, panel += 2 * PANEL) {
            const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(panel));
            const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(panel + 2 * LANES));
            for (int row = 0; row < Rows; ++row) {
                const __m256i input = _mm256_set1_epi32(load_pair(inputs + row * stride + 2 * pair));
                sums[row][0] = _mm256_add_epi32(sums[row][0], _mm256_madd_epi16(first, input));
                sums[row][1] = _mm256_add_epi32(sums[row][1], _mm256_madd_epi16(second, input));
            }
        }
        for (int row = 0; row < Rows; ++row) {
            auto* target = reinterpret_cast<__m256i*>(products + row * width + half * PANEL / 2);
            _mm256_storeu_si256(target, sums[row][0]);
            _mm256_storeu_si256(target + 1, sums[row][1]);
        }
    }
}

template <int Rows>
__attribute__((target("avx512f,avx512bw,avx512vnni"))) void multiply_avx512(
    const int16_t* inputs, int stride, const void* packed, int pairs, int32_t* products, int width) {
    const auto* weights = static_cast<const int8_t*>(packed);
    __m512i sums[Rows][2] = {};
    for (int pair = 0; pair < pairs; ++pair, weights += 2 * PANEL) {
        const auto* panel = reinterpret_cast<const __m256i*>(weights);
        const __m512i first = _mm512_cvtepi8_epi16(_mm256_loadu_si256(panel));
        const __m512i second = _mm512_cvtepi8_epi16(_mm256_loadu_si256(panel + 1));
        for (int row = 0; row < Rows; ++row) {
            const __m512i input = _mm512_set1_epi32(load_pair(inputs + row * stride + 2 * pair));
            sums[row][0] = _mm512_dpwssd_epi32(sums[row][0], first, input);
            sums[row][1] = _mm512_dpwssd_epi32(sums[row][1], second, input);
        }
    }
    for (int row = 0; row < Rows; ++row) {
        _mm512_storeu_si512(products + row * width, sums[row][0]);
        _mm512_storeu_si512(products + row * width + PANEL / 2, sums[row][1]);
    }
}

#endif

struct Kernels {
    int bytes;  // of a stored weight: widening 8 bits costs AVX2 more than reading 16
    int rows;   // of the fastest kernel
    std::vector<PanelKernel> by_rows;
};

Kernels choose_kernels() {
#ifdef AUDIOSEARCH_X86
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")) {
        return {1, 12, {nullptr, multiply_avx512<1>, multiply_avx512<2>, multiply_avx512<3>, multiply_avx512<4>,
                     multiply_avx512<5>, multiply_avx512<6>, multiply_avx512<7>, multiply_avx512<8>, multiply_avx512<9>,
                     multiply_avx512<10>, multiply_avx512<11>, multiply_avx512<12>}};
    }
    if (__builtin_cpu_supports("avx2")) {
        return {2, 6, {nullptr, multiply_avx2<1>, multiply_avx2<2>, multiply_avx2<3>, multiply_avx2<4>, multiply_avx2<5>,
                    multiply_avx2<6>}};
    }
#endif
    return {2, 2, {nullptr, multiply_portable<1>, multiply_portable<2>}};
}

const Kernels& kernels() {
    static const Kernels chosen = choose_kernels();
    return chosen;
}

inline float exponential(float x) {
    constexpr float LOG2_E = 1.44269504f, LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f, ROUND = 12582912.0f;
    x = std::min(88.0f, std::max(-87.0f, x));
    const float shifted = x * LOG2_E + ROUND;  // the integer nearest to x · log2 e, in the lowest bits
    const float count = shifted - ROUND;
    const float r = x - count * LN2_HIGH - count * LN2_LOW;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const int32_t exponent = (static_cast<int32_t>(count) + 127) << 23;
    float power;
    std::memcpy(&power, &exponent, sizeof power);
    return p * power;
}

inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }
inline float hyperbolic_tangent(float x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }

// Quantized inputs [padded] of one row, and their scale.
FOR_EACH_PROCESSOR
float quantize_row(const float* __restrict inputs, int count, int16_t* __restrict quantized) {
    float largest = MIN_SCALE;
    for (int n = 0; n < count; ++n) largest = std::max(largest, std::abs(inputs[n]));
    const float factor = MAX_INPUT / largest;
    for (int n = 0; n < count; ++n) {
        const float value = inputs[n] * factor;
        quantized[n] = static_cast<int16_t>(static_cast<int32_t>(value + std::copysign(0.5f, value)));
    }
    return largest / MAX_INPUT;
}

// Gates of one row from the products with the inputs.
FOR_EACH_PROCESSOR
void input_gates(
    const int32_t* __restrict products, const float* __restrict scales, const float* __restrict bias, float scale, int count,
    float* __restrict gates) {
    for (int n = 0; n < count; ++n) gates[n] = static_cast<float>(products[n]) * scales[n] * scale + bias[n];
}

// One step of one row: cells, outputs and quantized outputs from the gates of the inputs and the products of the state.
FOR_EACH_PROCESSOR
void step_row(
    float* __restrict gates, const int32_t* __restrict products, const float* __restrict scales, int hidden,
    float* __restrict cells, float* __restrict outputs, int16_t* __restrict state) {
    for (int n = 0; n < 4 * hidden; ++n) gates[n] += static_cast<float>(products[n]) * scales[n] * (1.0f / MAX_INPUT);
    const float *input = gates, *forget = gates + hidden, *cell = gates + 2 * hidden, *output = gates + 3 * hidden;
    for (int n = 0; n < hidden; ++n) {
        cells[n] = sigmoid(forget[n]) * cells[n] + sigmoid(input[n]) * hyperbolic_tangent(cell[n]);
        outputs[n] = sigmoid(output[n]) * hyperbolic_tangent(cells[n]);
    }
    for (int n = 0; n < hidden; ++n) {
        const float value = outputs[n] * MAX_INPUT;
        state[n] = static_cast<int16_t>(static_cast<int32_t>(value + std::copysign(0.5f, value)));
    }
}

}  // namespace

QuantizedMatrix::QuantizedMatrix(const float* weights, int outputs, int inputs)
    : pairs_((inputs + 1) / 2), padded_outputs_(round_up(outputs, PANEL)),
      weights_(static_cast<size_t>(padded_outputs_) * pairs_ * 2 * kernels().bytes),
      scales_(static_cast<size_t>(padded_outputs_)) {
    for (int output = 0; output < outputs; ++output) {
        const float* row = weights + static_cast<size_t>(output) * inputs;
        float largest = MIN_SCALE;
        for (int n = 0; n < inputs; ++n) largest = std::max(largest, std::abs(row[n]));
        scales_[output] = largest / MAX_WEIGHT;
        for (int n = 0; n < inputs; ++n) {
            const auto weight = static_cast<int16_t>(std::lround(row[n] / scales_[output]));
            const size_t pair = static_cast<size_t>(output / PANEL) * pairs_ + n / 2;
            // The lower byte comes first.
            std::memcpy(&weights_[((pair * PANEL + output % PANEL) * 2 + n % 2) * kernels().bytes], &weight, kernels().bytes);
        }
    }
}

void QuantizedMatrix::multiply(const int16_t* inputs, int rows, int32_t* products) const {
    const Kernels& chosen = kernels();
    const int parts = (rows + chosen.rows - 1) / chosen.rows;  // of nearly equal size
    const size_t panel_bytes = static_cast<size_t>(pairs_) * PANEL * 2 * chosen.bytes;
    for (int panel = 0; panel < padded_outputs_ / PANEL; ++panel) {
        for (int part = 0; part < parts; ++part) {
            const int first = rows * part / parts, end = rows * (part + 1) / parts;
            chosen.by_rows[end - first](inputs + static_cast<size_t>(first) * padded_inputs(), padded_inputs(),
                                        weights_.data() + panel * panel_bytes, pairs_,
                                        products + static_cast<size_t>(first) * padded_outputs_ + panel * PANEL,
                                        padded_outputs_);
        }
    }
}

QuantizedLstm::QuantizedLstm(
    const float* input_weights, const float* hidden_weights, const float* bias, int inputs, int hidden)
    : inputs_(inputs), hidden_(hidden), input_weights_(input_weights, 4 * hidden, inputs),
      hidden_weights_(hidden_weights, 4 * hidden, hidden), bias_(bias, bias + 4 * hidden) {
    bias_.resize(static_cast<size_t>(input_weights_.padded_outputs()));
}

void QuantizedLstm::run(const float* inputs, int rows, int frames, float* outputs) const {
    const int width = input_weights_.padded_outputs(), stride = input_weights_.padded_inputs();
    const int state_stride = hidden_weights_.padded_inputs();
    const int block = std::max(1, BLOCK_ROWS / std::max(rows, 1));
    std::vector<int16_t> quantized(static_cast<size_t>(block) * rows * stride);
    std::vector<float> scales(static_cast<size_t>(block) * rows);
    std::vector<int32_t> products(static_cast<size_t>(block) * rows * width);
    std::vector<float> gates(static_cast<size_t>(block) * rows * width);
    std::vector<int16_t> state(static_cast<size_t>(rows) * state_stride);
    std::vector<float> cells(static_cast<size_t>(rows) * hidden_);
    for (int first = 0; first < frames; first += block) {
        const int count = std::min(block, frames - first);
        for (int n = 0; n < count * rows; ++n) {  // frame by frame, the rows of each together
            const size_t position = static_cast<size_t>(n % rows) * frames + first + n / rows;
            scales[n] = quantize_row(inputs + position * inputs_, inputs_, quantized.data() + static_cast<size_t>(n) * stride);
        }
        input_weights_.multiply(quantized.data(), count * rows, products.data());
        for (int n = 0; n < count * rows; ++n) {
            const size_t position = static_cast<size_t>(n) * width;
            input_gates(products.data() + position, input_weights_.scales().data(), bias_.data(), scales[n], width,
                        gates.data() + position);
        }
        for (int frame = first; frame < first + count; ++frame) {
            hidden_weights_.multiply(state.data(), rows, products.data());
            for (int row = 0; row < rows; ++row) {
                const size_t position = static_cast<size_t>(frame - first) * rows + row;
                step_row(gates.data() + position * width, products.data() + static_cast<size_t>(row) * width,
                         hidden_weights_.scales().data(), hidden_, cells.data() + static_cast<size_t>(row) * hidden_,
                         outputs + (static_cast<size_t>(row) * frames + frame) * hidden_,
                         state.data() + static_cast<size_t>(row) * state_stride);
            }
        }
    }
}

bool has_integer_products() {
#ifdef AUDIOSEARCH_X86
    return __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

}  // namespace audiosearch
