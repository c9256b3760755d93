#include "lexicon.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace audiosearch {

namespace {

constexpr float BEAM = 10.0f;           // tokens that score this much below the best one in the same frame are pruned
constexpr float NARROW_BEAM = 5.0f;     // of the search that finds a lower bound
constexpr float ROUNDING = 1e-3f;
constexpr float MIN_LOG_PROB = -12.0f;  // a letter that the network missed does not rule out a word
constexpr float NEVER = -1e30f;

struct State {
    float on_label = NEVER;
    float on_blank = NEVER;

    float best() const { return std::max(on_label, on_blank); }
};

}  // namespace

Alphabet::Alphabet(std::vector<std::string> given) : labels(std::move(given)) {
    for (size_t label = 0; label < labels.size(); ++label) {
        if (labels[label].empty()) blank = static_cast<int>(label);
        else if (labels[label].size() == 1) label_of_[static_cast<unsigned char>(labels[label][0])] = static_cast<int>(label);
    }
    space = label(' ');
}

Lexicon::Lexicon(std::vector<Word> words, const Alphabet& alphabet) : words_(std::move(words)) {
    const auto misspelled = [&](const Word& word) {
        const auto foreign = [&](char letter) { return alphabet.label(letter) < 0; };
        return word.text.empty() || std::any_of(word.text.begin(), word.text.end(), foreign);
    };
    const auto before = [](const Word& a, const Word& b) { return a.text < b.text; };
    words_.erase(std::remove_if(words_.begin(), words_.end(), misspelled), words_.end());
    if (!std::is_sorted(words_.begin(), words_.end(), before)) std::sort(words_.begin(), words_.end(), before);
    struct Run {  // of words with the same first letters
        int first, end;
        int label;
        float best_prior;
    };
    const auto run = [&](int first, int end, int label) {
        float best = NEVER;
        for (int word = first; word < end; ++word) best = std::max(best, words_[word].prior);
        return Run{first, end, label, best};
    };
    std::vector<Run> runs{run(0, static_cast<int>(words_.size()), -1)};
    std::vector<Run> children;
    // Breadth first, so that the children of a node are adjacent.
    for (size_t depth = 0, node = 0; node < runs.size(); ++depth) {
        for (const size_t level_end = runs.size(); node < level_end; ++node) {
            auto [first, end, label, best_prior] = runs[node];
            int32_t word = -1;
            if (first < end && words_[first].text.size() == depth) word = first++;
            children.clear();
            for (int next; first < end; first = next) {
                const char letter = words_[first].text[depth];
                next = first + 1;
                while (next < end && words_[next].text[depth] == letter) ++next;
                children.push_back(run(first, next, alphabet.label(letter)));
            }
            std::stable_sort(children.begin(), children.end(),
                             [](const Run& a, const Run& b) { return a.best_prior > b.best_prior; });
            nodes_.push_back({static_cast<int32_t>(runs.size()), static_cast<int16_t>(children.size()), static_cast<int16_t>(label), word, best_prior});
            runs.insert(runs.end(), children.begin(), children.end());
        }
    }
}

int Lexicon::child(int node, int label) const {
    const Node& parent = nodes_[node];
    for (int32_t child = parent.first_child; child < parent.first_child + parent.children; ++child) {
        if (nodes_[child].label == label) return child;
    }
    return -1;
}

std::vector<Lexicon::Match> Lexicon::n_best(
    const std::vector<float>& relative, int labels, int blank, float weight, int count, LexiconWorkspace& workspace) const {
    // The last of as many words from a narrow search is no better than the last of the full one, which need not follow
    // tokens that cannot reach it.
    const auto narrow = search(relative, labels, blank, weight, count, NARROW_BEAM, NEVER, workspace);
    const float min_total = narrow.size() < static_cast<size_t>(count) ? NEVER : total(narrow.back(), weight) - ROUNDING;
    return search(relative, labels, blank, weight, count, BEAM, min_total, workspace);
}

// The best words; tokens are dropped that score `beam` below the best one in the same frame, or cannot reach `min_total`.
std::vector<Lexicon::Match> Lexicon::search(
    const std::vector<float>& relative, int labels, int blank, float weight, int count, float beam, float min_total,
    LexiconWorkspace& workspace) const {
    workspace.token_of.resize(nodes_.size(), -1);
    workspace.match_of.resize(words_.size(), -1);
    std::vector<int32_t>& token_of = workspace.token_of;
    std::vector<int32_t>& match_of = workspace.match_of;
    std::vector<LexiconToken>&tokens = workspace.tokens, &next = workspace.next;
    std::vector<Match> matches;
    tokens.clear();
    // The most that a token can gain after each frame.
    std::vector<float> gains(relative.size() / labels, 0.0f);
    for (size_t frame = gains.size(); frame-- > 1;) {
        const float* row = relative.data() + frame * labels;
        gains[frame - 1] = gains[frame] + std::max(0.0f, *std::max_element(row, row + labels));
    }
    const LexiconToken root{0, -1, NEVER, 0.0f, 0.0f};
    for (size_t first = 0; first < relative.size(); first += static_cast<size_t>(labels)) {
        const float* row = relative.data() + first;
        const float best_label = *std::max_element(row, row + labels);
        const float reach = min_total - gains[first / labels];
        float highest = NEVER, bound = reach;
        next.clear();
        for (const LexiconToken& token : tokens) {
            token_of[token.node] = static_cast<int32_t>(next.size());
            next.push_back({token.node, token.label, token.on_label + row[token.label], token.best() + row[blank], token.prior});
            highest = std::max(highest, next.back().best() + token.prior);
        }
        bound = std::max(reach, highest - beam);
        // A word may begin in any frame: the root is on a blank at no cost.
        for (int number = -1; number < static_cast<int>(tokens.size()); ++number) {
            const LexiconToken token = number < 0 ? root : tokens[number];
            const Node& node = nodes_[token.node];
            const float after_other = token.best();
            for (int32_t child = node.first_child; child < node.first_child + node.children; ++child) {
                const float prior = weight * nodes_[child].best_prior;
                if (after_other + best_label + prior < bound) break;  // further children have lower priors
                const int32_t label = nodes_[child].label;
                const float score = (label == token.label ? token.on_blank : after_other) + row[label];
                if (score + prior < bound) continue;
                highest = std::max(highest, score + prior);
                bound = std::max(bound, highest - beam);
                if (token_of[child] >= 0) {
                    LexiconToken& other = next[token_of[child]];
                    other.on_label = std::max(other.on_label, score);
                } else {
                    next.push_back({child, label, score, NEVER, prior});
                }
            }
        }
        for (const LexiconToken& token : tokens) token_of[token.node] = -1;
        tokens.clear();
        for (const LexiconToken& token : next) {
            if (token.best() + token.prior < bound) continue;
            tokens.push_back(token);
            const int32_t word = nodes_[token.node].word;
            if (word < 0) continue;
            if (match_of[word] < 0) {
                match_of[word] = static_cast<int32_t>(matches.size());
                matches.push_back({word, token.best()});
            } else {
                float& score = matches[match_of[word]].score;
                score = std::max(score, token.best());
            }
        }
    }
    for (const Match& match : matches) match_of[match.word] = -1;
    const auto last = matches.begin() + std::min<long>(count, static_cast<long>(matches.size()));
    std::partial_sort(matches.begin(), last, matches.end(), [&](const Match& a, const Match& b) {
        const float first = total(a, weight), second = total(b, weight);
        return first != second ? first > second : a.word < b.word;
    });
    matches.erase(last, matches.end());
    return matches;
}

std::vector<float> relative_to_pauses(Frames frames, const Alphabet& alphabet) {
    std::vector<float> relative(static_cast<size_t>(frames.count) * frames.labels);
    for (int frame = 0; frame < frames.count; ++frame) {
        const float* row = frames[frame];
        const float pause = std::max(MIN_LOG_PROB, std::max(row[alphabet.blank], alphabet.space < 0 ? NEVER : row[alphabet.space]));
        float* target = relative.data() + static_cast<size_t>(frame) * frames.labels;
        for (int label = 0; label < frames.labels; ++label) target[label] = std::max(row[label], MIN_LOG_PROB) - pause;
    }
    return relative;
}

float score_word(const std::vector<float>& relative, int labels, int blank, const std::vector<int>& word) {
    std::vector<State> states(word.size());
    float highest = NEVER;
    for (size_t first = 0; first < relative.size(); first += static_cast<size_t>(labels)) {
        const float* row = relative.data() + first;
        for (size_t n = word.size(); n-- > 0;) {
            float score = states[n].on_label;
            if (n == 0) {
                score = std::max(score, 0.0f);
            } else {
                score = std::max(score, word[n] == word[n - 1] ? states[n - 1].on_blank : states[n - 1].best());
            }
            states[n].on_blank = states[n].best() + row[blank];
            states[n].on_label = score + row[word[n]];
        }
        highest = std::max(highest, states.back().best());
    }
    return highest;
}

}  // namespace audiosearch
