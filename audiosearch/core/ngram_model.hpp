// N-gram back-off language model (Katz 1987), mapped into memory from the file that language_model/storage.py writes.
//
// The n-grams of each order are sorted by context and last word, so those that continue a context are adjacent. Only
// n-grams that have continuations or a back-off weight are contexts, numbered within their order. A state holds the
// context of one word, of two words, and so on, that end with the last word. All n-grams that a context ends with are
// contexts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace audiosearch {

constexpr int MAX_ORDER = 6;
constexpr double NATS_PER_LOG10 = 2.302585092994046;  // ln 10

// Ids of the reserved words; the word at position n of the alphabetical list has the id FIRST_WORD + n.
enum : uint32_t { UNKNOWN_WORD = 0, SENTENCE_START = 1, SENTENCE_END = 2, FIRST_WORD = 3 };

struct NgramState {
    std::array<uint32_t, MAX_ORDER - 1> contexts{};  // of 1, 2, … words
    int length = 0;
};

class NgramModel {
  public:
    // Throws std::runtime_error if the file cannot be read or is damaged.
    explicit NgramModel(const std::string& path);
    ~NgramModel();
    NgramModel(const NgramModel&) = delete;
    NgramModel& operator=(const NgramModel&) = delete;

    int order() const { return order_; }
    const std::vector<std::string_view>& words() const { return words_; }  // ascending
    uint32_t id(std::string_view word) const;  // UNKNOWN_WORD if the model does not hold it

    NgramState start() const;  // at the beginning of a sentence
    // Log10 probability of a word after a state, which becomes the next state.
    double score(NgramState& state, uint32_t word) const;

  private:
    struct Order {
        uint64_t count = 0;
        const uint32_t* entries = nullptr;    // last word << 8 | level of the log-probability
        const float* log_probs = nullptr;     // of the levels [256]
        const uint64_t* is_context = nullptr;  // one bit for each n-gram
        const uint32_t* ranks = nullptr;      // contexts before each 64 n-grams
        uint64_t contexts = 0;
        const uint8_t* backoffs = nullptr;    // levels [contexts]
        const float* levels = nullptr;        // back-off weights of the levels [256]
        const uint32_t* begins = nullptr;     // row of the first continuation [contexts + 1]
    };

    bool find(int order, uint32_t context, uint32_t word, uint64_t& row) const;
    bool context_of(int order, uint64_t row, uint32_t& context) const;

    int order_ = 0;
    std::vector<std::string_view> words_;
    const float* log_probs_ = nullptr;  // of unigrams, which are all contexts
    const float* backoffs_ = nullptr;
    std::vector<Order> orders_;  // from unigrams, of which only begins are used
    const std::byte* data_ = nullptr;
    size_t size_ = 0;
};

}  // namespace audiosearch
