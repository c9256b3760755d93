#include "lexicon.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

namespace audiosearch {

namespace {

constexpr float BEAM = 9.5f;            // tokens that score this much below the best one in the same frame are pruned
constexpr float NARROW_BEAM = 5.0f;     // of the search that finds a lower bound
constexpr float ROUNDING = 1e-3f;
constexpr float MIN_LOG_PROB = -12.0f;  // a letter that the network missed does not rule out a word
constexpr float NEVER = -1e30f;
constexpr size_t MAX_LABELS = 64;      // bits of the children of a node

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
    if (alphabet.labels.size() > MAX_LABELS) throw std::invalid_argument("an alphabet has at most 64 labels");
    const auto misspelled = [&](const Word& word) {
        const auto foreign = [&](char letter) { return alphabet.label(letter) < 0; };
        return word.text.empty() || std::any_of(word.text.begin(), word.text.end(), foreign);
    };
    const auto before = [](const Word& a, const Word& b) { return a.text < b.text; };
    words_.erase(std::remove_if(words_.begin(), words_.end(), misspelled), words_.end());
    if (!std::is_sorted(words_.begin(), words_.end(), before)) std::sort(words_.begin(), words_.end(), before);
    struct Run {  // of words with the same first letters
        int first, end;
    };
    std::vector<Run> runs{{0, static_cast<int>(words_.size())}};
    // Breadth first, so that the children of a node are adjacent.
    for (size_t depth = 0, number = 0; number < runs.size(); ++depth) {
        for (const size_t level_end = runs.size(); number < level_end; ++number) {
            auto [first, end] = runs[number];
            LexiconNode node;
            node.best_prior = NEVER;
            for (int word = first; word < end; ++word) node.best_prior = std::max(node.best_prior, words_[word].prior);
            if (first < end && words_[first].text.size() == depth) node.word = first++;
            std::array<Run, MAX_LABELS> children;
            for (int next; first < end; first = next) {
                const char letter = words_[first].text[depth];
                next = first + 1;
                while (next < end && words_[next].text[depth] == letter) ++next;
                const int label = alphabet.label(letter);
                children[label] = {first, next};
                node.child_labels |= uint64_t{1} << label;
            }
            node.first_child = static_cast<int32_t>(runs.size());
            for (uint64_t rest = node.child_labels; rest; rest &= rest - 1) runs.push_back(children[__builtin_ctzll(rest)]);
            nodes_.push_back(node);
        }
    }
}

int Lexicon::child(int node, int label) const {
    const LexiconNode& parent = nodes_[node];
    return label >= 0 && parent.child_labels >> label & 1 ? parent.child(label) : -1;
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
    workspace.token_of.resize(nodes_.size());
    workspace.match_of.resize(words_.size(), -1);
    std::vector<uint32_t>& token_of = workspace.token_of;
    std::vector<int32_t>& match_of = workspace.match_of;
    std::vector<LexiconToken>& tokens = workspace.tokens;
    std::vector<Match> matches;
    tokens.clear();
    // The most that a token can gain after each frame.
    std::vector<float> gains(relative.size() / labels, 0.0f);
    for (size_t frame = gains.size(); frame-- > 1;) {
        const float* row = relative.data() + frame * labels;
        gains[frame - 1] = gains[frame] + std::max(0.0f, *std::max_element(row, row + labels));
    }
    LexiconNode root = nodes_[0];  // a word may begin in any frame, as after a blank at no cost
    root.best_prior *= weight;
    std::array<int, MAX_LABELS> by_score;
    std::array<uint64_t, MAX_LABELS + 1> likeliest{};  // the first labels by score
    for (size_t first = 0; first < relative.size(); first += static_cast<size_t>(labels)) {
        const float* row = relative.data() + first;
        const float reach = min_total - gains[first / labels];
        float highest = NEVER, highest_before = root.best_prior;
        const size_t old = tokens.size();
        for (size_t n = 0; n < old; ++n) {
            LexiconToken& token = tokens[n];
            token_of[token.node] = static_cast<uint32_t>(n);
            token.best_before = token.best();
            token.on_blank_before = token.on_blank;
            token.on_label += row[token.label];
            token.on_blank = token.best_before + row[blank];
            highest = std::max(highest, token.best() + token.at.best_prior);
            highest_before = std::max(highest_before, token.best_before + token.at.best_prior);
        }
        float bound = std::max(reach, highest - beam);
        int likely = 0;  // labels that may follow some token
        for (int label = 0; label < labels; ++label) {
            if (highest_before + row[label] < bound - ROUNDING) continue;
            int n = likely++;
            for (; n > 0 && row[by_score[n - 1]] < row[label]; --n) by_score[n] = by_score[n - 1];
            by_score[n] = label;
        }
        for (int n = 0; n < likely; ++n) likeliest[n + 1] = likeliest[n] | uint64_t{1} << by_score[n];
        const auto extend = [&](const LexiconNode& node, int32_t last, float on_blank, float after_other) {
            const float least = bound - after_other - node.best_prior;
            int count = 0;
            while (count < likely && row[by_score[count]] >= least) ++count;
            for (uint64_t rest = node.child_labels & likeliest[count]; rest; rest &= rest - 1) {
                const int label = __builtin_ctzll(rest);
                const int32_t child = node.child(label);
                LexiconNode at = nodes_[child];
                at.best_prior *= weight;
                const float score = (label == last ? on_blank : after_other) + row[label];
                if (score + at.best_prior < bound) continue;
                highest = std::max(highest, score + at.best_prior);
                bound = std::max(bound, highest - beam);
                const uint32_t number = token_of[child];
                if (number < old && tokens[number].node == child) {
                    tokens[number].on_label = std::max(tokens[number].on_label, score);
                } else {
                    tokens.push_back({at, child, label, score, NEVER});
                }
            }
        };
        extend(root, -1, 0.0f, 0.0f);
        for (size_t n = 0; n < old; ++n) {
            const LexiconToken token = tokens[n];
            extend(token.at, token.label, token.on_blank_before, token.best_before);
        }
        size_t kept = 0;
        for (const LexiconToken& token : tokens) {
            if (token.best() + token.at.best_prior < bound) continue;
            tokens[kept++] = token;
            const int32_t word = token.at.word;
            if (word < 0) continue;
            if (match_of[word] < 0) {
                match_of[word] = static_cast<int32_t>(matches.size());
                matches.push_back({word, token.best()});
            } else {
                float& score = matches[match_of[word]].score;
                score = std::max(score, token.best());
            }
        }
        tokens.resize(kept);
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
        for (int label = 0; label < frames.labels; ++label) target[label] = std::max(MIN_LOG_PROB, row[label]) - pause;
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
