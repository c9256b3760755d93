#include "hot_words.hpp"

#include <algorithm>

namespace audiosearch {

HotWords::HotWords(const std::vector<Phrase>& phrases, double weight) : weight_(weight) {
    for (const Phrase& phrase : phrases) {
        if (phrase.empty() || !phrases_.insert(phrase).second) continue;
        words_.insert(phrase.begin(), phrase.end());
        for (size_t length = 0; length < phrase.size(); ++length) {
            continuations_[Phrase(phrase.begin(), phrase.begin() + static_cast<long>(length))].insert(phrase[length]);
        }
    }
}

HotWordMatcher::HotWordMatcher(const HotWords& hot_words) : hot_words_(hot_words) { position({}, 0); }

int HotWordMatcher::position(const HotWords::Phrase& matched, size_t settled) {
    const auto [known, added] = numbers_.try_emplace({matched, settled}, static_cast<int>(positions_.size()));
    if (added) positions_.push_back({matched, settled, bonus(matched, settled), {}, {}});
    return known->second;
}

double HotWordMatcher::bonus(const HotWords::Phrase& words, size_t first) const {
    size_t letters = 0;
    for (size_t n = first; n < words.size(); ++n) letters += words[n].size();
    return hot_words_.weight_ * static_cast<double>(letters);
}

double HotWordMatcher::partial_bonus(int number, const std::string& part) {
    Position& position = positions_[number];
    const auto [known, added] = position.partial.try_emplace(part, 0.0);
    if (!added) return known->second;
    // All continuations count, including those of a phrase that begins with a later one of the matched words.
    for (size_t first = 0; first <= position.matched.size(); ++first) {
        const HotWords::Phrase beginning(position.matched.begin() + static_cast<long>(first), position.matched.end());
        const auto words = hot_words_.continuations_.find(beginning);
        if (words == hot_words_.continuations_.end()) continue;
        const auto word = words->second.lower_bound(part);
        if (word != words->second.end() && word->compare(0, part.size(), part) == 0) {
            known->second = hot_words_.weight_ * static_cast<double>(part.size());
            break;
        }
    }
    return known->second;
}

std::pair<double, int> HotWordMatcher::advance(int number, const std::string& word) {
    const auto known = positions_[number].next.find(word);
    if (known != positions_[number].next.end()) return known->second;
    double final_bonus = 0.0;
    HotWords::Phrase matched = positions_[number].matched;
    size_t settled = positions_[number].settled;
    matched.push_back(word);
    while (!matched.empty()) {
        if (hot_words_.phrases_.count(matched)) {
            final_bonus += bonus(matched, settled);
            settled = matched.size();
        }
        if (hot_words_.continuations_.count(matched)) break;
        matched.erase(matched.begin());
        settled -= settled > 0;
    }
    const std::pair<double, int> step{final_bonus, position(matched, settled)};
    return positions_[number].next[word] = step;
}

}  // namespace audiosearch
