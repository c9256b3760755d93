#include "beam_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <unordered_map>

namespace audiosearch {

namespace {

constexpr double NEVER = -std::numeric_limits<double>::infinity();
constexpr double TWO_BEAMS = 0.6931471805599453;  // largest gain of a beam by merging another one that is no better
constexpr double NEGLIGIBLE = -40.0;  // natural logarithm of a share below the precision of a double
constexpr size_t INITIAL_PREFIXES = 1 << 15;
constexpr double LONG_WORD = 6.0;  // letters beyond which the penalty of an unknown word grows with its length

double log_add(double a, double b) {
    const double difference = -std::abs(a - b);
    return std::max(a, b) + (difference < NEGLIGIBLE ? 0.0 : std::log1p(std::exp(difference)));
}

// Hash table from 64-bit keys to numbers, emptied at no cost.
class NumberTable {
  public:
    // The number of a key, and true if it was absent and now is `number`.
    std::pair<int32_t&, bool> insert(uint64_t key, int32_t number) {
        if (2 * ++size_ > slots_.size()) grow();
        Slot& slot = find(key);
        if (slot.round == round_ && slot.key == key) {
            --size_;
            return {slot.number, false};
        }
        slot = {key, number, round_};
        return {slot.number, true};
    }

    void clear() {
        size_ = 0;
        ++round_;
    }

  private:
    struct Slot {
        uint64_t key = 0;
        int32_t number = 0;
        uint32_t round = 0;
    };

    Slot& find(uint64_t key) {
        const size_t mask = slots_.size() - 1;
        size_t position = key * 0x9e3779b97f4a7c15u >> 20 & mask;
        while (slots_[position].round == round_ && slots_[position].key != key) position = (position + 1) & mask;
        return slots_[position];
    }

    void grow() {
        std::vector<Slot> old(2 * slots_.size());
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.round == round_) find(slot.key) = slot;
        }
    }

    std::vector<Slot> slots_ = std::vector<Slot>(1024);
    size_t size_ = 0;
    uint32_t round_ = 1;
};

// Letters of a word, complete or not; each text has one number. 0 is the empty one.
struct Part {
    int32_t node = 0;       // in the lexicon; -1: no known word begins so
    int32_t length = 0;
    double score = 0.0;     // of an incomplete word, without hot words
};

struct History {
    double lm_score = 0.0;
    double bonus = 0.0;     // final bonus of hot words
    double score = 0.0;     // both, and the pending bonus
    int32_t hot = 0;        // position within hot phrases
    int32_t recent = 0;     // number of the last words, as many as the language model depends on
    NgramState state;
};

struct alignas(64) Prefix {  // one cache line
    double score;    // without the acoustic score
    double ceiling;  // upper bound of the score of two merged beams with one letter more
    int32_t history;
    int32_t part;
    int32_t first_child = -1;
    int32_t next_sibling = -1;
    int32_t label;
    int32_t stamp = -1;          // number of the last frame and label in which a beam led here
    int32_t slot = -1;           // position of that beam, -1 if it scored too low
    double acoustic = 0.0;       // of that beam
    uint64_t child_labels = 0;   // a bit for each label of a child, modulo 64
};

struct Beam {
    double total;
    double acoustic;
    int32_t prefix;
    int32_t label;  // of the last frame
    int32_t order;  // beams of equal score stay in the order in which they were created
};

bool better(const Beam& a, const Beam& b) { return a.total != b.total ? a.total > b.total : a.order < b.order; }

struct Token {
    int32_t label;
    double log_prob;
};

class Search {
  public:
    Search(const SearchModel& model, const SearchSettings& settings)
        : model_(model), settings_(settings), matcher_(model.hot_words), hot_(!model.hot_words.empty()),
          context_(model.language_model ? std::max(1, model.language_model->order() - 1) : 1),
          letter_bonus_(hot_ ? model.hot_words.weight() : 0.0) {
        prefixes_.reserve(INITIAL_PREFIXES);
        parts_.push_back({model.lexicon ? 0 : -1, 0, 0.0});
        result_.texts.emplace_back();
        recent_words_.emplace_back();
        add_history({-1, 0, 0, {}}, [&] {
            History history;
            if (model.language_model) history.state = model.language_model->start();
            return history;
        }());
        prefixes_.push_back({0.0, TWO_BEAMS + letter_bonus_, 0, 0, -1, -1, -1});
    }

    SearchResult run(Frames frames);

  private:
    void likely_labels(const float* row);
    void extend();
    void prune();
    int32_t child(int32_t prefix, int32_t label, double min_score);
    int32_t new_child(int32_t prefix, int32_t label, double min_score);
    int32_t longer_part(int32_t part, int32_t label);
    int32_t complete(int32_t history, int32_t part);
    int32_t add_history(WordHistory words, History scores);
    int32_t recent(int32_t before, int32_t word);
    double partial_score(const History& history, int32_t part);
    double word_score(NgramState& state, int32_t part, bool last) const;
    double final_score(const Prefix& prefix);
    std::string text(const Prefix& prefix) const;
    SearchResult finish();

    const SearchModel& model_;
    const SearchSettings& settings_;
    HotWordMatcher matcher_;
    const bool hot_;
    const int context_;
    const double letter_bonus_;

    std::vector<Part> parts_;
    std::vector<History> histories_;
    std::vector<Prefix> prefixes_;
    std::vector<std::vector<int32_t>> recent_words_;  // by number
    NumberTable part_numbers_, recent_numbers_, futures_;
    SearchResult result_;

    std::vector<Beam> beams_, extended_;
    std::vector<Token> tokens_;
    int32_t frame_ = 0;
    double skipped_ = 0.0;
};

// A frame with a single likely label, the same as in the frame before, changes neither prefixes nor their order: all
// scores shift alike, so its score is summed up separately and the frame is skipped. (After the first such frame every
// beam ends in that label; the second merges and drops nothing.) In clear speech with pauses this holds for most frames.
SearchResult Search::run(Frames frames) {
    const int32_t blank = model_.alphabet.blank;
    beams_.push_back({0.0, 0.0, 0, blank, 0});
    int32_t common_label = blank;  // label that all beams end in
    for (frame_ = 0; frame_ < frames.count; ++frame_) {
        likely_labels(frames[frame_]);
        if (tokens_.size() == 1) {
            if (tokens_[0].label == common_label) {
                skipped_ += tokens_[0].log_prob;
                continue;
            }
            common_label = tokens_[0].label;
        } else {
            common_label = -1;
        }
        extend();
        prune();
    }
    return finish();
}

void Search::likely_labels(const float* row) {
    const auto labels = static_cast<int32_t>(model_.alphabet.labels.size());
    const auto best = static_cast<int32_t>(std::max_element(row, row + labels) - row);
    tokens_.clear();
    for (int32_t label = 0; label < labels; ++label) {
        if (row[label] >= settings_.token_min_logp || label == best) tokens_.push_back({label, row[label]});
    }
    std::stable_sort(tokens_.begin(), tokens_.end(), [](Token a, Token b) { return a.log_prob > b.log_prob; });
}

// The best beams after one more frame; probabilities of beams with equal prefix and label are added.
//
// Beams and labels are sorted best first. The beams extended by likelier labels set a floor: a new prefix whose score
// would stay below it is not created. At most two beams lead to a prefix, of which the better comes first and decides
// for both.
void Search::extend() {
    const int32_t blank = model_.alphabet.blank;
    const auto width = static_cast<size_t>(settings_.beam_width);
    double floor = NEVER, highest = NEVER;
    extended_.clear();
    int32_t order = 0;
    for (size_t number = 0; number < tokens_.size(); ++number) {
        const Token token = tokens_[number];
        const int32_t stamp = frame_ * static_cast<int32_t>(model_.alphabet.labels.size()) + token.label;
        for (const Beam& beam : beams_) {
            const double score = beam.acoustic + token.log_prob;
            int32_t target = beam.prefix;
            if (token.label != blank && token.label != beam.label) {
                target = child(beam.prefix, token.label, floor - score);
                if (target < 0) continue;
            }
            Prefix& prefix = prefixes_[target];
            const bool is_second = prefix.stamp == stamp;
            prefix.acoustic = is_second ? log_add(score, prefix.acoustic) : score;
            const double total = prefix.acoustic + prefix.score;
            if (!is_second) {
                prefix.stamp = stamp;
                prefix.slot = -1;
            }
            if (prefix.slot >= 0) {
                extended_[prefix.slot].acoustic = prefix.acoustic;
                extended_[prefix.slot].total = total;
            } else if (total >= floor) {
                prefix.slot = static_cast<int32_t>(extended_.size());
                extended_.push_back({total, prefix.acoustic, target, token.label, order++});
            } else {
                continue;
            }
            highest = std::max(highest, total);
        }
        floor = highest + settings_.beam_prune_logp;
        if (extended_.size() >= width) {
            const auto last = extended_.begin() + static_cast<long>(width) - 1;
            std::nth_element(extended_.begin(), last, extended_.end(), better);
            floor = std::max(floor, last->total);
            extended_.resize(width);
        }
    }
    const auto below = [&](const Beam& beam) { return beam.total < highest + settings_.beam_prune_logp; };
    extended_.erase(std::remove_if(extended_.begin(), extended_.end(), below), extended_.end());
    std::sort(extended_.begin(), extended_.end(), better);
}

// Keep the beams that may still win.
void Search::prune() {
    if (!settings_.prune_history) {
        beams_.swap(extended_);
        return;
    }
    beams_.clear();
    futures_.clear();
    for (const Beam& beam : extended_) {
        const Prefix& prefix = prefixes_[beam.prefix];
        const uint64_t future = static_cast<uint64_t>(histories_[prefix.history].recent + 1) << 36 |
                                static_cast<uint64_t>(prefix.part) << 8 | static_cast<uint64_t>(beam.label);
        const auto [best, is_new] = futures_.insert(future, static_cast<int32_t>(beams_.size()));
        if (is_new) {
            beams_.push_back(beam);
        } else if (settings_.keep_rivals) {
            const Beam& winner = beams_[best];
            auto& rivals = result_.histories[prefixes_[winner.prefix].history].rivals;
            const double difference = beam.total - winner.total;
            const auto known = std::find_if(rivals.begin(), rivals.end(),
                                            [&](const auto& rival) { return rival.first == prefix.history; });
            if (known == rivals.end()) rivals.emplace_back(prefix.history, difference);
            else known->second = std::max(known->second, difference);
        }
    }
}

// The prefix with one more character, or -1 if even two merged beams of it would score below `min_score`. Spaces at the
// start or after another space add nothing.
int32_t Search::child(int32_t number, int32_t label, double min_score) {
    const Prefix& prefix = prefixes_[number];
    if (prefix.child_labels >> label % 64 & 1) {
        for (int32_t child = prefix.first_child; child >= 0; child = prefixes_[child].next_sibling) {
            if (prefixes_[child].label == label) return child;
        }
    }
    if (label == model_.alphabet.space) {
        if (prefix.part == 0) return number;
        // Language models score words at most 0.
        const double highest = histories_[prefix.history].score + settings_.beta + TWO_BEAMS;
        if (!hot_ && model_.language_model && highest < min_score) return -1;
    } else if (prefix.ceiling < min_score) {
        return -1;
    }
    return new_child(number, label, min_score);
}

int32_t Search::new_child(int32_t number, int32_t label, double min_score) {
    int32_t history = prefixes_[number].history, part = 0;
    double partial = 0.0;
    if (label == model_.alphabet.space) {
        history = complete(history, prefixes_[number].part);
    } else {
        part = longer_part(prefixes_[number].part, label);
        partial = partial_score(histories_[history], part);
    }
    const double before = histories_[history].score;
    if (before + partial + TWO_BEAMS < min_score) return -1;
    // A letter adds a score of at most 0, unless it begins or continues a hot word.
    double ceiling = before + TWO_BEAMS;
    if (hot_ && (partial > 0 || part == 0)) ceiling += letter_bonus_ * (parts_[part].length + 1);
    const auto child = static_cast<int32_t>(prefixes_.size());
    prefixes_.push_back({before + partial, ceiling, history, part, -1, prefixes_[number].first_child, label});
    prefixes_[number].first_child = child;
    prefixes_[number].child_labels |= uint64_t{1} << label % 64;
    return child;
}

int32_t Search::longer_part(int32_t part, int32_t label) {
    const uint64_t key = static_cast<uint64_t>(part) << 8 | static_cast<uint64_t>(label + 1);
    const auto [number, is_new] = part_numbers_.insert(key, static_cast<int32_t>(parts_.size()));
    if (!is_new) return number;
    const int32_t longer = number;
    Part next{parts_[part].node, parts_[part].length + 1, 0.0};
    if (next.node >= 0) next.node = model_.lexicon->child(next.node, label);
    if (model_.language_model && next.node < 0) {
        next.score = settings_.unknown_score * std::max(1.0, next.length / LONG_WORD);
    }
    parts_.push_back(next);
    result_.texts.push_back(result_.texts[part] + model_.alphabet.labels[label]);
    return longer;
}

int32_t Search::complete(int32_t number, int32_t part) {
    History next = histories_[number];
    if (model_.language_model) next.lm_score += word_score(next.state, part, false);
    if (hot_) {
        const auto [bonus, position] = matcher_.advance(next.hot, result_.texts[part]);
        next.bonus += bonus;
        next.hot = position;
    }
    next.recent = recent(next.recent, part);
    return add_history({number, part, frame_, {}}, next);
}

int32_t Search::add_history(WordHistory words, History scores) {
    scores.score = scores.lm_score + scores.bonus + (hot_ ? matcher_.pending_bonus(scores.hot) : 0.0);
    result_.histories.push_back(std::move(words));
    histories_.push_back(scores);
    return static_cast<int32_t>(histories_.size()) - 1;
}

// The number of the last words after one more: a chain of numbers, each of the words before and one word.
int32_t Search::recent(int32_t before, int32_t word) {
    std::vector<int32_t> words = recent_words_[before];
    words.push_back(word);
    if (words.size() > static_cast<size_t>(context_)) words.erase(words.begin());
    int32_t number = 0;
    for (size_t n = 0; n < words.size(); ++n) {
        const uint64_t key = static_cast<uint64_t>(number) << 32 | static_cast<uint64_t>(words[n] + 1);
        const auto [next, is_new] = recent_numbers_.insert(key, static_cast<int32_t>(recent_words_.size()));
        number = next;
        if (is_new) recent_words_.emplace_back(words.begin(), words.begin() + static_cast<long>(n) + 1);
    }
    return number;
}

double Search::partial_score(const History& history, int32_t part) {
    if (hot_) {
        const double bonus = matcher_.partial_bonus(history.hot, result_.texts[part]);
        if (bonus != 0.0) return bonus;
    }
    return parts_[part].score;
}

double Search::word_score(NgramState& state, int32_t part, bool last) const {
    double log10 = 0.0, bonus = 0.0;
    if (part != 0) {
        const int32_t node = parts_[part].node;
        const int32_t word = node < 0 ? -1 : (*model_.lexicon)[node].word;
        const uint32_t id = word < 0 ? static_cast<uint32_t>(UNKNOWN_WORD) : model_.lexicon->word(word).id;
        log10 = model_.language_model->score(state, id);
        if (word < 0) log10 += settings_.unknown_score;
        bonus = settings_.beta;
    }
    if (last) log10 += model_.language_model->score(state, SENTENCE_END);
    return settings_.alpha * log10 * NATS_PER_LOG10 + bonus;
}

// Score of a prefix as the complete text, without the acoustic score.
double Search::final_score(const Prefix& prefix) {
    const History& history = histories_[prefix.history];
    double score = history.lm_score + history.bonus;
    if (hot_ && prefix.part != 0) score += matcher_.advance(history.hot, result_.texts[prefix.part]).first;
    if (model_.language_model) {
        NgramState state = history.state;
        score += word_score(state, prefix.part, true);
    }
    return score;
}

std::string Search::text(const Prefix& prefix) const {
    std::vector<int32_t> words;
    if (prefix.part != 0) words.push_back(prefix.part);
    for (int32_t number = prefix.history; number > 0; number = result_.histories[number].previous) {
        words.push_back(result_.histories[number].word);
    }
    std::string text;
    for (auto word = words.rbegin(); word != words.rend(); ++word) {
        if (!text.empty()) text += ' ';
        text += result_.texts[*word];
    }
    return text;
}

// Texts of the last beams, with the score of the sentence end.
SearchResult Search::finish() {
    struct Total {
        double acoustic;
        double final_score;
        size_t order;
    };
    std::unordered_map<std::string, Total> totals;
    for (const Beam& beam : beams_) {
        const Prefix& prefix = prefixes_[beam.prefix];
        const double score = final_score(prefix);
        result_.beams.push_back({prefix.history, prefix.part, beam.acoustic + score, text(prefix)});
        const auto [known, is_new] = totals.try_emplace(result_.beams.back().text, Total{beam.acoustic, score, totals.size()});
        if (!is_new) known->second.acoustic = log_add(beam.acoustic, known->second.acoustic);
        known->second.final_score = score;
    }
    std::vector<std::pair<const std::string*, Total>> ranked;
    for (const auto& [text, total] : totals) ranked.emplace_back(&text, total);
    const auto score = [&](const Total& total) { return total.acoustic + skipped_ + total.final_score; };
    std::sort(ranked.begin(), ranked.end(), [&](const auto& a, const auto& b) {
        return score(a.second) != score(b.second) ? score(a.second) > score(b.second) : a.second.order < b.second.order;
    });
    for (const auto& [text, total] : ranked) {
        if (score(total) < score(ranked[0].second) + settings_.beam_prune_logp) break;
        result_.hypotheses.emplace_back(*text, score(total));
    }
    return std::move(result_);
}

}  // namespace

SearchResult beam_search(Frames frames, const SearchModel& model, const SearchSettings& settings) {
    return Search(model, settings).run(frames);
}

}  // namespace audiosearch
