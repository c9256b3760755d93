#include "alternatives.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "alignment.hpp"

namespace audiosearch {

namespace {

constexpr double SCALE = 0.3;  // factor of scores where they become probabilities: neighboring frames are not independent
constexpr double MIN_OVERLAP = 0.3;   // smallest ratio of shared to united time at which a word competes for a position
constexpr int LEXICON_WORDS = 24;     // words of the lexicon that are scored in context
constexpr size_t MAX_CANDIDATES = 6;  // kept in a slot
constexpr double MIN_SHARE = 0.005;   // candidates with a smaller share and a smaller posterior are dropped
constexpr double MAX_EXPONENT = 50.0;

struct Span {
    int start, end;
};

struct Arc {  // a word of the lattice, and the posterior probability of the paths through it
    int32_t text;
    Span span;
    double probability;
};

using Posteriors = std::vector<std::map<std::string, double>>;  // of the words at each position

// All histories that can be reached, each after its previous word and its rivals.
std::vector<int32_t> topological_order(const SearchResult& result) {
    std::vector<int32_t> order;
    std::vector<char> visited(result.histories.size());
    std::vector<std::pair<int32_t, bool>> stack;
    for (const FinalBeam& beam : result.beams) stack.emplace_back(beam.history, false);
    while (!stack.empty()) {
        const auto [number, done] = stack.back();
        stack.pop_back();
        if (done) {
            order.push_back(number);
        } else if (!visited[number]) {
            visited[number] = 1;
            stack.emplace_back(number, true);
            for (const auto& rival : result.histories[number].rivals) stack.emplace_back(rival.first, false);
            if (result.histories[number].previous >= 0) stack.emplace_back(result.histories[number].previous, false);
        }
    }
    return order;
}

// All words that the search followed to the end or pruned in favor of a better beam.
std::vector<Arc> lattice_arcs(const SearchResult& result, int frames) {
    const auto& histories = result.histories;
    const std::vector<int32_t> order = topological_order(result);
    // Forward: probability of all paths to a word, relative to that of the best path. Two prefixes may have pruned each
    // other in different frames, and a prefix its own continuation where words are repeated: edges that would close a
    // cycle are left out.
    std::vector<double> totals(histories.size(), 0.0), before(histories.size(), 1.0), masses(histories.size(), 0.0);
    std::vector<std::vector<std::pair<int32_t, double>>> ratios(histories.size());
    for (const int32_t number : order) {
        const WordHistory& history = histories[number];
        if (history.previous >= 0 && totals[history.previous] > 0) before[number] = totals[history.previous];
        double total = before[number];
        for (const auto& [rival, difference] : history.rivals) {
            if (totals[rival] <= 0) continue;
            ratios[number].emplace_back(rival, std::exp(SCALE * difference) * totals[rival]);
            total += ratios[number].back().second;
        }
        totals[number] = total;
    }
    // Backward: posterior probability of the paths through a word.
    double best = result.beams[0].score, sum = 0.0;
    for (const FinalBeam& beam : result.beams) best = std::max(best, beam.score);
    std::vector<double> weights;
    for (const FinalBeam& beam : result.beams) {
        weights.push_back(std::exp(SCALE * (beam.score - best)) * totals[beam.history]);
        sum += weights.back();
    }
    std::vector<Arc> arcs;
    for (size_t n = 0; n < weights.size(); ++n) {
        const FinalBeam& beam = result.beams[n];
        masses[beam.history] += weights[n] / sum;
        if (beam.part) arcs.push_back({beam.part, {histories[beam.history].end_frame, frames}, weights[n] / sum});
    }
    for (auto number = order.rbegin(); number != order.rend(); ++number) {
        const WordHistory& history = histories[*number];
        if (history.previous < 0) continue;
        const double mass = masses[*number] / totals[*number];
        for (const auto& [rival, ratio] : ratios[*number]) masses[rival] += mass * ratio;
        const double own = mass * before[*number];
        masses[history.previous] += own;
        arcs.push_back({history.word, {histories[history.previous].end_frame, history.end_frame}, own});
    }
    return arcs;
}

// Words by the position that they overlap most; posteriors of equal words are added.
Posteriors assign(const std::vector<Span>& positions, std::vector<Arc> arcs, const SearchResult& result) {
    Posteriors posteriors(positions.size());
    std::stable_sort(arcs.begin(), arcs.end(), [](const Arc& a, const Arc& b) { return a.span.start < b.span.start; });
    size_t first = 0;
    for (const Arc& arc : arcs) {
        while (first + 1 < positions.size() && positions[first].end <= arc.span.start) ++first;
        int nearest = -1;
        double max_overlap = MIN_OVERLAP;
        for (size_t n = first; n < positions.size() && positions[n].start < arc.span.end; ++n) {
            const auto [start, end] = positions[n];
            const double shared = std::min(end, arc.span.end) - std::max(start, arc.span.start);
            const double overlap = shared / (std::max(end, arc.span.end) - std::min(start, arc.span.start));
            if (overlap > max_overlap) {
                nearest = static_cast<int>(n);
                max_overlap = overlap;
            }
        }
        if (nearest >= 0) posteriors[nearest][result.texts[arc.text]] += arc.probability;
    }
    return posteriors;
}

// For each word of the best text the posteriors of all words at its position, itself included.
Posteriors word_posteriors(const SearchResult& result, int frames) {
    const FinalBeam* best = nullptr;
    for (const FinalBeam& beam : result.beams) {
        if (beam.text == result.hypotheses[0].first && (!best || beam.score > best->score)) best = &beam;
    }
    std::vector<Span> spans;
    if (best->part) spans.push_back({result.histories[best->history].end_frame, frames});
    for (int32_t number = best->history; result.histories[number].previous >= 0;) {
        const WordHistory& history = result.histories[number];
        spans.push_back({result.histories[history.previous].end_frame, history.end_frame});
        number = history.previous;
    }
    std::reverse(spans.begin(), spans.end());
    return assign(spans, lattice_arcs(result, frames), result);
}

std::vector<Candidate> select(std::vector<Candidate> candidates) {
    const auto unlikely = [](const Candidate& candidate) { return std::max(candidate.share, candidate.posterior) < MIN_SHARE; };
    candidates.erase(std::remove_if(candidates.begin(), candidates.end(), unlikely), candidates.end());
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        const double first = a.share + a.posterior, second = b.share + b.posterior;
        return first != second ? first > second : a.text < b.text;
    });
    if (candidates.size() > MAX_CANDIDATES) candidates.resize(MAX_CANDIDATES);
    return candidates;
}

std::vector<int> spell(const std::string& word, const Alphabet& alphabet) {
    std::vector<int> labels;
    for (const char letter : word) labels.push_back(alphabet.label(letter));
    return labels;
}

// Frames available to each word: between the last letter before it and the first letter after it.
std::vector<Span> windows(const std::vector<std::string>& words, Frames frames, const Alphabet& alphabet, int margin) {
    std::vector<int> labels;
    for (const std::string& word : words) {
        if (!labels.empty()) labels.push_back(alphabet.space);
        for (const int label : spell(word, alphabet)) labels.push_back(label);
    }
    const std::vector<Peak> letters = find_peaks(frames, labels, alphabet.blank);
    std::vector<Span> spans;
    size_t first = 0;
    for (const std::string& word : words) {
        spans.push_back({letters[first].start, letters[first + word.size() - 1].end});
        first += word.size() + 1;
    }
    std::vector<Span> windows;
    for (size_t n = 0; n < spans.size(); ++n) {
        const int previous_end = n == 0 ? 0 : spans[n - 1].end;
        const int next_start = n + 1 == spans.size() ? frames.count : spans[n + 1].start;
        windows.push_back({std::max(previous_end, spans[n].start - margin), std::min(next_start, spans[n].end + margin)});
    }
    return windows;
}

// Language-model scores of words in place of another one.
class Context {
  public:
    Context(const SearchModel& model, const SearchSettings& settings, const std::vector<std::string>& words, size_t position)
        : model_(*model.language_model), settings_(settings), state_(model_.start()) {
        const size_t count = static_cast<size_t>(model_.order()) - 1;
        for (size_t n = position > count ? position - count : 0; n < position; ++n) model_.score(state_, model_.id(words[n]));
        has_following_ = position + 1 < words.size();
        if (has_following_) following_ = model_.id(words[position + 1]);
    }

    // The word is nullptr if it is not in the lexicon.
    double score(const Lexicon::Word* word) const {
        NgramState state = state_;
        double log10 = model_.score(state, word ? word->id : static_cast<uint32_t>(UNKNOWN_WORD));
        if (has_following_) log10 += model_.score(state, following_);
        if (!word) log10 += settings_.unknown_score;
        return settings_.alpha * NATS_PER_LOG10 * log10;
    }

  private:
    const NgramModel& model_;
    const SearchSettings& settings_;
    NgramState state_;
    bool has_following_ = false;
    uint32_t following_ = UNKNOWN_WORD;
};

const Lexicon::Word* find(const std::string& text, const SearchModel& model) {
    int node = 0;
    for (const char letter : text) {
        node = model.lexicon->child(node, model.alphabet.label(letter));
        if (node < 0) return nullptr;
    }
    const int word = (*model.lexicon)[node].word;
    return word < 0 ? nullptr : &model.lexicon->word(word);
}

ConfusionSlot slot_of(
    Frames frames, const std::vector<std::string>& words, size_t position, std::map<std::string, double> posteriors,
    const SearchModel& model, const SearchSettings& settings, LexiconWorkspace& workspace) {
    const std::string& word = words[position];
    const double posterior = posteriors.count(word) ? std::min(1.0, posteriors[word]) : 0.0;
    posteriors.erase(word);
    if (!model.language_model) {
        std::vector<Candidate> candidates;
        for (const auto& [text, p] : posteriors) candidates.push_back({text, p, 0.0, 0.0, p});
        return {word, posterior, posterior, select(std::move(candidates))};
    }
    const int blank = model.alphabet.blank;
    const std::vector<float> relative = relative_to_pauses(frames, model.alphabet);
    const auto score = [&](const std::string& text) {
        return score_word(relative, frames.labels, blank, spell(text, model.alphabet));
    };
    struct Scored {
        std::string text;
        const Lexicon::Word* word;
        double acoustic, language = 0.0, weight = 0.0;
    };
    std::vector<Scored> scored{{word, find(word, model), score(word)}};
    const auto weight = static_cast<float>(settings.alpha * NATS_PER_LOG10);
    for (const Lexicon::Match& match :
         model.lexicon->n_best(relative, frames.labels, blank, weight, LEXICON_WORDS, workspace)) {
        const Lexicon::Word& known = model.lexicon->word(match.word);
        if (known.text != word) scored.push_back({std::string(known.text), &known, match.score});
    }
    for (const auto& [text, p] : posteriors) {
        const auto same = [&text = text](const Scored& other) { return other.text == text; };
        if (std::none_of(scored.begin(), scored.end(), same)) scored.push_back({text, find(text, model), score(text)});
    }
    const Context context(model, settings, words, position);
    double total = 0.0;
    for (Scored& candidate : scored) {
        candidate.language = context.score(candidate.word);
        const double difference = candidate.acoustic + candidate.language - scored[0].acoustic - scored[0].language;
        candidate.weight = std::exp(std::max(-MAX_EXPONENT, std::min(MAX_EXPONENT, SCALE * difference)));
        total += candidate.weight;
    }
    std::vector<Candidate> candidates;
    for (size_t n = 1; n < scored.size(); ++n) {
        const auto known = posteriors.find(scored[n].text);
        const double p = known == posteriors.end() ? 0.0 : std::min(1.0, known->second);
        candidates.push_back({scored[n].text, p, scored[n].acoustic - scored[0].acoustic,
                              scored[n].language - scored[0].language, scored[n].weight / total});
    }
    return {word, posterior, scored[0].weight / total, select(std::move(candidates))};
}

}  // namespace

std::vector<ConfusionSlot> confusion_slots(
    Frames frames, const SearchResult& result, const SearchModel& model, const SearchSettings& settings, int margin) {
    const std::string& text = result.hypotheses[0].first;
    if (text.empty()) return {};
    std::vector<std::string> words;
    for (size_t first = 0; first <= text.size();) {
        const size_t end = std::min(text.find(' ', first), text.size());
        words.push_back(text.substr(first, end - first));
        first = end + 1;
    }
    const Posteriors posteriors = word_posteriors(result, frames.count);
    const std::vector<Span> spans = windows(words, frames, model.alphabet, margin);
    std::vector<ConfusionSlot> slots;
    LexiconWorkspace workspace;
    for (size_t n = 0; n < words.size(); ++n) {
        const Frames window = frames.slice(spans[n].start, spans[n].end);
        slots.push_back(slot_of(window, words, n, posteriors[n], model, settings, workspace));
    }
    return slots;
}

}  // namespace audiosearch
