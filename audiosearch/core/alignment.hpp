// Forced alignment: the best CTC path (Graves et al. 2006) of a text through all frames.
#pragma once

#include <vector>

#include "lexicon.hpp"

namespace audiosearch {

struct Peak {  // of a label of the text
    int start, end;  // its frames
    float log_prob;  // the highest in them
};

// The peak of each label. There must be at least as many frames as labels and blanks between equal ones.
std::vector<Peak> find_peaks(Frames frames, const std::vector<int>& labels, int blank);

}  // namespace audiosearch
