#include "alignment.hpp"

#include <algorithm>
#include <cstdint>

namespace audiosearch {

namespace {

constexpr double NEVER = -1e30;
constexpr float MIN_LOG_PROB = -100.0f;  // every text that fits has a best alignment

struct Scores {  // of the best paths to each state
    explicit Scores(size_t labels) : blanks(labels + 1, NEVER), letters(labels + 1, NEVER) {}

    std::vector<double> blanks;   // before each label and after the last one
    std::vector<double> letters;  // of each label; position 0 is before the first one
};

}  // namespace

// The states are blank, label 0, blank, label 1, …, blank. Each is reached from itself, from the one before, or, where a
// label differs from the previous label, from that.
std::vector<Peak> find_peaks(Frames frames, const std::vector<int>& labels, int blank) {
    const int count = static_cast<int>(labels.size());
    std::vector<Peak> peaks(labels.size(), {0, 0, static_cast<float>(NEVER)});
    if (count == 0 || frames.count == 0) return peaks;
    const size_t row_size = static_cast<size_t>(count) + 1;
    Scores before(labels.size()), after(labels.size());
    std::vector<double> emitted(row_size), skip(row_size, NEVER);
    for (int n = 1; n < count; ++n) skip[n + 1] = labels[n] != labels[n - 1] ? 0.0 : NEVER;
    // Labels by which the best path to a state has moved on, in half labels.
    std::vector<int8_t> blank_steps(row_size * frames.count), letter_steps(row_size * frames.count);
    const auto log_prob = [&](int frame, int label) { return std::max(MIN_LOG_PROB, frames[frame][label]); };
    before.blanks[0] = log_prob(0, blank);
    before.letters[1] = log_prob(0, labels[0]);
    for (int frame = 1; frame < frames.count; ++frame) {
        // Only labels that can be reached by now, and from which the end can still be reached.
        const int last = std::min(count, frame + 1);
        const int first = std::max(0, count - (frames.count - frame));
        const double pause = log_prob(frame, blank);
        for (int n = std::max(1, first); n <= last; ++n) emitted[n] = log_prob(frame, labels[n - 1]);
        const double *blanks = before.blanks.data(), *letters = before.letters.data();
        double *next_blanks = after.blanks.data(), *next_letters = after.letters.data();
        int8_t* blank_step = blank_steps.data() + row_size * frame;
        int8_t* letter_step = letter_steps.data() + row_size * frame;
        for (int n = first; n <= last; ++n) {
            const bool moves = letters[n] > blanks[n];
            next_blanks[n] = (moves ? letters[n] : blanks[n]) + pause;
            blank_step[n] = moves;
        }
        for (int n = std::max(1, first); n <= last; ++n) {
            const bool moves = blanks[n - 1] > letters[n];
            const double best = moves ? blanks[n - 1] : letters[n], skipped = letters[n - 1] + skip[n];
            const bool skips = skipped > best;
            next_letters[n] = (skips ? skipped : best) + emitted[n];
            letter_step[n] = static_cast<int8_t>(skips ? 2 : moves);
        }
        std::swap(before, after);
    }
    bool on_letter = before.letters[count] >= before.blanks[count];
    for (int frame = frames.count - 1, n = count; frame >= 0; --frame) {
        const size_t position = row_size * frame + n;
        if (!on_letter) {
            on_letter = blank_steps[position];
            continue;
        }
        Peak& peak = peaks[n - 1];
        peak.start = frame;
        if (peak.end == 0) peak.end = frame + 1;
        peak.log_prob = std::max(peak.log_prob, frames[frame][labels[n - 1]]);
        const int step = letter_steps[position];
        if (step == 0) continue;
        --n;
        on_letter = step == 2;
    }
    return peaks;
}

// Before, between and after the words are gaps, each a state that takes any frame. A word is left by its last letter and
// followed by a gap; a step from a gap to the next within a frame leaves the word between them out:
//
//     gap 0 ──→ l₁ ──→ blank ──→ l₂ ──→ gap 1 ──→ l₁ ──→ …
//       │        ╰────────────────↗      ↑
//       ╰──────────── left out ──────────╯
std::vector<std::vector<Peak>> find_words(
    Frames frames, const std::vector<std::vector<int>>& words, int blank, int space, const GapPenalties& penalties) {
    enum Step : int8_t { STAY, PREVIOUS, LETTER_BEFORE, LEFT_OUT };
    struct State {
        int label;  // -1: a gap
        int word;   // the one that it belongs to, or that follows the gap
        int letter;
    };
    std::vector<State> states;
    std::vector<int> gaps;
    for (size_t word = 0; word <= words.size(); ++word) {
        gaps.push_back(static_cast<int>(states.size()));
        states.push_back({-1, static_cast<int>(word), -1});
        if (word == words.size()) break;
        for (size_t letter = 0; letter < words[word].size(); ++letter) {
            if (letter > 0) states.push_back({blank, static_cast<int>(word), -1});
            states.push_back({words[word][letter], static_cast<int>(word), static_cast<int>(letter)});
        }
    }
    std::vector<std::vector<Peak>> peaks(words.size());
    if (frames.count == 0) return peaks;
    const auto count = static_cast<int>(states.size());
    std::vector<float> score(count, static_cast<float>(NEVER)), before(count);
    std::vector<int8_t> steps(static_cast<size_t>(frames.count) * count, STAY);
    for (int frame = -1; frame < frames.count; ++frame) {
        int8_t* step = frame < 0 ? nullptr : steps.data() + static_cast<size_t>(frame) * count;
        if (frame < 0) {
            score[0] = 0.0f;
        } else {
            const float* row = frames[frame];
            const float best = *std::max_element(row, row + frames.labels);
            const float pause = std::max(row[blank], space < 0 ? row[blank] : row[space]);
            const float gap = std::max(pause, best - penalties.letter);
            before.swap(score);
            for (int state = 0; state < count; ++state) {
                const State& own = states[state];
                float highest = before[state];
                if (state > 0 && before[state - 1] > highest) {
                    highest = before[state - 1];
                    step[state] = PREVIOUS;
                }
                if (own.letter > 0 && own.label != states[state - 2].label && before[state - 2] > highest) {
                    highest = before[state - 2];
                    step[state] = LETTER_BEFORE;
                }
                score[state] = highest + (own.label < 0 ? gap : std::max(MIN_LOG_PROB, row[own.label]));
            }
        }
        for (size_t word = 0; word < words.size(); ++word) {
            const float left_out = score[gaps[word]] - penalties.word;
            if (left_out <= score[gaps[word + 1]]) continue;
            score[gaps[word + 1]] = left_out;
            if (step) step[gaps[word + 1]] = LEFT_OUT;
        }
    }
    // The last word may end in the last frame, without a gap after it.
    int state = count - 1;
    if (count > 1 && score[count - 2] > score[state]) --state;
    for (int frame = frames.count - 1; frame >= 0; --frame) {
        const int8_t* step = steps.data() + static_cast<size_t>(frame) * count;
        while (step[state] == LEFT_OUT) state = gaps[states[state].word - 1];
        const State& own = states[state];
        if (own.letter >= 0) {
            std::vector<Peak>& letters = peaks[own.word];
            if (letters.empty()) letters.resize(words[own.word].size(), {0, 0, static_cast<float>(NEVER)});
            Peak& peak = letters[own.letter];
            peak.start = frame;
            if (peak.end == 0) peak.end = frame + 1;
            peak.log_prob = std::max(peak.log_prob, frames[frame][own.label]);
        }
        state -= step[state] == PREVIOUS ? 1 : step[state] == LETTER_BEFORE ? 2 : 0;
    }
    return peaks;
}

}  // namespace audiosearch
