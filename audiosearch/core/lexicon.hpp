// Words as a trie of their letters, and the search for the words that fit given frames best.
//
// All words are searched at once (token passing, Young et al. 1989); tokens far below the best one of a frame are pruned.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace audiosearch {

// Log-probabilities [frames, labels] in one row after another.
struct Frames {
    const float* data;
    int count;
    int labels;

    const float* operator[](int frame) const { return data + static_cast<size_t>(frame) * labels; }
    Frames slice(int first, int end) const { return {(*this)[first], end - first, labels}; }
};

struct Alphabet {
    std::vector<std::string> labels;  // the blank is ""; others are single characters
    int blank = 0;
    int space = -1;  // -1: none

    explicit Alphabet(std::vector<std::string> labels);
    int label(char character) const { return label_of_[static_cast<unsigned char>(character)]; }  // -1: none

  private:
    std::vector<int> label_of_ = std::vector<int>(256, -1);
};

struct LexiconNode {
    uint64_t child_labels = 0;  // a bit for each label of a child
    int32_t first_child = 0;    // children are adjacent, by label
    int32_t word = -1;          // the word that ends here
    float best_prior = 0.0f;    // of the words that begin so

    int32_t child(int label) const {
        return first_child + __builtin_popcountll(child_labels & ((uint64_t{1} << label) - 1));
    }
};

struct LexiconToken {
    LexiconNode at;  // a copy, with the prior weighted
    int32_t node;
    int32_t label;
    float on_label;  // score in a frame of the last letter
    float on_blank;  // score in a blank after it
    float best_before = 0.0f, on_blank_before = 0.0f;  // in the last frame

    float best() const { return on_label > on_blank ? on_label : on_blank; }
};

// Memory of searches that follow each other.
struct LexiconWorkspace {
    std::vector<LexiconToken> tokens;
    std::vector<uint32_t> token_of;  // of a node, if that token is of this node
    std::vector<int32_t> match_of;  // of a word; -1: none
};

class Lexicon {
  public:
    struct Match {
        int word;
        float score;  // log-probability of the letters, relative to blanks or spaces
    };

    struct Word {
        std::string_view text;
        uint32_t id;  // in the language model
        float prior;
    };

    // The texts must outlive the lexicon. Words that the alphabet, of at most 64 labels, cannot spell are left out.
    Lexicon(std::vector<Word> words, const Alphabet& alphabet);

    const Word& word(int number) const { return words_[number]; }
    // The node of one letter more, or -1.
    int child(int node, int label) const;
    const LexiconNode& operator[](int node) const { return nodes_[node]; }

    // At most `count` words that fit frames best by score and weighted prior, best first.
    std::vector<Match> n_best(const std::vector<float>& relative, int labels, int blank, float weight, int count,
                              LexiconWorkspace& workspace) const;

  private:
    std::vector<Match> search(const std::vector<float>& relative, int labels, int blank, float weight, int count,
                              float beam, float min_total, LexiconWorkspace& workspace) const;
    float total(const Match& match, float weight) const { return match.score + weight * words_[match.word].prior; }

    std::vector<Word> words_;
    std::vector<LexiconNode> nodes_;
};

// Log-probabilities relative to the better of blank and space, so that a word may begin and end in any frame at no cost.
std::vector<float> relative_to_pauses(Frames frames, const Alphabet& alphabet);

// Highest score of one word within frames.
float score_word(const std::vector<float>& relative, int labels, int blank, const std::vector<int>& word);

}  // namespace audiosearch
