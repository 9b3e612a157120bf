"""The sections of a study file as frozen values, and what they must fulfil together."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints, field_validator

from tuner.spec.metric import Metric, find_metric
from tuner.spec.space import Choices, Constant, Domain, Range, parse_space

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Kind = Literal["forecast", "classify", "regress"]
Scheme = Literal["blocked", "walk_forward", "series"]
MOST_ROWS = 1_000_000
# Known trials before the pruner `rungs` judges one, and complete ones before `median` does.
LEAST_KNOWN, LEAST_COMPLETE = 7, 5


class Section(BaseModel):
    """A section; `given` is what a key of it names, where that came from Python."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    _given: Any = PrivateAttr(None)

    given = property(lambda self: self._given)

    def with_given(self, value: Any) -> Self:  # noqa: ANN401 (whatever the user has)
        section = self.model_copy()
        section._given = value
        return section


class StudySection(Section):
    """The metric (of samples any of scikit-learn's, too), the length and the seed of a search.

    Rows are flagged from the threshold on with the greatest F1, with the greatest recall at `min_precision`, or that
    flags a share `flag_share` of normal operation.
    """

    name: Name
    seed: int = Field(default=0, ge=0, lt=2**63)
    trials: int = Field(default=50, ge=1, le=1_000_000)
    metric: str = "loss"
    min_precision: float | None = Field(default=None, gt=0, le=1)
    flag_share: float | None = Field(default=None, gt=0, lt=1)

    @property
    def flagging(self) -> "Flagging":
        return Flagging(self.min_precision, self.flag_share)


class Reading(Section):
    """How text files are read: what their values do not tell by themselves, as told or as found.

    Attributes:
        decimal: the decimal mark.
        delimiter: what divides the values of a line.
        dates: the order in dates that allow both.
        missing_marks: values that mean missing, besides the usual words for it.
        names: of the columns of a file that has none.
        encoding: of a text that does not tell by itself.
    """

    decimal: Literal[".", ","] | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    dates: Literal["day-first", "month-first"] | None = None
    missing_marks: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = Field(default=None, min_length=1)
    encoding: str | None = None


NOTHING_TOLD = Reading()


@dataclass(frozen=True)
class Flagging:
    """The rule for a threshold: the greatest F1, the greatest recall at a precision, or a share of rows."""

    min_precision: float | None = None
    share: float | None = None


class DataSection(Reading):
    """The source of the series, how its files are read, and the columns by their part.

    `time` holds the parts of a time that is spread over several columns; it is empty where rows are evenly spaced.
    """

    source: str | None = None
    path: str | None = None
    time: tuple[str, ...] | None = None
    features: tuple[str, ...] | None = Field(default=None, min_length=1)
    target: tuple[str, ...] | None = Field(default=None, min_length=1)
    label: str | None = None
    anomalous: tuple[str, ...] | None = Field(default=None, min_length=1)
    series: str | None = None
    every: str | None = Field(default=None, min_length=1)
    max_gap: float = Field(default=10.0, gt=1)
    missing: Literal["refuse", "interpolate"] = "refuse"

    @field_validator("features", "target", "anomalous", "missing_marks", "names", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:  # noqa: ANN401 (raw TOML value)
        if isinstance(value, str):
            return (value,)
        return tuple(value) if isinstance(value, list) else value

    @field_validator("time", mode="before")
    @classmethod
    def _parts(cls, value: Any) -> Any:  # noqa: ANN401 (raw TOML value)
        return () if value == "" else cls._one_or_many(value)

    @property
    def reading(self) -> Reading:
        return Reading(**{key: getattr(self, key) for key in Reading.model_fields})


class ModelSection(Section):
    """The network: ours, of LSTM or GRU cells, or a class of one's own with constants for it.

    `class` is "file.py:Class", from the study file's folder, or "package.module:Class"; a study notes the hash of that
    file as `sha256` when it begins.
    """

    cell: Literal["lstm", "gru"] = "lstm"
    own: str | None = Field(default=None, alias="class")
    args: dict[str, Any] = Field(default_factory=dict)
    sha256: str | None = None


class TaskSection(Section):
    """The network's task: the row `horizon` steps ahead, or a verdict on the window's last row.

    Of samples, sequences that have an answer each, it is their class (`classify`) or value (`regress`). With
    `difference`, a forecast is of the change since the window's last row. Windows begin every `stride` rows.
    Without `scale`, samples stay in the units they come in.
    """

    kind: Kind = "forecast"
    window: int = Field(default=32, ge=1, le=MOST_ROWS)
    horizon: int | None = Field(default=None, ge=0, le=MOST_ROWS)
    difference: bool = False
    stride: int = Field(default=1, ge=1, le=MOST_ROWS)
    scale: bool = True

    @property
    def ahead(self) -> int:
        """Rows between the window's last row and the row it answers."""
        return (self.horizon if self.horizon is not None else 1) if self.kind == "forecast" else 0


class CvSection(Section):
    """The split of the rows; `embargo` in rows, `holdout` as a share."""

    scheme: Scheme = "blocked"
    folds: int = Field(default=5, ge=2, le=100)
    embargo: int = Field(default=0, ge=0, le=MOST_ROWS)
    holdout: float = Field(default=0.2, ge=0, lt=1)


Epochs = Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"]


class TrainSection(Section):
    """The training of one network; `patience` in epochs, `clip` bounds the gradient's norm.

    "auto" is resolved when the study begins: as many epochs as make up so many steps. `loss` is one from Python.
    """

    max_epochs: Epochs = "auto"
    patience: Epochs = "auto"
    optimizer: Literal["adamw", "adam"] = "adamw"
    clip: float = Field(default=1.0, gt=0)
    loss: str | None = None
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"

    @property
    def epochs(self) -> int:
        """`max_epochs`, once it is resolved."""
        assert self.max_epochs != "auto"  # noqa: S101 (resolved before any training)
        return self.max_epochs

    @property
    def epochs_waited(self) -> int:
        """`patience`, once it is resolved."""
        assert self.patience != "auto"  # noqa: S101 (resolved before any training)
        return self.patience


@dataclass(frozen=True)
class Precision:
    """The arithmetic of a study's networks, resolved once when it begins, as it changes results.

    Attributes:
        bf16_from: hidden size from which on networks train in bfloat16; None for never.
        device: where, as torch calls it.
    """

    bf16_from: int | None = None
    device: str = "cpu"

    def is_bf16(self, hidden_size: int) -> bool:
        """True where a network of this size trains in bfloat16 rather than float32."""
        return self.bf16_from is not None and hidden_size >= self.bf16_from


FLOAT32 = Precision()


class SearchSection(Section):
    """The choice and pruning of trials, and the number of finalists with their repeats before one is named."""

    sampler: Literal["auto", "gp", "tpe", "random"] = "auto"
    pruner: Literal["rungs", "median", "none"] = "rungs"
    lag: int = Field(default=4, ge=1, le=1024)
    finalists: int = Field(default=5, ge=1, le=1000)
    repeats: int = Field(default=2, ge=0, le=100)

    @field_validator("pruner", mode="before")
    @classmethod
    def _by_epoch(cls, value: Any) -> Any:  # noqa: ANN401 (raw TOML value)
        if value == "wilcoxon":
            # as steps, epochs would be taken for independent samples of the final score
            raise ValueError("compares samples, which epochs are not: it should be 'rungs', 'median' or 'none'")
        return value


class Spec(Section):
    """A study file, validated; two equal Specs on equal data give equal studies."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    study: StudySection
    data: DataSection
    model: ModelSection = ModelSection()
    task: TaskSection = TaskSection()
    cv: CvSection = CvSection()
    train: TrainSection = TrainSection()
    search: SearchSection = SearchSection()
    space: dict[str, Domain] = Field(default_factory=lambda: parse_space({}))

    @property
    def metric(self) -> Metric:
        return find_metric(self.study.metric)

    @property
    def on_samples(self) -> bool:
        """Whether sequences have an answer each; else windows are cut from series."""
        return str(self.data.path).endswith(".npz")

    @property
    def from_python(self) -> bool:
        """Whether it names something that no file holds, so that no command can train it."""
        names = (self.study.metric, self.train.loss or "")
        return (self.model.own or "").startswith("__main__:") or any("@" in name for name in names)

    @property
    def is_given(self) -> bool:
        """True where something that it names was given from Python."""
        return any(section.given is not None for section in (self.study, self.model, self.train))

    @property
    def data_paths(self) -> str:
        """The name of the data in messages."""
        return self.data.path or f"source {self.data.source}"

    def to_dict(self) -> dict[str, Any]:
        """The Spec as plain values, for TOML and JSON; `read_spec_dict` reads it back. Keys without a value are out."""
        sections = self.model_dump(exclude={"space"}, exclude_none=True, by_alias=True)
        for section in sections.values():
            section.update({key: list(value) for key, value in section.items() if isinstance(value, tuple)})
        return sections | {"space": {name: _line(domain) for name, domain in self.space.items()}}


def _line(domain: Domain) -> Any:  # noqa: ANN401 (TOML value)
    match domain:
        case Constant():
            return domain.value
        case Range():
            line: dict[str, Any] = {"low": domain.low, "high": domain.high, "default": domain.default}
            if domain.log:
                line["log"] = True
            return line if domain.step is None else line | {"step": domain.step}
        case Choices():
            return {"choices": list(domain.choices), "default": domain.default}
