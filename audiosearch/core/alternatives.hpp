// Confusion slots: for each word of a text its candidates, from the word lattice of the search and from the lexicon.
//
// Beams that the search pruned in favor of others with the same language-model state form a word lattice; forward and
// backward sums over it give the posterior probability of every word (Wessel et al. 2001), and words that overlap in time
// compete for one position (Mangu, Brill and Stolcke 2000). The search follows few words at a time, so the lexicon is
// searched too for words that fit the frames between the two neighbors, and the language model scores them in context.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "beam_search.hpp"

namespace audiosearch {

struct Candidate {
    std::string text;
    double posterior;       // share of the search's paths through it
    double acoustic_score;  // log-probability of its letters, over that of the best word's
    double language_score;  // weighted log-probability between the neighboring words, over that of the best word
    double share;           // by both scores, of all words tried in the slot

    bool operator==(const Candidate& other) const {
        return std::tie(text, posterior, acoustic_score, language_score, share) ==
               std::tie(other.text, other.posterior, other.acoustic_score, other.language_score, other.share);
    }
};

struct ConfusionSlot {
    std::string text;
    double posterior;
    double share;
    std::vector<Candidate> candidates;

    bool operator==(const ConfusionSlot& other) const {
        return std::tie(text, posterior, share, candidates) ==
               std::tie(other.text, other.posterior, other.share, other.candidates);
    }
};

// The slot of each word of the best text. A candidate may extend by `margin` frames beyond the word in its place.
std::vector<ConfusionSlot> confusion_slots(
    Frames frames, const SearchResult& result, const SearchModel& model, const SearchSettings& settings, int margin);

}  // namespace audiosearch
