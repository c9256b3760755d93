#include "ngram_model.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace audiosearch {

namespace {

constexpr std::string_view MAGIC = "audiosearch n-gram model 2\n";
constexpr size_t MAGIC_SIZE = 28;  // padded
constexpr size_t HEADER_SIZE = MAGIC_SIZE + sizeof(uint32_t);  // with the checksum
constexpr size_t ALIGNMENT = 8;
constexpr size_t LEVELS = 256;

// Hands out the sections of a file in order.
class Sections {
  public:
    Sections(const std::byte* data, size_t size) : data_(data), size_(size) {}

    template <typename Value>
    const Value* take(uint64_t count) {
        if (count > (size_ - position_) / sizeof(Value)) throw std::runtime_error("truncated");
        const auto* section = reinterpret_cast<const Value*>(data_ + position_);
        position_ += count * sizeof(Value);
        position_ = std::min(size_, (position_ + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        return section;
    }

    bool at_end() const { return position_ == size_; }

  private:
    const std::byte* data_;
    size_t size_;
    size_t position_ = 0;
};

// Sum of 32-bit words weighted by odd numbers, so that any change of one word changes it.
uint32_t checksum(const uint32_t* values, uint64_t count) {
    uint32_t sum = 0;
    for (uint64_t position = 0; position < count; ++position) sum += values[position] * static_cast<uint32_t>(2 * position + 1);
    return sum;
}

}  // namespace

NgramModel::NgramModel(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw std::runtime_error(std::strerror(errno));
    struct stat status {};
    fstat(file, &status);
    size_ = static_cast<size_t>(status.st_size);
    void* mapped = size_ ? mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
    close(file);
    if (mapped == MAP_FAILED) throw std::runtime_error("it is empty, or cannot be mapped into memory");
    data_ = static_cast<const std::byte*>(mapped);
    try {
        if (size_ < HEADER_SIZE || std::memcmp(data_, MAGIC.data(), MAGIC.size()) != 0)
            throw std::runtime_error("of another kind");
        Sections sections(data_, size_);
        const auto* expected = reinterpret_cast<const uint32_t*>(sections.take<char>(HEADER_SIZE) + MAGIC_SIZE);
        const auto* content = reinterpret_cast<const uint32_t*>(data_ + HEADER_SIZE);
        if (size_ % ALIGNMENT != 0 || checksum(content, (size_ - HEADER_SIZE) / sizeof *content) != *expected)
            throw std::runtime_error("its checksum differs");
        const auto* sizes = sections.take<uint64_t>(2 + MAX_ORDER);  // order, bytes of the words, n-grams of each order
        if (sizes[0] < 1 || sizes[0] > MAX_ORDER) throw std::runtime_error("damaged");
        order_ = static_cast<int>(sizes[0]);
        const auto* text = sections.take<char>(sizes[1]);
        for (const char *end = text + sizes[1], *word = text; word < end;) {
            const char* stop = std::find(word, end, '\n');
            words_.emplace_back(word, static_cast<size_t>(stop - word));
            word = stop + 1;
        }
        if (words_.size() + FIRST_WORD != sizes[2] || !std::is_sorted(words_.begin(), words_.end()))
            throw std::runtime_error("damaged");
        log_probs_ = sections.take<float>(sizes[2]);
        backoffs_ = sections.take<float>(sizes[2]);
        for (int n = 1; n <= order_; ++n) {
            Order order;
            order.count = order.contexts = sizes[1 + n];
            if (n > 1) {
                order.log_probs = sections.take<float>(LEVELS);
                order.entries = sections.take<uint32_t>(order.count);
            }
            if (n > 1 && n < order_) {
                const uint64_t words = (order.count + 63) / 64;
                order.is_context = sections.take<uint64_t>(words);
                order.ranks = sections.take<uint32_t>(words);
                order.contexts = 0;
                for (uint64_t word = 0; word < words; ++word) {
                    if (order.ranks[word] != order.contexts) throw std::runtime_error("damaged");
                    order.contexts += static_cast<uint64_t>(__builtin_popcountll(order.is_context[word]));
                }
                order.levels = sections.take<float>(LEVELS);
                order.backoffs = sections.take<uint8_t>(order.contexts);
            }
            if (n < order_) {
                order.begins = sections.take<uint32_t>(order.contexts + 1);
                if (!std::is_sorted(order.begins, order.begins + order.contexts + 1) ||
                    order.begins[order.contexts] != sizes[2 + n])
                    throw std::runtime_error("damaged");
            }
            orders_.push_back(order);
        }
        if (!sections.at_end()) throw std::runtime_error("damaged");
    } catch (...) {
        munmap(mapped, size_);
        throw;
    }
}

NgramModel::~NgramModel() { munmap(const_cast<std::byte*>(data_), size_); }

uint32_t NgramModel::id(std::string_view word) const {
    const auto position = std::lower_bound(words_.begin(), words_.end(), word);
    if (position == words_.end() || *position != word) return UNKNOWN_WORD;
    return FIRST_WORD + static_cast<uint32_t>(position - words_.begin());
}

NgramState NgramModel::start() const {
    NgramState state;
    state.contexts[0] = SENTENCE_START;
    state.length = order_ > 1 ? 1 : 0;
    return state;
}

bool NgramModel::find(int order, uint32_t context, uint32_t word, uint64_t& row) const {
    const uint32_t* begins = orders_[order - 2].begins;
    const uint32_t* entries = orders_[order - 1].entries;
    const uint32_t* last = entries + begins[context + 1];
    const uint32_t* position = std::lower_bound(entries + begins[context], last, word << 8);
    if (position == last || *position >> 8 != word) return false;
    row = static_cast<uint64_t>(position - entries);
    return true;
}

bool NgramModel::context_of(int order, uint64_t row, uint32_t& context) const {
    const Order& ngrams = orders_[order - 1];
    const uint64_t bits = ngrams.is_context[row / 64], bit = uint64_t{1} << row % 64;
    context = ngrams.ranks[row / 64] + static_cast<uint32_t>(__builtin_popcountll(bits & (bit - 1)));
    return bits & bit;
}

double NgramModel::score(NgramState& state, uint32_t word) const {
    NgramState next;
    next.contexts[0] = word;
    next.length = order_ > 1 ? 1 : 0;
    double log_prob = log_probs_[word];
    int matched = 0;  // words of the longest context that the word follows
    // A model that holds an n-gram also holds its last n-1 words, so the first context that fails is the last to be tried.
    for (uint64_t row = 0; matched < state.length && find(matched + 2, state.contexts[matched], word, row); ++matched) {
        const int order = matched + 2;
        log_prob = orders_[order - 1].log_probs[orders_[order - 1].entries[row] & 0xff];
        if (order < order_ && next.length == order - 1 && context_of(order, row, next.contexts[order - 1])) ++next.length;
    }
    for (int n = matched; n < state.length; ++n) {
        log_prob += n == 0 ? backoffs_[state.contexts[0]] : orders_[n].levels[orders_[n].backoffs[state.contexts[n]]];
    }
    state = next;
    return log_prob;
}

}  // namespace audiosearch
