// Confusion slots: for each word of a text its candidates, from the word lattice of the search and from the lexicon.
//
// Beams that the search pruned in favor of others with the same language-model state form a word lattice; forward and
// backward sums over it give the posterior probability of every word (Wessel et al. 2001), and words that overlap in time
// compete for one position (Mangu, Brill and Stolcke 2000). The search follows few words at a time, so the lexicon is
// searched too for words that fit the frames between the two neighbors, and the language model scores them in context.
#pragma once

#include <string>
#include <vector>

#include "beam_search.hpp"

namespace audiosearch {

struct Candidate {
    std::string text;
    double posterior;       // share of the search's paths through it
    double acoustic_score;  // log-probability of its letters, over that of the best word's
    double language_score;  // weighted log-probability between the neighboring words, over that of the best word
    double share;           // by both scores, of all words tried in the slot
};

struct Slot {
    std::string text;
    double posterior;
    double share;
    std::vector<Candidate> candidates;
};

// The slot of each word of the best text. A candidate may extend by `margin` frames beyond the word in its place.
std::vector<Slot> confusion_slots(
    Frames frames, const SearchResult& result, const SearchModel& model, const SearchSettings& settings, int margin);

}  // namespace audiosearch
