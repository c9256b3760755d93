// The module audiosearch.core._core; _core.pyi has its types.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/operators.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>

#include "alignment.hpp"
#include "alternatives.hpp"
#include "beam_search.hpp"
#include "lstm.hpp"
#include "keyword_scan.hpp"
#include "trigram_keys.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace audiosearch {

namespace {

using LogProbs = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <typename Number, int DIMENSIONS = 1>
using Array = nb::ndarray<Number, nb::ndim<DIMENSIONS>, nb::c_contig, nb::device::cpu>;
using Vector = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Cube = nb::ndarray<const float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using WritableCube = nb::ndarray<float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using ReleaseGil = nb::call_guard<nb::gil_scoped_release>;

Frames frames_of(const LogProbs& log_probs) {
    return {log_probs.data(), static_cast<int>(log_probs.shape(0)), static_cast<int>(log_probs.shape(1))};
}

void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

Entries entries_of(const Array<nb::ro>& entries) {
    const bool narrow = entries.dtype() == nb::dtype<uint8_t>();
    require(narrow || entries.dtype() == nb::dtype<uint16_t>(), "entries must be of type uint8 or uint16");
    return {narrow ? static_cast<const uint8_t*>(entries.data()) : nullptr,
            narrow ? nullptr : static_cast<const uint16_t*>(entries.data()), entries.shape(0)};
}

// A search with everything it reads. Threads may share it.
class Decoder {
  public:
    Decoder(std::vector<std::string> labels, std::shared_ptr<const NgramModel> language_model,
            const std::vector<HotWords::Phrase>& hot_words, double hot_word_weight)
        : alphabet_(std::move(labels)), language_model_(std::move(language_model)), hot_words_(hot_words, hot_word_weight) {
        if (!language_model_) return;
        NgramState unknown = language_model_->start();
        language_model_->score(unknown, UNKNOWN_WORD);
        std::vector<Lexicon::Word> words;
        const auto add = [&](std::string_view word, uint32_t id) {
            NgramState state = unknown;
            words.push_back({word, id, static_cast<float>(language_model_->score(state, id))});
        };
        uint32_t id = FIRST_WORD;
        for (const std::string_view word : language_model_->words()) add(word, id++);
        for (const std::string& word : hot_words_.words()) {
            if (language_model_->id(word) == UNKNOWN_WORD) add(word, UNKNOWN_WORD);
        }
        lexicon_.emplace(std::move(words), alphabet_);
    }

    std::vector<std::pair<std::string, double>> decode(const LogProbs& log_probs, const SearchSettings& settings) const {
        return search(frames_of(log_probs), settings).hypotheses;
    }

    std::tuple<std::string, double, std::vector<ConfusionSlot>> decode_with_alternatives(
        const LogProbs& log_probs, SearchSettings settings, int margin) const {
        settings.prune_history = settings.keep_rivals = true;
        const Frames frames = frames_of(log_probs);
        const SearchResult result = search(frames, settings);
        const auto& [text, score] = result.hypotheses.at(0);
        return {text, score, confusion_slots(frames, result, model(), settings, margin)};
    }

  private:
    SearchModel model() const {
        return {alphabet_, language_model_.get(), lexicon_ ? &*lexicon_ : nullptr, hot_words_};
    }

    SearchResult search(Frames frames, const SearchSettings& settings) const {
        if (frames.labels != static_cast<int>(alphabet_.labels.size()))
            throw std::invalid_argument("the emissions have another number of labels than the alphabet");
        const SearchModel read = model();
        return beam_search(frames, read, settings);
    }

    Alphabet alphabet_;
    std::shared_ptr<const NgramModel> language_model_;
    HotWords hot_words_;
    std::optional<Lexicon> lexicon_;
};

}  // namespace

NB_MODULE(_core, module) {
    nb::set_leak_warnings(false);  // objects may live until the interpreter exits

    nb::class_<NgramState>(module, "NgramState");

    nb::class_<NgramModel>(module, "NgramModel")
        .def(nb::init<const std::string&>(), "path"_a, ReleaseGil())
        .def_prop_ro("order", &NgramModel::order)
        .def_prop_ro("words", &NgramModel::words)
        .def("start", &NgramModel::start)
        .def("score", [](const NgramModel& model, NgramState state, std::string_view word) {
            const double log_prob = model.score(state, model.id(word));
            return std::pair(log_prob, state);
        }, "state"_a, "word"_a)
        .def("score_end", [](const NgramModel& model, NgramState state) { return model.score(state, SENTENCE_END); }, "state"_a);

    nb::class_<SearchSettings>(module, "SearchSettings")
        .def(nb::init<double, double, double, int, double, double, bool>(), "alpha"_a, "beta"_a, "unknown_score"_a,
             "beam_width"_a, "beam_prune_logp"_a, "token_min_logp"_a, "prune_history"_a);

    nb::class_<Candidate>(module, "Candidate")
        .def(nb::init<std::string, double, double, double, double>(), "text"_a, "posterior"_a, "acoustic_score"_a,
             "language_score"_a, "share"_a)
        .def(nb::self == nb::self)
        .def_ro("text", &Candidate::text)
        .def_ro("posterior", &Candidate::posterior)
        .def_ro("acoustic_score", &Candidate::acoustic_score)
        .def_ro("language_score", &Candidate::language_score)
        .def_ro("share", &Candidate::share);

    nb::class_<ConfusionSlot>(module, "ConfusionSlot")
        .def(nb::init<std::string, double, double, std::vector<Candidate>>(), "text"_a, "posterior"_a, "share"_a, "candidates"_a)
        .def(nb::self == nb::self)
        .def_ro("text", &ConfusionSlot::text)
        .def_ro("posterior", &ConfusionSlot::posterior)
        .def_ro("share", &ConfusionSlot::share)
        .def_ro("candidates", &ConfusionSlot::candidates);

    nb::class_<Decoder>(module, "Decoder")
        .def(nb::init<std::vector<std::string>, std::shared_ptr<const NgramModel>, const std::vector<HotWords::Phrase>&, double>(),
             "labels"_a, "language_model"_a.none(), "hot_words"_a, "hot_word_weight"_a)
        .def("decode", &Decoder::decode, "log_probs"_a, "settings"_a, ReleaseGil())
        .def("decode_with_alternatives", &Decoder::decode_with_alternatives, "log_probs"_a, "settings"_a, "margin"_a,
             ReleaseGil());

    nb::class_<Peak>(module, "Peak")
        .def_ro("start", &Peak::start)
        .def_ro("end", &Peak::end)
        .def_ro("log_prob", &Peak::log_prob);

    module.def(
        "find_peaks",
        [](const LogProbs& log_probs, const std::vector<int>& labels, int blank) {
            const Frames frames = frames_of(log_probs);
            const auto known = [&](int label) { return label >= 0 && label < frames.labels; };
            require(known(blank) && std::all_of(labels.begin(), labels.end(), known), "a label is not in the emissions");
            return find_peaks(frames, labels, blank);
        },
        "log_probs"_a, "labels"_a, "blank"_a, ReleaseGil());

    module.def(
        "find_words",
        [](const LogProbs& log_probs, const std::vector<std::vector<int>>& words, int blank, int space, float letter_penalty,
           float word_penalty) {
            const Frames frames = frames_of(log_probs);
            const auto known = [&](int label) { return label >= 0 && label < frames.labels; };
            require(known(blank) && space < frames.labels, "a label is not in the emissions");
            for (const std::vector<int>& word : words)
                require(!word.empty() && std::all_of(word.begin(), word.end(), known), "a label is not in the emissions");
            return find_words(frames, words, blank, space, {letter_penalty, word_penalty});
        },
        "log_probs"_a, "words"_a, "blank"_a, "space"_a, "letter_penalty"_a, "word_penalty"_a, ReleaseGil());

    module.def(
        "scan_keyword",
        [](const Array<nb::ro>& entries, const Array<const int64_t>& starts, const Array<const int64_t>& counts,
           const std::vector<int64_t>& runs, const Array<const int32_t, 2>& table, const Array<const int32_t, 2>& edges,
           const Array<const int32_t>& skips, const Array<const int32_t>& losses, std::pair<int, int> boundaries,
           int length, int min_score) {
            const size_t labels = table.shape(0), width = table.shape(1);
            require(starts.shape(0) == counts.shape(0), "starts and counts must have the same length");
            require(edges.shape(0) == labels && edges.shape(1) == 2 && skips.shape(0) == width && losses.shape(0) == 8,
                    "the tables of a keyword have a wrong size");
            const int32_t limits[] = {boundaries.first, boundaries.second};
            const Pieces pieces{starts.data(), counts.data(), static_cast<int64_t>(starts.shape(0))};
            const KeywordTables tables{table.data(), edges.data(), skips.data(), losses.data(), limits,
                                       static_cast<int>(labels), static_cast<int>(width), length, min_score};
            std::vector<std::tuple<int64_t, int64_t, int64_t, int>> hits;
            for (const Hit& hit : scan_keyword(entries_of(entries), pieces, runs, tables))
                hits.emplace_back(hit.run, hit.first, hit.end, hit.score);
            return hits;
        },
        "entries"_a, "starts"_a, "counts"_a, "runs"_a, "table"_a, "edges"_a, "skips"_a, "losses"_a, "boundaries"_a,
        "length"_a, "min_score"_a, ReleaseGil());

    module.def(
        "mark_keys",
        [](const Array<const uint8_t>& entries, int64_t count, const Array<const int32_t>& losses, int32_t max_loss,
           const Array<bool>& marked) {
            require(count >= 0, "the number of frames is below 0");
            require(losses.shape(0) == 8 && marked.shape(0) == KEYS, "losses or keys have a wrong size");
            mark_keys(entries.data(), entries.shape(0), static_cast<size_t>(count), losses.data(), max_loss, marked.data());
        },
        "entries"_a, "count"_a, "losses"_a, "max_loss"_a, "marked"_a.noconvert(), ReleaseGil());

    module.def(
        "add_rarities",
        [](const Array<const uint8_t>& postings, const Array<const int64_t>& ends, const Array<const int64_t, 2>& owners,
           const Array<const float>& rarities, size_t bitmap_size, const Array<float>& scores) {
            require(owners.shape(0) == ends.shape(0) && owners.shape(1) == 2, "posting lists have a wrong size");
            const Postings lists{postings.data(), postings.shape(0), ends.data(), owners.data(), ends.shape(0), bitmap_size};
            add_rarities(lists, rarities.data(), rarities.shape(0), scores.data(), scores.shape(0));
        },
        "postings"_a, "ends"_a, "owners"_a, "rarities"_a, "bitmap_size"_a, "scores"_a.noconvert(), ReleaseGil());

    nb::class_<QuantizedLstm>(module, "QuantizedLstm")
        .def("__init__",
             [](QuantizedLstm* self, const Matrix& input_weights, const Matrix& hidden_weights, const Vector& bias) {
                 const auto inputs = static_cast<int>(input_weights.shape(1));
                 const auto hidden = static_cast<int>(hidden_weights.shape(1));
                 const size_t gates = 4 * hidden_weights.shape(1);
                 if (input_weights.shape(0) != gates || hidden_weights.shape(0) != gates || bias.shape(0) != gates)
                     throw std::invalid_argument("weights and bias must have four rows for each hidden unit");
                 new (self) QuantizedLstm(input_weights.data(), hidden_weights.data(), bias.data(), inputs, hidden);
             },
             "input_weights"_a, "hidden_weights"_a, "bias"_a)
        .def("run",
             [](const QuantizedLstm& lstm, const Cube& inputs, WritableCube outputs) {
                 if (static_cast<int>(inputs.shape(2)) != lstm.inputs() || inputs.shape(0) != outputs.shape(0) ||
                     inputs.shape(1) != outputs.shape(1) || static_cast<int>(outputs.shape(2)) != lstm.hidden())
                     throw std::invalid_argument("inputs and outputs must fit each other and the weights");
                 lstm.run(inputs.data(), static_cast<int>(inputs.shape(0)), static_cast<int>(inputs.shape(1)), outputs.data());
             },
             "inputs"_a, "outputs"_a.noconvert(), ReleaseGil());

    module.def("has_integer_products", &has_integer_products);
}

}  // namespace audiosearch
