// Prefix beam search over CTC emissions (Hannun et al. 2014) with a language model of words.
//
// The results equal those of pyctcdecode. Prefixes are nodes of a tree, created and scored once; a beam is a prefix and
// the label of its last frame: a label repeated after a blank is a new character, and otherwise the same character.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hot_words.hpp"
#include "lexicon.hpp"
#include "ngram_model.hpp"

namespace audiosearch {

struct SearchSettings {
    double alpha;            // weight of the language model
    double beta;             // bonus of each word
    double unknown_score;    // log10 penalty of a word outside the lexicon
    int beam_width;          // maximum number of beams after a frame
    double beam_prune_logp;  // beams below the best by more than this (negative) difference are dropped
    double token_min_logp;   // labels below this log-probability are not tried, except the best one of a frame
    bool prune_history;      // of beams that differ only in words too far back for the language model, keep the best
    bool keep_rivals;        // record which beams were pruned so, for the word lattice
};

// Complete words of a prefix, as a linked list from the last one backwards. Numbers of histories are positions in
// SearchResult::histories; 0 is the empty one.
struct WordHistory {
    int32_t previous = -1;
    int32_t word = 0;       // number of a text in SearchResult::texts
    int32_t end_frame = 0;  // frame in which the word was first complete
    std::vector<std::pair<int32_t, double>> rivals;  // pruned in favor of this one, with their highest relative score
};

struct FinalBeam {
    int32_t history;
    int32_t part;  // number of the text of the incomplete word; 0: none
    double score;
    std::string text;
};

struct SearchResult {
    std::vector<std::pair<std::string, double>> hypotheses;  // texts with their scores, best first
    std::vector<FinalBeam> beams;
    std::vector<WordHistory> histories;
    std::vector<std::string> texts;
};

// Everything a search reads; several searches may share it.
struct SearchModel {
    const Alphabet& alphabet;
    const NgramModel* language_model;  // nullptr: the emissions alone
    const Lexicon* lexicon;            // of the language model and the hot words
    const HotWords& hot_words;
};

SearchResult beam_search(Frames frames, const SearchModel& model, const SearchSettings& settings);

}  // namespace audiosearch
