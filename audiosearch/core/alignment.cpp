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

}  // namespace audiosearch
