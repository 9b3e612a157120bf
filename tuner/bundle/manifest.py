"""The description of a bundle: `manifest.json` as validated, frozen values."""

import json
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tuner.bundle.rarity import Rarity
from tuner.data.folds import Scaling
from tuner.errors import UserError
from tuner.loading.chunks import Wanted
from tuner.spec.sections import ModelSection, Reading, TaskSection

FORMAT: Literal[2] = 2
MANIFEST = "manifest.json"
# The hint where a bundle is damaged.
AGAIN = "copy it anew, or write it again with `python -m tuner.export --study NAME --bundle DIR`"


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Columns(Part):
    """The data's columns; `time` is empty where rows are evenly spaced.

    `step` is the usual one from row to row, in nanoseconds if the time is `dated`; rows are put together by `every`.
    `lowest` and `highest` are the ends of each feature's range in training; bundles of before have none.
    """

    time: tuple[str, ...]
    dated: bool
    step: float = Field(gt=0)
    max_gap: float = Field(gt=0)
    every: str | None = None
    features: tuple[str, ...] = Field(min_length=1)
    targets: tuple[str, ...]
    lowest: tuple[float, ...] = ()
    highest: tuple[float, ...] = ()


class Networks(Part):
    """The networks, all of one shape, the mean of which counts; their tensors are called `NUMBER.NAME`, from 0 on.

    Dropout does not act any more, but a class of one's own may build its layers by it.
    """

    count: int = Field(ge=1, le=1000)
    hidden_size: int = Field(ge=1, le=4096)
    num_layers: int = Field(ge=1, le=16)
    normalization: Literal["none", "batch", "layer"]
    dropout: float = Field(default=0.0, ge=0, lt=1)
    model: ModelSection = ModelSection()


class Described(Part):
    """What every bundle says: its networks, the scaling around them, and where it comes from, which scoring ignores."""

    format: Literal[2] = FORMAT
    study: dict[str, Any]
    task: TaskSection
    features: Scaling
    targets: Scaling | None
    networks: Networks
    scores: dict[str, Any]
    holdout: dict[str, Any] | None
    data: dict[str, Any]
    versions: dict[str, str]


class SampleManifest(Described):
    """A bundle of networks that answer samples, but for its weights; `classes` is empty where answers are values."""

    classes: tuple[str, ...]

    @model_validator(mode="after")
    def _fit_together(self) -> "SampleManifest":
        scalings = [scaling for scaling in (self.features, self.targets) if scaling is not None]
        widths = all(0 < len(scaling.mean) == len(scaling.deviation) for scaling in scalings)
        positive = all(value > 0 for scaling in scalings for value in scaling.deviation)
        if not (widths and positive and (self.targets is None) == (len(self.classes) > 1)):
            raise ValueError("its parts do not fit together")
        return self

    @property
    def outputs(self) -> int:
        """Columns that each network gives out."""
        return len(self.classes) if self.targets is None else len(self.targets.mean)


class Manifest(Described):
    """A bundle of networks that answer rows of series, but for its weights.

    `residual` is the unit of forecast errors, one a target; `threshold` lies on the scale of `rarity`, which was fitted
    on so many `rows` out of fold.
    """

    reading: Reading = Reading()
    columns: Columns
    residual: tuple[float, ...] | None
    threshold: float | None
    rows: int = Field(ge=1)
    rarity: Rarity

    @model_validator(mode="after")
    def _fit_together(self) -> "Manifest":
        names, rarity, is_forecast = self.columns, self.rarity, self.task.kind == "forecast"
        widths = [(self.features.mean, names.features), (self.features.deviation, names.features)]
        widths += [(part, names.features) for part in (names.lowest, names.highest) if part]
        if self.targets is not None and self.residual is not None:
            parts = (self.targets.mean, self.targets.deviation, self.residual)
            widths += [(part, names.targets) for part in parts]
        present = {self.targets is not None, self.residual is not None, len(names.targets) > 0, self.task.ahead > 0}
        positive = (*self.features.deviation, *(self.targets.deviation if self.targets else ()), *(self.residual or ()))
        fits = [
            present == {is_forecast},
            all(len(values) == len(columns) for values, columns in widths),
            len(rarity.raw) == len(rarity.score) > 0,
            all(one < other for part in (rarity.raw, rarity.score) for one, other in pairwise(part)),
            all(value > 0 for value in (*positive, rarity.tail)),
        ]
        if not all(fits):
            raise ValueError("its parts do not fit together")
        return self

    @property
    def outputs(self) -> int:
        """Columns that each network gives out."""
        return len(self.columns.targets) or 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of an exported network's rows: the features, then the targets that are not among them."""
        columns = self.columns
        return (*columns.features, *(name for name in columns.targets if name not in columns.features))

    @property
    def flag_share(self) -> float | None:
        """The share of the out-of-fold scores from the threshold on."""
        return None if self.threshold is None else min(1.0, 10.0**-self.threshold)

    @property
    def target_inputs(self) -> list[int]:
        """The places of the targets among `inputs`."""
        return [self.inputs.index(name) for name in self.columns.targets]

    @property
    def wanted(self) -> Wanted:
        """The columns to read from data: targets only where they are there, unless a forecast starts from them."""
        columns = self.columns
        return Wanted(columns.time, columns.dated, columns.features, columns.targets, not self.task.difference)


def parse_manifest(values: dict[str, Any], where: str) -> Manifest | SampleManifest:
    """The manifest of these plain values.

    Raises:
        UserError: they make no sense.
    """
    kind = SampleManifest if "classes" in values else Manifest
    try:
        return kind.model_validate_json(json.dumps(values))
    except ValidationError as error:
        detail = error.errors()[0]
        at = ".".join(map(str, detail["loc"]))
        raise UserError(f"{at + ': ' if at else ''}{detail['msg']}", where=where, hint=AGAIN) from None
