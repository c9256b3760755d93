// Hot words: words and phrases preferred by a bonus that grows with each of their letters (shallow fusion).
//
// A phrase earns its bonus word by word and returns it where it breaks off: with "bank of america" as a hot phrase, "of"
// is preferred after "bank" and nowhere else (contextual biasing, Zhao et al. 2019).
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace audiosearch {

class HotWords {
  public:
    using Phrase = std::vector<std::string>;

    // Bonuses of one letter of a hot word are `weight`, in nats.
    HotWords(const std::vector<Phrase>& phrases, double weight);

    bool empty() const { return phrases_.empty(); }
    double weight() const { return weight_; }
    const std::set<std::string>& words() const { return words_; }

  private:
    friend class HotWordMatcher;

    double weight_;
    std::set<Phrase> phrases_;
    std::set<std::string> words_;  // of all phrases
    std::map<Phrase, std::set<std::string>> continuations_;  // beginning of phrases → next words
};

// Positions of prefixes within hot phrases, created as a search needs them; 0 is the position before the first word.
class HotWordMatcher {
  public:
    explicit HotWordMatcher(const HotWords& hot_words);

    // Bonus of the letters `part` of a word; 0 if no hot word begins with them.
    double partial_bonus(int position, const std::string& part);
    // Bonus that is final once a complete word follows, and the next position.
    std::pair<double, int> advance(int position, const std::string& word);
    // Bonus that is returned unless the phrase is completed.
    double pending_bonus(int position) const { return positions_[position].pending; }

  private:
    struct Position {
        HotWords::Phrase matched;
        size_t settled;  // words whose bonus is final
        double pending;
        std::unordered_map<std::string, std::pair<double, int>> next;
        std::unordered_map<std::string, double> partial;
    };

    int position(const HotWords::Phrase& matched, size_t settled);
    double bonus(const HotWords::Phrase& words, size_t first) const;

    const HotWords& hot_words_;
    std::vector<Position> positions_;
    std::map<std::pair<HotWords::Phrase, size_t>, int> numbers_;
};

}  // namespace audiosearch
