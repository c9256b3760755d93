#include "trigram_keys.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "targets.hpp"

namespace audiosearch {

namespace {

constexpr int32_t NEVER = 1 << 20;
constexpr uint8_t ESCAPE = 255;  // of a gap that continues in the next byte

// Least losses of the paths that spelled some letters: on the last label, and on a blank after it.
struct Path {
    int32_t on_label = NEVER;
    int32_t on_blank = NEVER;

    bool reached() const { return on_label != NEVER || on_blank != NEVER; }
    int32_t best() const { return std::min(on_label, on_blank); }
};

// Paths by the number of their letters; only those listed are reached.
template <int SIZE>
struct Paths {
    std::array<Path, SIZE> of;
    std::array<int32_t, SIZE> listed;
    int count = 0;

    Path& reach(int number) {
        if (!of[number].reached()) listed[count++] = number;
        return of[number];
    }
    void clear() {
        for (int n = 0; n < count; ++n) of[listed[n]] = Path();
        count = 0;
    }
};

// Paths of one letter and of two letters at the end of a frame.
struct Frontier {
    Paths<KEY_LABELS> single;
    Paths<KEY_LABELS * KEY_LABELS> pairs;

    void clear() {
        single.clear();
        pairs.clear();
    }
};

void follow_blank(const Frontier& old, Frontier& next, int32_t loss, int32_t max_loss) {
    for (int n = 0; n < old.single.count; ++n) {
        const int label = old.single.listed[n];
        const int32_t total = old.single.of[label].best() + loss;
        if (total <= max_loss) next.single.reach(label).on_blank = total;
    }
    for (int n = 0; n < old.pairs.count; ++n) {
        const int pair = old.pairs.listed[n];
        const int32_t total = old.pairs.of[pair].best() + loss;
        if (total <= max_loss) next.pairs.reach(pair).on_blank = total;
    }
}

void follow_label(const Frontier& old, Frontier& next, int label, int32_t loss, int32_t max_loss, bool* marked) {
    next.single.reach(label).on_label = loss;  // a path may begin anywhere
    for (int n = 0; n < old.single.count; ++n) {
        const int before = old.single.listed[n];
        const int pair = before * KEY_LABELS + label;
        const Path& path = old.single.of[before];
        const int32_t entering = before == label ? path.on_blank : path.best();
        const int32_t total = std::min(entering, old.pairs.of[pair].on_label) + loss;
        if (total <= max_loss) next.pairs.reach(pair).on_label = total;
    }
    for (int n = 0; n < old.pairs.count; ++n) {
        const int pair = old.pairs.listed[n];
        const Path& path = old.pairs.of[pair];
        int32_t total = path.best();
        if (pair % KEY_LABELS == label) {
            total = path.on_blank;
            if (!old.single.of[pair / KEY_LABELS].reached() && path.on_label + loss <= max_loss)
                next.pairs.reach(pair).on_label = path.on_label + loss;
        }
        if (total + loss <= max_loss) marked[pair * KEY_LABELS + label] = true;
    }
}

// Returns false if ends, keys or pieces are out of range.
FOR_EACH_PROCESSOR
bool add(const Postings& postings, const float* rarities, size_t keys, float* scores, size_t pieces) {
    const uint8_t* __restrict data = postings.data;
    float* __restrict score_of = scores;
    size_t begin = 0;
    for (size_t n = 0; n < postings.count; ++n) {
        const int64_t first = postings.owners[2 * n], key = postings.owners[2 * n + 1];
        const size_t end = static_cast<size_t>(postings.ends[n]);
        if (end < begin || end > postings.size || first < 0 || static_cast<size_t>(first) > pieces || key < 0 ||
            static_cast<size_t>(key) >= keys)
            return false;
        const float weight = rarities[key];
        if (end - begin == postings.bitmap_size) {
            size_t piece = static_cast<size_t>(first);
            for (size_t byte = begin; byte < end; ++byte, piece += 8) {
                const int bits = data[byte];
                if (piece + 8 <= pieces) {
                    float sums[8];
                    for (int bit = 0; bit < 8; ++bit)
                        sums[bit] = score_of[piece + bit] + (bits >> (7 - bit) & 1 ? weight : 0.0f);
                    for (int bit = 0; bit < 8; ++bit) score_of[piece + bit] = sums[bit];
                } else {
                    for (int bit = 0; bit < 8; ++bit) {
                        if (!(bits >> (7 - bit) & 1)) continue;
                        if (piece + bit >= pieces) return false;
                        score_of[piece + bit] += weight;
                    }
                }
            }
        } else {
            int64_t piece = first - 1;
            for (size_t byte = begin; byte < end; ++byte) {
                piece += data[byte];
                if (data[byte] == ESCAPE) continue;
                if (static_cast<uint64_t>(piece) >= pieces) return false;
                score_of[piece] += weight;
            }
        }
        begin = end;
    }
    return true;
}

}  // namespace

void mark_keys(
    const uint8_t* entries, size_t size, size_t count, const int32_t* losses, int32_t max_loss, bool* marked) {
    const auto in_range = [](int32_t loss) { return loss >= 0 && loss <= MAX_LOSS; };
    if (!std::all_of(losses, losses + 8, in_range) || max_loss > MAX_LOSS)
        throw std::invalid_argument("the losses of keys are out of range");
    if (count > size) throw std::invalid_argument("packed emissions are damaged");
    Frontier frontiers[2];
    Frontier* old = &frontiers[0];
    Frontier* next = &frontiers[1];
    size_t further = count;
    for (size_t i = 0; i < count; ++i) {
        std::swap(old, next);
        int entry = entries[i], left = entry & 7;
        if (further + (entry ? left : 1) > size) throw std::invalid_argument("packed emissions are damaged");
        if (entry == 0) ++further;  // the length of the run
        int32_t loss = 0;
        while (true) {
            const int label = entry >> 3;
            if (label == 0) {
                follow_blank(*old, *next, loss, max_loss);
            } else {
                follow_label(*old, *next, label, loss, max_loss, marked);
            }
            if (left-- == 0) break;
            entry = entries[further++];
            loss = losses[entry & 7];
        }
        old->clear();
    }
}

void add_rarities(const Postings& postings, const float* rarities, size_t keys, float* scores, size_t pieces) {
    if (!add(postings, rarities, keys, scores, pieces)) throw std::invalid_argument("posting lists are out of range");
}

}  // namespace audiosearch
