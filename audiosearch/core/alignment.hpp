// Forced alignment: the best CTC path (Graves et al. 2006) of a text through all frames.
#pragma once

#include <utility>
#include <vector>

#include "lexicon.hpp"

namespace audiosearch {

// First frame and end frame of each label. There must be at least as many frames as labels and blanks between equal ones.
std::vector<std::pair<int, int>> label_frames(Frames frames, const std::vector<int>& labels, int blank);

}  // namespace audiosearch
