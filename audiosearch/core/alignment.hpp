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

// Penalties in nats of the alignment of words that were not all said with speech that was not all written.
struct GapPenalties {
    float letter;  // of a frame of speech without text, whose best label is a letter
    float word;    // of a word without speech
};

// The peaks of the letters of each word on the best path through all frames, in which words may be left out and speech may
// pass between words; no peaks for a word that is left out. `space` may be -1.
std::vector<std::vector<Peak>> find_words(
    Frames frames, const std::vector<std::vector<int>>& words, int blank, int space, const GapPenalties& penalties);

}  // namespace audiosearch
