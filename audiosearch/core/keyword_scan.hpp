// Keyword spotting in packed emissions; spotting/keyword_spotter.py describes the search, spotting/posteriorgram.py the
// packed emissions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace audiosearch {

constexpr int LANES = 8;         // labels that a processor updates at once
constexpr int MAX_COST = 2'700;  // in units of scores, for which the score of no token overflows

// Heads and further entries of packed emissions, of one byte or two each; one of the pointers is nullptr.
struct Entries {
    const uint8_t* narrow;
    const uint16_t* wide;
    size_t size;

    int operator[](size_t position) const { return narrow ? narrow[position] : wide[position]; }
};

// Legend: V labels of the alphabet, L labels of the text, W the same, padded to LANES. Losses are in units of scores.
struct KeywordTables {
    const int32_t* table;       // loss of each label of the text in a frame of another label [V, W]
    const int32_t* edges;       // loss of the blank and of the space [V, 2]
    const int32_t* skips;       // added to a token where a label follows another without a blank [W]
    const int32_t* losses;      // of the levels [8]
    const int32_t* boundaries;  // maximum loss of a text that begins within a word, and of one that ends within a word
    int labels;                 // V
    int width;                  // W
    int length;                 // L
    int min_score;              // of a hit
};

struct Pieces {
    const int64_t* starts;  // offset of each piece in the entries [count]
    const int64_t* counts;  // stored frames of each piece [count]
    int64_t count;
};

struct Hit {
    int64_t run;    // number of the first piece of the run
    int64_t first;  // frame in the run
    int64_t end;    // frame in the run
    int score;
};

// Hits in runs of adjoining pieces; `runs` holds the number of the first piece of each run, and at last of all pieces.
// Throws std::invalid_argument if tables, pieces or runs are out of range, or entries are missing.
std::vector<Hit> scan_keyword(
    Entries entries, const Pieces& pieces, const std::vector<int64_t>& runs, const KeywordTables& tables);

}  // namespace audiosearch
