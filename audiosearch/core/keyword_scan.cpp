#include "keyword_scan.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "targets.hpp"

namespace audiosearch {

namespace {

constexpr int SHIFT = 16;
constexpr int FRAMES = (1 << SHIFT) - 1;
constexpr int32_t WORST = -30'000 * (1 << SHIFT);
constexpr int CHECK_INTERVAL = 4;  // frames between two checks of the range of live tokens
constexpr int MAX_FURTHER = 7;     // further entries of a frame

struct Frame {
    int64_t first;       // number of frames before it
    int32_t finished;    // token on the last label
    int32_t blank_loss;
    int32_t space_loss;
};

// Arrays that the runs use in turn.
struct Workspace {
    std::vector<int32_t> on_label;  // tokens on each label [W + 1]; on_label[0] is about to enter
    std::vector<int32_t> on_blank;  // tokens in the blank after each label [W + 1]
    std::vector<Frame> frames;
};

[[noreturn]] void damaged() { throw std::invalid_argument("packed emissions are damaged"); }

// One frame of LANES labels. Callers go from the last labels to the first, as these tokens move to the next label.
inline void advance(int32_t* __restrict on_label, int32_t* __restrict on_blank, const int32_t* __restrict row,
                    const int32_t* __restrict skips, int32_t blank) {
    int32_t label_tokens[LANES], blank_tokens[LANES];
    for (int lane = 0; lane < LANES; ++lane) {
        const int32_t best =
            std::max(std::max(on_label[lane + 1], on_blank[lane]), on_label[lane] + skips[lane]);
        label_tokens[lane] = std::max(best - row[lane] * (1 << SHIFT), WORST);
        blank_tokens[lane] =
            std::max(std::max(on_blank[lane + 1], on_label[lane + 1]) - blank * (1 << SHIFT), WORST);
    }
    for (int lane = 0; lane < LANES; ++lane) on_label[lane + 1] = label_tokens[lane];
    for (int lane = 0; lane < LANES; ++lane) on_blank[lane + 1] = blank_tokens[lane];
}

// Fill the frames of a run: those of the pieces from `begin` to `end`. Returns the number of stored frames, or -1 if
// they are damaged.
FOR_EACH_PROCESSOR
int64_t forward(const Entries& entries, const Pieces& pieces, int64_t begin, int64_t end, const KeywordTables& tables,
                Workspace& workspace) {
    const int width = tables.width, labels = tables.labels, min_score = tables.min_score;
    int32_t* on_label = workspace.on_label.data();
    int32_t* on_blank = workspace.on_blank.data();
    std::fill_n(on_label, width + 1, WORST);
    std::fill_n(on_blank, width + 1, WORST);
    Frame* stored = workspace.frames.data();
    int32_t after_space = 0, after_blank = 0;
    int64_t frame = 0, i = 0;
    int bound = width;  // labels from here on have no live token
    for (int64_t piece = begin; piece < end; ++piece) {
        size_t head = static_cast<size_t>(pieces.starts[piece]);
        size_t further = head + static_cast<size_t>(pieces.counts[piece]);
        for (const size_t heads_end = further; head < heads_end; ++head, ++i) {
            const int entry = entries[head];
            const int count = entry & 7;
            if (entry >> 3 >= labels || further + (entry ? count : 1) > entries.size) return -1;
            if (i % CHECK_INTERVAL == 0) {
                // A token advances by at most one label per frame.
                int top = bound;
                while (top && on_label[top] >> SHIFT < min_score && on_blank[top] >> SHIFT < min_score) --top;
                bound = std::min(LANES * ((top + CHECK_INTERVAL + LANES - 1) / LANES), width);
            }
            const int32_t* best_row = tables.table + static_cast<size_t>(entry >> 3) * width;
            int32_t blank = tables.edges[2 * (entry >> 3)], space = tables.edges[2 * (entry >> 3) + 1];
            const int32_t* rows[MAX_FURTHER];
            int32_t losses[MAX_FURTHER];
            stored[i].first = frame;
            if (entry == 0) {
                frame += entries[further++];
            } else {
                ++frame;
                for (int n = 0; n < count; ++n) {
                    const int other = entries[further++], label = other >> 3;
                    if (label >= labels) return -1;
                    rows[n] = tables.table + static_cast<size_t>(label) * width;
                    losses[n] = tables.losses[other & 7];
                    blank = std::min(blank, tables.edges[2 * label] + losses[n]);
                    space = std::min(space, tables.edges[2 * label + 1] + losses[n]);
                }
            }
            const int32_t before = std::max(after_space, after_blank);
            on_label[0] = std::max(before, -tables.boundaries[0]) * (1 << SHIFT) | static_cast<int32_t>(i & FRAMES);
            after_blank = before - blank;
            after_space = -space;
            for (int first = bound - LANES; first >= 0; first -= LANES) {
                int32_t row[LANES];  // loss of each label in this frame
                for (int lane = 0; lane < LANES; ++lane) row[lane] = best_row[first + lane];
                for (int n = 0; n < count; ++n) {
                    for (int lane = 0; lane < LANES; ++lane)
                        row[lane] = std::min(row[lane], rows[n][first + lane] + losses[n]);
                }
                advance(on_label + first, on_blank + first, row, tables.skips + first, blank);
            }
            stored[i].finished = on_label[tables.length];
            stored[i].blank_loss = blank;
            stored[i].space_loss = space;
        }
    }
    stored[i].first = frame;
    return i;
}

// The best of overlapping spans. Backwards, since the score of an end depends on what follows it.
void add_hits(const std::vector<Frame>& frames, int64_t count, int64_t run, const KeywordTables& tables,
              std::vector<Hit>& hits) {
    const int min_score = tables.min_score;
    int32_t ending = 0;
    int64_t first = 0, last = 0;
    int score = min_score - 1;
    const auto add = [&] {
        if (score >= min_score) hits.push_back({run, frames[first].first, frames[last].first, score});
    };
    for (int64_t i = count - 1; i >= 0; --i) {
        const int units = (frames[i].finished >> SHIFT) + std::max(ending, -tables.boundaries[1]);
        ending = std::max(ending - frames[i].blank_loss, -frames[i].space_loss);
        if (units < min_score) continue;
        const int64_t start = i - ((i - (frames[i].finished & FRAMES)) & FRAMES);
        if (i < first) {
            add();
            score = min_score - 1;
        }
        if (units > score) {
            first = start;
            last = i + 1;
            score = units;
        }
    }
    add();
}

void check(size_t size, const Pieces& pieces, const std::vector<int64_t>& runs, const KeywordTables& tables) {
    const auto costs = [](const int32_t* values, size_t count) {
        return std::all_of(values, values + count, [](int32_t value) { return value >= 0 && value <= MAX_COST; });
    };
    const auto skip = [](int32_t value) {
        return value <= 0 && value >= -MAX_COST * (1 << SHIFT) && (value & FRAMES) == 0;
    };
    const size_t labels = static_cast<size_t>(tables.labels), width = static_cast<size_t>(tables.width);
    if (labels < 1 || width % LANES || tables.length < 1 || tables.length > tables.width)
        throw std::invalid_argument("the tables of a keyword have a wrong size");
    if (!costs(tables.table, labels * width) || !costs(tables.edges, 2 * labels) || !costs(tables.losses, 8) ||
        tables.boundaries[0] < 0 || tables.boundaries[1] < 0 || !std::all_of(tables.skips, tables.skips + width, skip))
        throw std::invalid_argument("the losses of a keyword are out of range");
    if (tables.min_score < -(1 << 30)) throw std::invalid_argument("the minimum score is out of range");
    for (int64_t n = 0; n < pieces.count; ++n) {
        const int64_t start = pieces.starts[n], count = pieces.counts[n], limit = static_cast<int64_t>(size);
        if (start < 0 || start > limit || count < 0 || count > limit - start) damaged();
    }
    if (runs.empty() || runs.front() < 0 || runs.back() > pieces.count || !std::is_sorted(runs.begin(), runs.end()))
        throw std::invalid_argument("the runs of pieces are out of range");
}

}  // namespace

std::vector<Hit> scan_keyword(
    Entries entries, const Pieces& pieces, const std::vector<int64_t>& runs, const KeywordTables& tables) {
    check(entries.size, pieces, runs, tables);
    int64_t longest = 0;
    for (size_t n = 0; n + 1 < runs.size(); ++n)
        longest = std::max(longest, std::accumulate(pieces.counts + runs[n], pieces.counts + runs[n + 1], int64_t{0}));
    const size_t states = static_cast<size_t>(tables.width) + 1;
    Workspace workspace{std::vector<int32_t>(states), std::vector<int32_t>(states),
                        std::vector<Frame>(static_cast<size_t>(longest) + 1)};
    std::vector<Hit> hits;
    for (size_t n = 0; n + 1 < runs.size(); ++n) {
        const int64_t count = forward(entries, pieces, runs[n], runs[n + 1], tables, workspace);
        if (count < 0) damaged();
        add_hits(workspace.frames, count, runs[n], tables, hits);
    }
    return hits;
}

}  // namespace audiosearch
