// Long short-term memory (Hochreiter and Schmidhuber 1997) with weights in 8 bits, as PyTorch defines its gates.
//
// Weights have a scale for each output (vector-wise quantization, Dettmers et al. 2022, section 2), inputs a scale for
// each frame and 12 bits, so no row of a batch depends on the others, and models that are stored in 8 bits lose nothing
// more. Products of 16-bit integers are summed in 32 bits; gates, cells and outputs are float.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace audiosearch {

class QuantizedMatrix {
  public:
    // Of weights [outputs, inputs].
    QuantizedMatrix(const float* weights, int outputs, int inputs);

    // Integer products [rows, padded outputs] of the weights with integer inputs [rows, padded inputs].
    void multiply(const int16_t* inputs, int rows, int32_t* products) const;

    int padded_inputs() const { return 2 * pairs_; }
    int padded_outputs() const { return padded_outputs_; }
    const std::vector<float>& scales() const { return scales_; }  // of the outputs, padded

  private:
    int pairs_;  // of inputs, which are multiplied and added at once
    int padded_outputs_;
    std::vector<std::byte> weights_;  // [panels, pairs, outputs of a panel, 2], of one or two bytes
    std::vector<float> scales_;
};

// A layer of one direction, which starts from zero states.
class QuantizedLstm {
  public:
    // Weights [4·hidden, inputs] and [4·hidden, hidden] and bias [4·hidden], for the gates input, forget, cell, output.
    QuantizedLstm(const float* input_weights, const float* hidden_weights, const float* bias, int inputs, int hidden);

    // Outputs [rows, frames, hidden] of inputs [rows, frames, inputs].
    void run(const float* inputs, int rows, int frames, float* outputs) const;

    int inputs() const { return inputs_; }
    int hidden() const { return hidden_; }

  private:
    int inputs_;
    int hidden_;
    QuantizedMatrix input_weights_;
    QuantizedMatrix hidden_weights_;
    std::vector<float> bias_;  // padded
};

// True if this processor multiplies 16-bit integers in vectors of 256 or 512 bits.
bool has_integer_products();

}  // namespace audiosearch
