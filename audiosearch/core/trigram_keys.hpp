// Trigram keys of packed emissions, and the ranking of pieces by the keys they share with a text;
// spotting/ngram_index.py describes both.
#pragma once

#include <cstddef>
#include <cstdint>

namespace audiosearch {

constexpr int KEY_LABELS = 32;
constexpr int KEYS = KEY_LABELS * KEY_LABELS * KEY_LABELS;
constexpr int32_t MAX_LOSS = 1 << 19;

// Mark in `marked` [KEYS] the keys of `count` stored frames: the label trigrams on paths of at most `max_loss`. Their
// heads and further entries are `entries`, and `losses` [8] those of the levels.
// Throws std::invalid_argument if entries are missing, or losses are below 0 or above MAX_LOSS.
void mark_keys(
    const uint8_t* entries, size_t size, size_t count, const int32_t* losses, int32_t max_loss, bool* marked);

// Posting lists of keys, one after another. The lists of `bitmap_size` bytes are bitmaps, the others gaps.
struct Postings {
    const uint8_t* data;
    size_t size;
    const int64_t* ends;    // of each list [count]
    const int64_t* owners;  // number of the first piece, and position of the key [count, 2]
    size_t count;
    size_t bitmap_size;
};

// Add the rarity of each key to the scores of the pieces that have it.
// Throws std::invalid_argument if ends, keys or pieces are out of range.
void add_rarities(const Postings& postings, const float* rarities, size_t keys, float* scores, size_t pieces);

}  // namespace audiosearch
