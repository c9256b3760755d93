"""Typed settings: defaults in code, then recipes in ``configs/*.yaml``, then ``--set section.key=value``.

Sections are frozen and reject unknown keys. A class receives its own sections. Only a training run, its ``Trainer``
and its ``TrainStep`` receive the whole ``Config``: a step uses five sections, and checkpoints store all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from audiosearch.errors import ConfigError, did_you_mean, reason_of


class Section(BaseModel):
    """A frozen group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FeaturesConfig(Section):
    """Spectrogram features."""

    sample_rate: int = Field(16000, ge=4000, le=48000)  # Hz, of the network's input
    kind: Literal["log-mel", "log-spectrogram"] = "log-mel"
    window_ms: float = Field(25.0, gt=0, le=100)  # Hann window
    hop_ms: float = Field(10.0, gt=0, le=50)  # time between frames
    mel_bins: int = Field(80, ge=8, le=256)  # only for log-mel
    low_hz: float = Field(20.0, ge=0)  # lower edge of the lowest mel band
    high_hz: float = Field(7600.0, gt=0)  # upper edge of the highest mel band
    normalization: Literal["utterance", "none"] = Field(  # mean 0, variance 1 of each bin
        "utterance",
        validation_alias=AliasChoices("normalization", "normalisation"),  # spelling in models before 0.1
    )

    @property
    def window_length(self) -> int:
        """Samples of one window."""
        return round(self.sample_rate * self.window_ms / 1000)

    @property
    def hop_length(self) -> int:
        """Samples between frames."""
        return round(self.sample_rate * self.hop_ms / 1000)

    @property
    def bins(self) -> int:
        """Values of one frame, F."""
        return self.mel_bins if self.kind == "log-mel" else self.window_length // 2 + 1

    @model_validator(mode="after")
    def _bands_fit(self) -> FeaturesConfig:
        if self.high_hz > self.sample_rate / 2 or self.low_hz >= self.high_hz:
            raise ValueError("low_hz must be below high_hz, and high_hz at most half the sample_rate")
        return self


class ModelConfig(Section):
    """Network; by default of the size of the Kur speech recipe."""

    conv_channels: int = Field(1000, ge=1)  # kernels of the convolution
    conv_width: int = Field(11, ge=1)  # spectrogram frames of a kernel
    conv_stride: int = Field(2, ge=1)  # spectrogram frames for each emission frame
    cell: Literal["lstm", "gru"] = "lstm"
    bidirectional: bool = True  # outputs of both directions are summed
    hidden: int = Field(1000, ge=1)  # cells of a recurrent layer, in each direction
    layers: int = Field(3, ge=1)  # recurrent layers
    norm: Literal["layer", "none"] = "layer"  # before each recurrent layer and the output
    dropout: float = Field(0.1, ge=0, lt=1)  # before each recurrent layer and the output

    @model_validator(mode="after")
    def _stride_fits(self) -> ModelConfig:
        if self.conv_stride > self.conv_width:
            raise ValueError("conv_stride must not exceed conv_width, or frames would be skipped")
        return self


class DataConfig(Section):
    """Training and validation data."""

    train: tuple[str, ...] = ()  # manifests, relative to the working directory
    valid: tuple[str, ...] = ()  # manifests for validation
    cache: str | None = None  # folder of the 16-bit PCM cache; default: beside the run's checkpoints
    min_seconds: float = Field(0.3, ge=0)  # shorter utterances are left out
    max_seconds: float = Field(30.0, gt=0)  # longer utterances are left out


class AugmentConfig(Section):
    """Random changes to training utterances; a probability of 0 switches one off."""

    speed_probability: float = Field(0.5, ge=0, le=1)
    speed: tuple[float, float] = (0.9, 1.1)  # resampling factor, changes pitch too
    warp_probability: float = Field(0.5, ge=0, le=1)
    warp: tuple[float, float] = (0.9, 1.1)  # factor of frequencies, as of vocal tract lengths; tempo is kept
    gain_db: tuple[float, float] = (-10.0, 5.0)  # range of the gain of each utterance
    noise: tuple[str, ...] = ()  # folders of recordings mixed in
    noise_probability: float = Field(0.4, ge=0, le=1)
    noise_snr_db: tuple[float, float] = (3.0, 30.0)
    rooms: tuple[str, ...] = ()  # folders of impulse responses
    room_probability: float = Field(0.2, ge=0, le=1)
    band_limit_probability: float = Field(0.1, ge=0, le=1)
    band_limit_hz: tuple[float, float] = (2500.0, 6500.0)  # cutoff of the low-pass, as of telephones and old tapes
    silence_probability: float = Field(0.2, ge=0, le=1)
    silence_seconds: tuple[float, float] = (0.0, 2.0)  # silence added before and after
    time_masks: int = Field(2, ge=0)  # SpecAugment, Park et al. 2019
    time_mask_seconds: float = Field(0.3, ge=0)  # maximum length of a time mask
    frequency_masks: int = Field(2, ge=0)
    frequency_mask_fraction: float = Field(0.2, ge=0, le=1)  # maximum width of a mask, of all bins

    @model_validator(mode="after")
    def _factors_are_positive(self) -> AugmentConfig:
        if min(*self.speed, *self.warp) <= 0:
            raise ValueError("speed and warp are factors, which must be above 0")
        return self


class OptimConfig(Section):
    """AdamW (Loshchilov & Hutter 2019) with warm-up and decay."""

    lr: float = Field(5e-4, gt=0)  # peak learning rate
    weight_decay: float = Field(1e-2, ge=0)
    betas: tuple[float, float] = (0.9, 0.98)
    warmup_steps: int = Field(500, ge=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"  # decay after the warm-up
    final_lr_fraction: float = Field(0.02, ge=0, le=1)  # of the peak, at the last step
    clip_norm: float = Field(1.0, gt=0)  # gradients are scaled down to this norm
    ema_decay: float = Field(0.999, ge=0, lt=1)  # moving average of the weights, which is validated and saved; 0: off


class TrainerConfig(Section):
    """Training loop."""

    seed: int = 1
    epochs: int = Field(20, ge=1)
    batch_seconds: float = Field(320.0, gt=0)  # padded audio in one batch, on one device
    sortagrad: bool = True  # first epoch from short to long, Amodei et al. 2016
    device: Literal["auto", "cpu", "cuda"] = "auto"  # auto: a GPU if there is one
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 on a GPU, fp32 on a CPU
    workers: int = Field(1, ge=0)  # threads that prefetch from the cache; augmentation runs on the device
    validate_every: int = Field(500, ge=1)  # steps
    validate_seconds: float = Field(3600.0, gt=0)  # maximum duration of validation audio
    save_every_minutes: float = Field(5.0, gt=0)
    log_every: int = Field(10, ge=1)  # steps
    samples: int = Field(3, ge=0)  # pairs of reference and prediction shown at a validation
    max_skipped: int = Field(20, ge=1)  # consecutive steps with a non-finite loss before training stops


class DecoderConfig(Section):
    """Beam search with a language model (Hannun et al. 2014)."""

    engine: Literal["builtin", "pyctcdecode"] = "builtin"  # pyctcdecode is slower and has no hot words
    alpha: float = Field(0.5, ge=0)  # weight of the language model
    beta: float = 1.0  # bonus for each word
    unknown_score: float = Field(-10.0, le=0)  # log10 penalty of a word outside the word list
    beam_width: int = Field(64, ge=1)  # beams kept in each frame; more are slower and slightly more accurate
    beam_prune_logp: float = Field(-10.0, le=0)  # beams that score lower than the best by more are pruned
    token_min_logp: float = Field(-5.0, le=0)  # less likely labels are not expanded
    label_priors: tuple[float, ...] = ()  # mean posterior of each label in speech; (): unknown
    prior_weight: float = Field(0.3, ge=0, le=1)  # exponent of the label priors (Miao et al. 2015); 0: off
    hotword_weight: float = Field(0.75, ge=0)  # bonus of each letter of a hot word, in nats
    threads: int = Field(0, ge=0)  # 0: one for each core

    @model_validator(mode="before")
    @classmethod
    def _processes_are_threads(cls, settings: Any) -> Any:
        """Models trained before version 0.2 hold the number of threads as ``processes``."""
        if isinstance(settings, dict) and "processes" in settings:
            settings = dict(settings)
            settings.setdefault("threads", settings.pop("processes"))
        return settings

    @model_validator(mode="after")
    def _priors_are_probabilities(self) -> DecoderConfig:
        if not all(0 < prior <= 1 for prior in self.label_priors):
            raise ValueError("label_priors must be probabilities, none of them 0")
        return self


class WindowConfig(Section):
    """Windows and segments of long recordings."""

    seconds: float = Field(30.0, gt=0)  # length of one window
    overlap_seconds: float = Field(2.0, ge=0)  # of neighboring windows; the seam lies in it
    batch: int = Field(16, ge=1)  # windows in one batch
    pause_seconds: float = Field(0.4, gt=0)  # minimum silence between segments
    max_decode_seconds: float = Field(30.0, gt=0)  # maximum length of a segment
    silence_dbfs: float = -70.0  # windows without a louder sample skip the network
    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"  # auto: the fastest of the device

    @model_validator(mode="after")
    def _windows_advance(self) -> WindowConfig:
        if self.overlap_seconds * 2 > self.seconds:
            raise ValueError("overlap_seconds must be at most half of seconds")
        return self


class Config(Section):
    """All settings."""

    features: FeaturesConfig = FeaturesConfig()
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    optim: OptimConfig = OptimConfig()
    trainer: TrainerConfig = TrainerConfig()
    decoder: DecoderConfig = DecoderConfig()
    window: WindowConfig = WindowConfig()


def load_config(path: str | Path | None = None, overrides: Mapping[str, object] = MappingProxyType({})) -> Config:
    """Read settings from a YAML file and apply overrides.

    Args:
        path: None: the defaults.
        overrides: values by ``section.key``, such as ``{"optim.lr": 1e-4}``.

    Raises:
        ConfigError: the file cannot be read, or a key or value is invalid.
    """
    settings: dict[str, dict[str, object]] = {}
    if path is not None:
        settings = read_yaml(Path(path))
    for key, value in overrides.items():
        section, _, name = key.partition(".")
        settings[section] = {**(settings.get(section) or {}), name: value}
    return parse_config(settings, source=str(path) if path is not None else "--set")


def parse_overrides(arguments: Iterable[str]) -> dict[str, object]:
    """Parse ``section.key=value`` arguments; each value is YAML.

    Raises:
        ConfigError: an argument has another form.
    """
    overrides: dict[str, object] = {}
    for argument in arguments:
        key, separator, value = argument.partition("=")
        section, dot, name = key.strip().partition(".")
        if not separator or not dot:
            raise ConfigError(f"--set {argument}: write section.key=value, for instance optim.lr=1e-4.")
        try:
            overrides[f"{section}.{name}"] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {argument}: the value is not valid YAML.") from error
    return overrides


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of settings, grouped in sections."""
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the path of a YAML recipe.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid YAML ({reason_of(error)}).") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict) or not all(isinstance(v, dict | None) for v in settings.values()):
        raise ConfigError(f"{path}: must contain sections of settings, such as 'optim:' with 'lr: 1e-4' under it.")
    return {section: values or {} for section, values in settings.items()}


def parse_config(settings: Mapping[str, Any], source: str) -> Config:
    """Validate a plain mapping; ``source`` is named in errors."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{source}: there is no setting {where}{_alternatives(first['loc'])}") from error
        raise ConfigError(f"{source}: {where}: {first['msg']} (given: {first['input']!r}).") from error


def _alternatives(location: tuple[int | str, ...]) -> str:
    """Names that exist in a section, as the end of an error message."""
    if len(location) == 1:
        return _named("sections are", Config.model_fields, str(location[0]))
    section = Config.model_fields[str(location[0])].annotation
    assert isinstance(section, type)
    assert issubclass(section, BaseModel)
    return _named(f"{location[0]} has", section.model_fields, str(location[-1]))


def _named(sentence: str, known: Iterable[str], wrong: str) -> str:
    return f"; {sentence} {', '.join(known)}.{did_you_mean(wrong, known)}"
