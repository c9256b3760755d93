"""DeepSpeech: one convolution over spectrogram frames, recurrent layers, CTC labels.

Hannun et al. 2014 (arXiv:1412.5567) and Amodei et al. 2016 (arXiv:1512.02595), with the sizes of Deepgram's Kur
speech recipe: a convolution of 1000 kernels, width 11, stride 2; three recurrent layers of 1000 units.

Legend: B batch, T frames, T' frames after the stride, F bins, C channels, H hidden, V labels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audiosearch.config import ModelConfig


class RecurrentLayer(nn.Module):
    """One LSTM or GRU layer; with two directions, their outputs are summed (Amodei et al. 2016, eq. 4).

    The backward direction reads every utterance reversed within its own length. This needs no packing, for which
    cuDNN and oneDNN have no fast kernels, and no output depends on the padding.
    """

    def __init__(self, inputs: int, config: ModelConfig, initialize: bool = True) -> None:
        super().__init__()
        cell: type[nn.LSTM | nn.GRU] = nn.LSTM if config.cell == "lstm" else nn.GRU
        self.norm = nn.LayerNorm(inputs) if config.norm == "layer" else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.forwards = cell(inputs, config.hidden, batch_first=True)
        self.backwards = cell(inputs, config.hidden, batch_first=True) if config.bidirectional else None
        for direction in (self.forwards, self.backwards):
            if direction is not None and initialize:
                _initialize(direction)

    def forward(self, x: Tensor, reverse: Tensor) -> Tensor:
        """Outputs [B, T', H] of inputs [B, T', C]; ``reverse`` [B·T'] comes from ``reversal``."""
        x = self.dropout(self.norm(x))
        y: Tensor = self.forwards(x)[0]
        if self.backwards is not None:
            z: Tensor = self.backwards(_gather_frames(x, reverse))[0]
            y = y + _gather_frames(z, reverse)
        return y


class DeepSpeech(nn.Module):
    """Label log-probabilities of spectrogram frames.

    Args:
        config: the network's section of the settings.
        bins: values of one spectrogram frame, F.
        labels: outputs, V, the blank included.
        initialize: draw initial weights, which takes seconds; False if weights are loaded afterwards.
    """

    def __init__(self, config: ModelConfig, bins: int, labels: int, *, initialize: bool = True) -> None:
        super().__init__()
        self.config = config
        self.stride = config.conv_stride
        # Output t' sees width inputs from t'·stride - left on. With this padding their middle is the middle of the
        # stride inputs it stands for (half a frame early for even strides), and there are ⌈T / stride⌉ outputs:
        #   left = (width-1)//2 - (stride-1)//2,   right = width - 1 - left
        self.left = max((config.conv_width - 1) // 2 - (config.conv_stride - 1) // 2, 0)
        self.right = config.conv_width - 1 - self.left
        self.conv = nn.Conv1d(bins, config.conv_channels, config.conv_width, stride=config.conv_stride)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]
        sizes = [config.conv_channels] + [config.hidden] * (config.layers - 1)
        self.recurrent = nn.ModuleList(RecurrentLayer(size, config, initialize) for size in sizes)
        self.norm = nn.LayerNorm(config.hidden) if config.norm == "layer" else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden, labels)

    @property
    def center_offset(self) -> float:
        """Offset in spectrogram frames from the middle of an output's stride to the middle of its receptive field."""
        middle = (self.config.conv_width - 1) / 2 - self.left
        return middle - (self.stride - 1) / 2

    def frames(self, lengths: Tensor) -> Tensor:
        """Number of frames T' after the stride, of T frames."""
        return torch.div(lengths + self.stride - 1, self.stride, rounding_mode="floor")

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Label log-probabilities of padded features, in training and evaluation alike.

        Args:
            x: features [B, T, F], zero past each length.
            lengths: frames of each utterance [B].

        Returns:
            log-probs [B, T', V], float32, and lengths [B] after the stride.
        """
        x = nn.functional.pad(x.transpose(1, 2), (self.left, self.right))  # [B, T, F] → [B, F, left + T + right]
        x = torch.relu(self.conv(x)).transpose(1, 2)  # [B, C, T'] → [B, T', C]
        lengths = self.frames(lengths)
        reverse = reversal(lengths, x.shape[1])
        for layer in self.recurrent:
            x = layer(x, reverse)
        logits = self.output(self.dropout(self.norm(x)))
        return logits.float().log_softmax(2), lengths


def reversal(lengths: Tensor, total: int) -> Tensor:
    """Indices [B·T'] into the flattened frames of a batch that reverse each utterance within its length."""
    time = torch.arange(total, device=lengths.device)
    back = lengths[:, None] - 1 - time
    first = total * torch.arange(len(lengths), device=lengths.device)
    return (torch.where(back >= 0, back, time) + first[:, None]).flatten()


def _gather_frames(x: Tensor, indices: Tensor) -> Tensor:
    """Frames of x [B, T', C] in the order of the indices [B·T']; four times as fast as torch.gather."""
    return x.flatten(0, 1).index_select(0, indices).view_as(x)


def _initialize(cell: nn.LSTM | nn.GRU) -> None:
    """Initialize with Glorot input weights, orthogonal recurrent weights, and a forget-gate bias of 1."""
    for name, parameter in cell.named_parameters():
        if name.startswith("weight_ih"):
            for gate in torch.split(parameter.data, cell.hidden_size):
                nn.init.xavier_uniform_(gate)
        elif name.startswith("weight_hh"):
            for gate in torch.split(parameter.data, cell.hidden_size):
                nn.init.orthogonal_(gate)
        else:
            nn.init.zeros_(parameter)
            if isinstance(cell, nn.LSTM) and name.startswith("bias_ih"):
                parameter.data[cell.hidden_size : 2 * cell.hidden_size] = 1.0
