#include "alignment.hpp"

#include <algorithm>
#include <cstdint>

namespace audiosearch {

namespace {

constexpr double NEVER = -1e30;
constexpr float MIN_LOG_PROB = -100.0f;  // every text that fits has a best alignment

}  // namespace

// The states of all labels in one row: blank, label 0, blank, label 1, …, blank. Each is reached from itself, from the
// one before, or, where a label differs from the previous label, from that.
std::vector<Peak> find_peaks(Frames frames, const std::vector<int>& labels, int blank) {
    std::vector<Peak> peaks(labels.size(), {0, 0, static_cast<float>(NEVER)});
    if (labels.empty() || frames.count == 0) return peaks;
    const int states = 2 * static_cast<int>(labels.size()) + 1;
    std::vector<double> score(states, NEVER);
    std::vector<int8_t> steps(static_cast<size_t>(frames.count) * states);
    const auto log_prob = [&](int frame, int state) {
        return std::max(MIN_LOG_PROB, frames[frame][state % 2 ? labels[state / 2] : blank]);
    };
    score[0] = log_prob(0, 0);
    score[1] = log_prob(0, 1);
    for (int frame = 1; frame < frames.count; ++frame) {
        int8_t* step = steps.data() + static_cast<size_t>(frame) * states;
        // Only states that can be reached by now, and from which the end can still be reached.
        const int last = std::min(states - 1, 2 * frame + 1);
        const int first = std::max(0, states - 2 * (frames.count - frame) - 1);
        for (int state = last; state >= first; --state) {
            double best = score[state];
            if (state > 0 && score[state - 1] > best) {
                best = score[state - 1];
                step[state] = 1;
            }
            if (state > 2 && state % 2 && labels[state / 2] != labels[state / 2 - 1] && score[state - 2] > best) {
                best = score[state - 2];
                step[state] = 2;
            }
            score[state] = best + log_prob(frame, state);
        }
    }
    int state = score[states - 1] > score[states - 2] ? states - 1 : states - 2;
    for (int frame = frames.count - 1; frame >= 0; --frame) {
        if (state % 2) {
            Peak& peak = peaks[state / 2];
            peak.start = frame;
            if (peak.end == 0) peak.end = frame + 1;
            peak.log_prob = std::max(peak.log_prob, frames[frame][labels[state / 2]]);
        }
        state -= steps[static_cast<size_t>(frame) * states + state];
    }
    return peaks;
}

}  // namespace audiosearch
